#include "compiler/quantize/uniform.h"

#include <algorithm>
#include <cmath>

namespace mlqc {

namespace {

constexpr double most_levels = 4096, bytes = 256;

struct Reach {
  double low = 0, high = 0;  // always with 0 between them
};

std::vector<Reach> reaches(std::span<const float> weights, std::span<const std::uint32_t> groups,
                           std::size_t count) {
  std::vector<Reach> result(count);
  for (std::size_t i = 0; i < weights.size(); ++i) {
    Reach& reach = result[groups[i]];
    reach.low = std::min<double>(reach.low, weights[i]);
    reach.high = std::max<double>(reach.high, weights[i]);
  }
  return result;
}

// In steps.
struct Span {
  double low = 0, high = 0;
  void include(const Span& other) {
    low = std::min(low, other.low);
    high = std::max(high, other.high);
  }
};

// Wide enough for half of the levels there may be; the others are for what compensation adds. Eight
// significant bits do for a step, and many steps take few bytes then.
double usable_step(const Reach& reach, double step) {
  int exponent = 0;
  const double mantissa = std::frexp(std::max(step, (reach.high - reach.low) / (most_levels / 2)), &exponent);
  return static_cast<float>(std::ldexp(std::ceil(std::ldexp(mantissa, 8)), exponent - 8));
}

Span nearest_span(const Reach& reach, double step) {
  if (!(step > 0)) return {};
  return {std::nearbyint(reach.low / step), std::nearbyint(reach.high / step)};
}

double multiple_below(double value, int unit) { return std::floor(value / unit) * unit; }

Levels levels_of(const Span& span, double step) {
  Levels levels;
  levels.fit = Fit::fixed;  // at so many levels, moving them brings nothing
  levels.scale = step;
  levels.offset = static_cast<float>(span.low * step);
  for (double i = 0; i <= span.high - span.low; ++i)
    levels.values.push_back(static_cast<float>(step * i + levels.offset));
  return levels;
}

}  // namespace

std::vector<double> uniform_steps(std::span<const float> weights, std::size_t groups, double step,
                                  std::span<const float> importance) {
  double sum = 0;
  for (const float weight : weights) sum += static_cast<double>(weight) * weight;
  const double all = step * std::sqrt(sum / static_cast<double>(std::max<std::size_t>(weights.size(), 1)));
  std::vector<double> steps(groups, all);
  for (std::size_t g = 0; g < importance.size() && g < groups; ++g)
    steps[g] = all / std::sqrt(static_cast<double>(importance[g]));
  return steps;
}

std::vector<Levels> uniform_levels(std::span<const float> weights, std::span<const std::uint32_t> groups,
                                   const std::vector<double>& steps, int unit) {
  const std::vector<Reach> reach = reaches(weights, groups, steps.size());
  std::vector<double> usable;
  Span all;
  for (std::size_t g = 0; g < steps.size(); ++g) {
    usable.push_back(usable_step(reach[g], steps[g]));
    all.include(nearest_span(reach[g], usable[g]));
  }
  all.low = multiple_below(all.low, unit);
  // What fits into a byte stays so.
  const double rest =
      all.high - all.low < bytes ? std::floor((bytes - 1 - (all.high - all.low)) / 2) : most_levels;
  std::vector<Levels> levels;
  for (std::size_t g = 0; g < steps.size(); ++g) {
    Span span = nearest_span(reach[g], usable[g]);
    const double spare = 2 + std::floor((span.high - span.low) / 4);
    span = {std::max(multiple_below(span.low - spare, unit), all.low - multiple_below(rest, unit)),
            std::min(span.high + spare, all.high + rest)};
    levels.push_back(levels_of(span, usable[g]));
  }
  return levels;
}

Quantized uniform(std::span<const float> weights, std::span<const std::uint32_t> groups, double step,
                  std::span<const float> importance) {
  const std::size_t count = groups.empty() ? 1 : std::ranges::max(groups) + std::size_t{1};
  const std::vector<Levels> levels =
      uniform_levels(weights, groups, uniform_steps(weights, count, step, importance));
  Quantized result;
  for (const Levels& each : levels) {
    result.scale.push_back(static_cast<float>(each.scale));
    result.offset.push_back(static_cast<float>(each.offset));
  }
  for (std::size_t i = 0; i < weights.size(); ++i)
    result.wide.push_back(static_cast<std::uint16_t>(levels[groups[i]].nearest(weights[i])));
  crop(groups, result);
  return result;
}

void crop(std::span<const std::uint32_t> groups, Quantized& quantized, int unit) {
  std::vector<std::int64_t> zero;  // the number of level 0
  for (std::size_t g = 0; g < quantized.scale.size(); ++g)
    zero.push_back(quantized.scale[g] > 0 ? std::llround(-quantized.offset[g] / quantized.scale[g]) : 0);
  std::int64_t lowest = 0;  // counted from level 0
  for (std::size_t i = 0; i < groups.size(); ++i)
    lowest = std::min(lowest, std::int64_t{quantized.wide[i]} - zero[groups[i]]);
  lowest = static_cast<std::int64_t>(multiple_below(static_cast<double>(lowest), unit));
  for (std::size_t i = 0; i < groups.size(); ++i)
    quantized.wide[i] = static_cast<std::uint16_t>(quantized.wide[i] - zero[groups[i]] - lowest);
  for (std::size_t g = 0; g < quantized.scale.size(); ++g)
    quantized.offset[g] =
        static_cast<float>(static_cast<double>(lowest) * static_cast<double>(quantized.scale[g]));
}

}  // namespace mlqc
