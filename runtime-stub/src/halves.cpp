#include "runtime-stub/src/halves.h"

#include <Eigen/Core>
#include <bit>
#include <cstring>

namespace mlq {

std::optional<std::vector<std::uint16_t>> as_halves(std::span<const float> values) {
  if (values.empty()) return {};
  std::vector<std::uint16_t> halves;
  for (const float value : values) {
    const auto half = Eigen::half_impl::float_to_half_rtne(value);
    const float again = Eigen::half_impl::half_to_float(half);
    if (std::bit_cast<std::uint32_t>(again) != std::bit_cast<std::uint32_t>(value)) return {};
    halves.push_back(half.x);
  }
  return halves;
}

void widen_halves(const std::uint8_t* bytes, std::span<float> out) {
  for (std::size_t i = 0; i < out.size(); ++i) {
    Eigen::half_impl::__half_raw half;
    std::memcpy(&half.x, bytes + 2 * i, 2);
    out[i] = Eigen::half_impl::half_to_float(half);
  }
}

}  // namespace mlq
