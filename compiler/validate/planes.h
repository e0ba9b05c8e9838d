// Outputs as stacks of planes: masks, heat maps, pictures.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "mlq/graph.h"

namespace mlqc {

// Channel-first: [H, W], [C, H, W] or [1, C, H, W].
struct Planes {
  std::size_t count = 1, height = 0, width = 0;
  std::size_t size() const { return height * width; }
};
// Nothing for other shapes, unknown ones, and planes of a single row or column.
std::optional<Planes> planes_of(const mlq::Shape& shape);

// A tensor of planes: it may be a mask or heat maps. Pictures are not.
bool is_planes(const mlq::Feature& output);

// The class of each pixel: of several planes the one with the highest number, of one whether it is above 0.5.
std::vector<std::size_t> classes_of(const Planes& planes, const std::vector<double>& values);

}  // namespace mlqc
