// Floats as IEEE halves: `bits: 16`.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace mlqc {

// Rounded to nearest, halves to even. Where a value is too large for a half, `overflow` is its index and the
// result is of no use; else `overflow` is -1.
std::vector<std::uint16_t> to_halves(std::span<const float> values, std::int64_t& overflow);

// The nearest half, or the value itself where that is further away than half precision of `whole` is fine: of
// the value, or of the largest of a table that it is in.
double near_half(double value, double whole);

}  // namespace mlqc
