// A quantizer of one's own: the function that chooses the table of a tensor's weights, instead of k-means.
// Write it, name it in the manifest (`quantize: { algorithm: custom_lut, function: app::my_table, header:
// my.h }`), and give its source to mlq_add_model(... QUANTIZERS file.cpp).
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "mlq/result.h"

namespace mlq {

// Weights that are to share one table: a tensor's, or those of one channel (`granularity: per_channel`).
struct LutTask {
  std::span<const float> weights;  // finite, at least one
  int bits = 8;                    // 1..8
  // How much a squared error of each weight costs at the layer's output, on the calibration samples; empty
  // where nothing is calibrated.
  std::span<const float> importance;
  std::string_view layer;
};

struct Lut {
  std::vector<float> table;           // 1 to 2^bits finite values, in any order
  std::vector<std::uint8_t> indices;  // of each weight, into the table
};

// Called from several threads at once, and again wherever weights are rounded again; the same task must give
// the same answer. With `rounding: compensated` mlq takes the table alone and chooses the indices itself. A
// Failure ends the build with its sentence; so do a table or an index that cannot be, an exception, a crash,
// and a call that does not come back.
using LutFunction = Result<Lut>(const LutTask& task);

}  // namespace mlq
