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

// Needs more than weights and bits, so it is not in the table: see custom_lut.h.
constexpr Algorithm custom = {"custom_lut", "per_tensor", 1, 8, Fit::fixed, nullptr};

}  // namespace

std::span<const Algorithm> algorithms() { return table; }

const Algorithm* find_algorithm(std::string_view name) {
  for (const Algorithm& algorithm : table)
    if (algorithm.name == name) return &algorithm;
  return name == custom.name ? &custom : nullptr;
}

}  // namespace mlqc
