// Lists of numbers in IEEE half precision.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace mlq {

// Nothing where some number is no half, bit for bit, or where there is none.
std::optional<std::vector<std::uint16_t>> as_halves(std::span<const float> values);

// `bytes`: two for each half, at any address; out has room for so many.
void widen_halves(const std::uint8_t* bytes, std::span<float> out);

}  // namespace mlq
