#include "compiler/quantize/half.h"

#include <Eigen/Core>
#include <algorithm>
#include <cmath>

namespace mlqc {

std::vector<std::uint16_t> to_halves(std::span<const float> values, std::int64_t& overflow) {
  constexpr std::uint16_t infinity = 0x7c00, magnitude = 0x7fff;
  std::vector<std::uint16_t> halves(values.size());
  for (std::size_t i = 0; i < values.size(); ++i)
    halves[i] = Eigen::half_impl::float_to_half_rtne(values[i]).x;
  const auto over = std::find_if(halves.begin(), halves.end(),
                                 [](std::uint16_t half) { return (half & magnitude) >= infinity; });
  overflow = over == halves.end() ? -1 : over - halves.begin();
  return halves;
}

double near_half(double value, double whole) {
  const auto nearest = Eigen::half_impl::float_to_half_rtne(static_cast<float>(value));
  const double half = Eigen::half_impl::half_to_float(nearest);
  return std::abs(half - value) <= std::abs(whole) / 2048 ? half : static_cast<float>(value);
}

}  // namespace mlqc
