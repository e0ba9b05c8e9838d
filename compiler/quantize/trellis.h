// Weights whose levels follow from the weights before them (runtime-stub/src/trellis.h): for entropy-coded
// weights, less noise than `uniform` has at the same bytes.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "compiler/quantize/levels.h"
#include "compiler/quantize/quantize.h"

namespace mlqc {

using LevelIndex = std::uint16_t;

// What a level's number may be moved by: its two low bits have a meaning.
inline constexpr int trellis_unit = 4;

// Of the levels of a chain of weights, those that the trellis allows and that are nearest to `values`
// together: the least sum of squares, in steps of each weight's own levels (Viterbi's algorithm). chosen[i]
// is a number of levels[i], which are four or more.
void choose_path(std::span<const double> values, std::span<const Levels* const> levels,
                 std::span<LevelIndex> chosen);

// How many weights to chain: all rows, or parts of them that can be rounded beside each other.
std::uint32_t chain_length(std::size_t rows, std::size_t groups);

// As uniform() in uniform.h does it, with levels half of `step` apart; shape, and chains along it.
Quantized trellis(std::span<const float> weights, const mlq::Shape& shape, const mlq::Trellis& chains,
                  std::span<const std::uint32_t> groups, double step, std::span<const float> importance);

}  // namespace mlqc
