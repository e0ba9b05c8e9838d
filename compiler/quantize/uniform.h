// Levels at the multiples of a step, as many as the weights need: what entropy-coded weights want, since for
// a given entropy such levels have the least squared error, or nearly so (Gish and Pierce, Asymptotically
// efficient quantizing, 1968). They are not bound to 256.
#pragma once

#include <span>
#include <vector>

#include "compiler/quantize/levels.h"
#include "compiler/quantize/quantize.h"

namespace mlqc {

// A step for each of so many groups: `step` root mean squares of all weights. With `importance`, one number a
// group whose mean is 1, a group's squared error goes with 1 / importance: what costs least if errors count
// by importance (reverse water-filling; Cover and Thomas, Elements of Information Theory, 10.3.3).
std::vector<double> uniform_steps(std::span<const float> weights, std::size_t groups, double step,
                                  std::span<const float> importance);

// 0 and the multiples of each group's step up to the least and greatest of its weights, and some more, which
// compensation may need, as long as a byte still does for all; at most 2^12 of them, with a wider step where
// that is too few. `groups`: the number of each weight's. The number of level 0 is a multiple of `unit`.
std::vector<Levels> uniform_levels(std::span<const float> weights, std::span<const std::uint32_t> groups,
                                   const std::vector<double>& steps, int unit = 1);

// Each weight's nearest level. Indices are `wide`, and level 0 is the same number in all groups.
Quantized uniform(std::span<const float> weights, std::span<const std::uint32_t> groups, double step,
                  std::span<const float> importance);

// Moves indices, by multiples of `unit`, so that all groups have level 0 at the same number, and the least
// index is less than `unit`.
void crop(std::span<const std::uint32_t> groups, Quantized& quantized, int unit = 1);

}  // namespace mlqc
