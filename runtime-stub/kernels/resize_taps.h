// Which source positions a resized axis reads, and with which weights.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mlq/graph.h"

namespace mlq::kernels {

struct ResizeRule {
  enum class Mode { nearest, linear, cubic } mode = Mode::nearest;
  std::string transformation, rounding;
  float cubic = -0.75f;
  bool exclude_outside = false;
  bool antialias = false;  // shrinking, the window grows so that every cell counts
  bool crops = false;      // the operand roi chooses a region
};
bool read_rule(const Node& node, ResizeRule& rule);

// The part of the axis to read, as fractions.
struct Region {
  float start = 0.0f, end = 1.0f;
};

struct Taps {
  std::int64_t width = 1;  // per position
  std::vector<std::int64_t> cells;
  std::vector<float> weights;
  bool identity = false;

  std::int64_t positions() const { return static_cast<std::int64_t>(cells.size()) / width; }
};
Taps make_taps(const ResizeRule& rule, std::int64_t from, std::int64_t to, float scale, Region region);

}  // namespace mlq::kernels
