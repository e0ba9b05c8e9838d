// Judges: what the algorithms must give, computed the obvious way.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "compiler/quantize/quantize.h"

namespace mlqc::test {

// Bit by bit.
std::vector<std::uint8_t> naive_pack(std::span<const std::uint8_t> indices, int bits);

// Group of each element, by counting.
std::int64_t group_of(const Weights& weights, std::size_t element);

// Each weight as its index says.
std::vector<float> decoded(const Weights& weights, const Quantized& quantized, int bits);

double squared_error(std::span<const float> a, std::span<const float> b);

// The least squared error with `entries` values: dynamic programming over all pairs of cuts, in long double.
double least_error(std::vector<float> values, int entries);

// The same, by trying every way to cut the sorted values.
double least_error_by_force(std::vector<float> values, int entries);

// Reproducible numbers: normal, of deviation 1.
std::vector<double> normal(std::size_t size, unsigned seed);

// Reproducible weights: heavy-tailed (Student t, 5 degrees), scaled.
std::vector<float> heavy_tailed(std::size_t size, std::uint64_t seed, double scale = 0.015);

}  // namespace mlqc::test
