#include "compiler/quantize/nearest.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "compiler/quantize/isa.h"

namespace mlqc {

namespace {

// A value above thresholds[i] is nearer to entry i + 1 than to entry i.
std::vector<float> thresholds_of(std::span<const float> table) {
  std::size_t used = table.size();
  while (used > 1 && table[used - 1] == table[used - 2]) --used;  // repeated at the end: never needed
  std::vector<float> result;
  for (std::size_t i = 0; i + 1 < used; ++i) {
    const double middle = (static_cast<double>(table[i]) + table[i + 1]) / 2;
    // The greatest float not above the middle: for floats, above the one is above the other.
    const auto below = static_cast<float>(middle);
    result.push_back(below > middle ? std::nextafter(below, -std::numeric_limits<float>::infinity()) : below);
  }
  return result;
}

// For few thresholds: counts those below, many values at once.
MLQ_EACH_ISA void count_below(const float* values, std::size_t size, const float* thresholds,
                              std::size_t number, std::uint8_t* indices) {
  constexpr std::size_t lanes = 64;
  std::size_t i = 0;
  for (; i + lanes <= size; i += lanes) {
    std::int32_t above[lanes] = {};
    for (std::size_t t = 0; t < number; ++t)
      for (std::size_t j = 0; j < lanes; ++j) above[j] += values[i + j] > thresholds[t] ? 1 : 0;
    for (std::size_t j = 0; j < lanes; ++j) indices[i + j] = static_cast<std::uint8_t>(above[j]);
  }
  for (; i < size; ++i) {
    indices[i] = 0;
    for (std::size_t t = 0; t < number; ++t) indices[i] += values[i] > thresholds[t];
  }
}

// For many: equal bins between the outer thresholds, each knowing how many thresholds lie in the bins before.
// The map to bins rises with the value however it rounds, so this is exact.
struct Bins {
  static constexpr std::int32_t number = 8192;
  float low = 0, scale = 0;
  std::array<std::uint8_t, number> before{};
  std::array<float, 257> thresholds;  // then infinity

  std::size_t bin(float value) const {
    const float place = (value - low) * scale;
    return static_cast<std::size_t>(
        static_cast<std::int32_t>(std::min(std::max(place, 0.0f), number - 1.0f)));
  }
};

// False where some bin would hold more than two thresholds (far outliers make bins wide).
bool make_bins(const std::vector<float>& thresholds, Bins& bins) {
  bins.low = thresholds.front();
  const double range = static_cast<double>(thresholds.back()) - bins.low;
  bins.scale = static_cast<float>(Bins::number / range);
  if (!(range > 0) || !std::isfinite(bins.scale) || !std::isfinite(static_cast<float>(range))) return false;
  bins.thresholds.fill(std::numeric_limits<float>::infinity());
  std::copy(thresholds.begin(), thresholds.end(), bins.thresholds.begin());
  std::vector<std::uint8_t> within(Bins::number);
  for (float threshold : thresholds)
    if (++within[bins.bin(threshold)] > 2) return false;
  for (std::size_t b = 1; b < within.size(); ++b)
    bins.before[b] = static_cast<std::uint8_t>(bins.before[b - 1] + within[b - 1]);
  return true;
}

void look_up(std::span<const float> values, const Bins& bins, std::span<std::uint8_t> indices) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    std::size_t index = bins.before[bins.bin(values[i])];
    index += values[i] > bins.thresholds[index];
    index += values[i] > bins.thresholds[index];
    indices[i] = static_cast<std::uint8_t>(index);
  }
}

}  // namespace

void nearest_entries(std::span<const float> values, std::span<const float> table,
                     std::span<std::uint8_t> indices) {
  const std::vector<float> thresholds = thresholds_of(table);
  if (thresholds.size() < 32)
    return count_below(values.data(), values.size(), thresholds.data(), thresholds.size(), indices.data());
  Bins bins;
  if (values.size() > Bins::number && make_bins(thresholds, bins)) return look_up(values, bins, indices);
  for (std::size_t i = 0; i < values.size(); ++i)
    indices[i] = static_cast<std::uint8_t>(std::lower_bound(thresholds.begin(), thresholds.end(), values[i]) -
                                           thresholds.begin());
}

}  // namespace mlqc
