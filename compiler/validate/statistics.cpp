#include "compiler/validate/statistics.h"

#include <cmath>

namespace mlqc {

namespace {

constexpr std::size_t most_samples = std::size_t{1} << 40;

// The z for which a standard normal number lies in -z..z with this probability.
double normal_quantile(double confidence) {
  double low = 0, high = 40;
  for (int i = 0; i < 100; ++i) {
    const double middle = (low + high) / 2;
    (std::erf(middle / std::sqrt(2.0)) < confidence ? low : high) = middle;
  }
  return low;
}

bool reaches(double share, std::size_t n, double limit, double confidence) {
  return wilson_bounds(share, static_cast<double>(n), two_sided(confidence)).lower >= limit;
}

}  // namespace

double two_sided(double confidence) { return 2 * confidence - 1; }

Bounds wilson_bounds(double share, double n, double confidence) {
  const double z = normal_quantile(confidence), z2 = z * z / n;
  const double centre = (share + z2 / 2) / (1 + z2);
  const double half = z / (1 + z2) * std::sqrt(share * (1 - share) / n + z2 / (4 * n));
  // At the ends the bound is exact; rounding must not move it.
  return {share <= 0 ? 0 : centre - half, share >= 1 ? 1 : centre + half};
}

std::size_t samples_needed(double limit, double confidence) {
  return samples_to_settle(1, limit, confidence);
}

std::size_t samples_to_settle(double share, double limit, double confidence) {
  if (!(share > limit)) return 0;
  std::size_t low = 1, high = 1;
  while (!reaches(share, high, limit, confidence)) {
    if (high >= most_samples) return 0;
    low = high;
    high *= 2;
  }
  while (low < high) {  // the bound grows with the number of samples
    const std::size_t middle = (low + high) / 2;
    if (reaches(share, middle, limit, confidence))
      high = middle;
    else
      low = middle + 1;
  }
  return high;
}

double sign_test(std::size_t worse, std::size_t better) {
  const auto n = static_cast<double>(worse + better);
  double sum = 0;
  for (std::size_t i = worse; i <= worse + better; ++i) {
    const auto k = static_cast<double>(i);
    sum += std::exp(std::lgamma(n + 1) - std::lgamma(k + 1) - std::lgamma(n - k + 1) - n * std::log(2.0));
  }
  return std::fmin(sum, 1);
}

}  // namespace mlqc
