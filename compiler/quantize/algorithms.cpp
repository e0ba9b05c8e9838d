#include "compiler/quantize/algorithms.h"

#include <array>

namespace mlqc {

namespace {

// Default granularities are those of Core ML Tools.
constexpr std::array<Algorithm, 4> table = {{
    {"linear", "per_channel", 1, 8, Fit::affine, linear},
    {"linear_symmetric", "per_channel", 1, 8, Fit::symmetric, linear_symmetric},
    {"linear_lut", "per_tensor", 1, 8, Fit::affine, linear_lut},
    {"kmeans_lut", "per_tensor", 1, 8, Fit::free, kmeans_lut},
}};

// These need more than weights and bits, so they are not in the table: see custom_lut.h, uniform.h,
// trellis.h.
constexpr std::array<Algorithm, 3> others = {{
    {"custom_lut", "per_tensor", 1, 8, Fit::fixed, nullptr},
    {"uniform", "per_tensor", 8, 8, Fit::fixed, nullptr},
    {"trellis", "per_tensor", 8, 8, Fit::fixed, nullptr},
}};

}  // namespace

std::span<const Algorithm> algorithms() { return table; }

const Algorithm* find_algorithm(std::string_view name) {
  for (const Algorithm& algorithm : table)
    if (algorithm.name == name) return &algorithm;
  for (const Algorithm& algorithm : others)
    if (algorithm.name == name) return &algorithm;
  return nullptr;
}

}  // namespace mlqc
