// Structural similarity of pictures (Wang, Bovik, Sheikh, Simoncelli 2004, IEEE TIP 13-4): Gaussian windows
// of 11 x 11 with sigma 1.5, K1 = 0.01, K2 = 0.03, a range of 255; the mean over all windows that lie within
// the picture, and over its colours.
#include <array>
#include <cmath>

#include "compiler/validate/metric.h"
#include "compiler/validate/planes.h"

namespace mlqc {

namespace {

constexpr std::size_t window = 11;
constexpr double c1 = 0.01 * 255 * 0.01 * 255, c2 = 0.03 * 255 * 0.03 * 255;
using Plane = std::vector<double>;

std::array<double, window> weights() {
  std::array<double, window> made{};
  double sum = 0;
  for (std::size_t i = 0; i < window; ++i) {
    const double x = static_cast<double>(i) - 5;
    sum += made[i] = std::exp(-x * x / (2 * 1.5 * 1.5));
  }
  for (double& weight : made) weight /= sum;
  return made;
}

// Smoothed along both directions; only where the window fits.
Plane smooth(const Plane& in, std::size_t height, std::size_t width) {
  static const std::array<double, window> w = weights();
  const std::size_t columns = width - window + 1, rows = height - window + 1;
  Plane across(height * columns), out(rows * columns);
  for (std::size_t y = 0; y < height; ++y)
    for (std::size_t k = 0; k < window; ++k)
      for (std::size_t x = 0; x < columns; ++x) across[y * columns + x] += w[k] * in[y * width + x + k];
  for (std::size_t y = 0; y < rows; ++y)
    for (std::size_t k = 0; k < window; ++k)
      for (std::size_t x = 0; x < columns; ++x) out[y * columns + x] += w[k] * across[(y + k) * columns + x];
  return out;
}

Plane product(const Plane& a, const Plane& b) {
  Plane made(a.size());
  for (std::size_t i = 0; i < a.size(); ++i) made[i] = a[i] * b[i];
  return made;
}

double similarity(const Plane& a, const Plane& b, const Planes& planes) {
  const auto smoothed = [&](const Plane& plane) { return smooth(plane, planes.height, planes.width); };
  const Plane ma = smoothed(a), mb = smoothed(b), aa = smoothed(product(a, a)), bb = smoothed(product(b, b)),
              ab = smoothed(product(a, b));
  double sum = 0;
  for (std::size_t i = 0; i < ma.size(); ++i) {
    const double mean = ma[i] * mb[i], squares = ma[i] * ma[i] + mb[i] * mb[i];
    sum += (2 * mean + c1) * (2 * (ab[i] - mean) + c2) / ((squares + c1) * (aa[i] + bb[i] - squares + c2));
  }
  return sum / static_cast<double>(ma.size());
}

double sample(const mlq::Feature& output, const mlq::Array& reference, const mlq::Array& candidate) {
  const auto planes = planes_of(reference.shape);
  if (!planes || planes->height < window || planes->width < window) return std::nan("");
  const Plane ours = user_values(output, reference), theirs = user_values(output, candidate);
  double sum = 0;
  for (std::size_t c = 0; c < planes->count; ++c) {
    const auto plane = [&](const Plane& all) {
      const auto first = all.begin() + static_cast<std::ptrdiff_t>(c * planes->size());
      return Plane(first, first + static_cast<std::ptrdiff_t>(planes->size()));
    };
    sum += similarity(plane(ours), plane(theirs), *planes);
  }
  return sum / static_cast<double>(planes->count);
}

bool applies(const mlq::Feature& output) { return output.kind == mlq::FeatureKind::image; }

}  // namespace

const Metric ssim{"ssim", true, Summary::mean, applies, sample};

}  // namespace mlqc
