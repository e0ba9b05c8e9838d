// Metrics of pictures, masks, heat maps and boxes against their definitions, read aloud.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "compiler/validate/metric.h"

namespace mlqc {
namespace {

using Values = std::vector<float>;
using mlq::FeatureKind;

constexpr float nan = std::numeric_limits<float>::quiet_NaN();

double figure(const Metric& metric, const mlq::Shape& shape, const Values& reference, const Values& candidate,
              FeatureKind kind = FeatureKind::tensor) {
  const auto array = [&](const Values& values) {
    mlq::Array made{mlq::DataType::float32, shape, {}};
    const auto bytes = std::as_bytes(std::span(values));
    made.bytes.assign(bytes.begin(), bytes.end());
    return made;
  };
  mlq::Feature output;
  output.kind = kind;
  output.shape = shape;
  EXPECT_TRUE(metric.applies(output)) << metric.name;
  return metric.sample(output, array(reference), array(candidate));
}

Values drawn(std::mt19937& random, std::size_t n, unsigned most) {
  Values values(n);
  for (float& value : values) value = static_cast<float>(random() % most);
  return values;
}

// Every window by itself, with its weights in two dimensions.
double judge_ssim(const Values& a, const Values& b, std::size_t h, std::size_t w) {
  double total = 0, windows = 0;
  for (std::size_t y = 0; y + 11 <= h; ++y)
    for (std::size_t x = 0; x + 11 <= w; ++x, ++windows) {
      double sum = 0, ma = 0, mb = 0, aa = 0, bb = 0, ab = 0;
      for (std::size_t i = 0; i < 11; ++i)
        for (std::size_t j = 0; j < 11; ++j) {
          const double dy = static_cast<double>(i) - 5, dx = static_cast<double>(j) - 5;
          const double weight = std::exp(-(dx * dx + dy * dy) / 4.5);
          const double p = a[(y + i) * w + x + j], q = b[(y + i) * w + x + j];
          sum += weight;
          ma += weight * p, mb += weight * q;
          aa += weight * p * p, bb += weight * q * q, ab += weight * p * q;
        }
      ma /= sum, mb /= sum;
      const double va = aa / sum - ma * ma, vb = bb / sum - mb * mb, covariance = ab / sum - ma * mb;
      total += (2 * ma * mb + 6.5025) * (2 * covariance + 58.5225) /
               ((ma * ma + mb * mb + 6.5025) * (va + vb + 58.5225));
    }
  return total / windows;
}

TEST(Ssim, AgreesWithEachWindowByItself) {
  std::mt19937 random(1);
  const std::size_t h = 17, w = 23, n = h * w;
  const Values a = drawn(random, 3 * n, 256);
  Values b = a;
  for (float& value : b) value = std::min(255.0f, value + static_cast<float>(random() % 40));
  double mean = 0;
  for (std::size_t c = 0; c < 3; ++c) {
    const auto plane = [&](const Values& all) {
      const auto first = all.begin() + static_cast<std::ptrdiff_t>(c * n);
      return Values(first, first + static_cast<std::ptrdiff_t>(n));
    };
    mean += judge_ssim(plane(a), plane(b), h, w) / 3;
  }
  EXPECT_NEAR(figure(ssim, {3, 17, 23}, a, b, FeatureKind::image), mean, 1e-9);
  EXPECT_LT(mean, 0.99);
  EXPECT_NEAR(figure(ssim, {3, 17, 23}, a, a, FeatureKind::image), 1, 1e-12);
  EXPECT_TRUE(std::isnan(figure(ssim, {1, 10, 17}, Values(170), Values(170), FeatureKind::image)));
}

TEST(Masks, CountPixelsOfEachClass) {
  // Two classes over four pixels: 0 0 1 1 against 0 1 1 1.
  const Values a = {1, 1, 0, 0, 0, 0, 1, 1}, b = {1, 0, 0, 0, 0, 1, 1, 1};
  EXPECT_DOUBLE_EQ(figure(pixel_agreement, {2, 2, 2}, a, b), 0.75);
  EXPECT_DOUBLE_EQ(figure(iou, {2, 2, 2}, a, b), (1.0 / 2 + 2.0 / 3) / 2);
  // One plane is a mask by itself.
  EXPECT_DOUBLE_EQ(figure(iou, {1, 2, 2}, {0.9f, 0.1f, 0, 0}, {0.9f, 0.6f, 0, 0}), (1.0 / 2 + 2.0 / 3) / 2);
  EXPECT_DOUBLE_EQ(figure(pixel_agreement, {1, 1, 2, 2}, {1, 0, 0, 0}, {1, 0, 0, 0}), 1);
}

TEST(KeyPoints, AreAsFarApartAsTheirPeaks) {
  Values a(2 * 25), b(2 * 25);
  a[0] = b[3 * 5 + 4] = 1;         // (0, 0) and (4, 3): 5 apart
  a[25 + 12] = b[25 + 12] = 0.5f;  // the same
  EXPECT_DOUBLE_EQ(figure(key_point_distance, {2, 5, 5}, a, b), 2.5);
  b[1] = nan;
  EXPECT_TRUE(std::isnan(figure(key_point_distance, {2, 5, 5}, a, b)));
}

TEST(Boxes, AreCountedAsPascalDoes) {
  const Values truth = {0, 0, 10, 10, 0.9f, 1, 20, 20, 30, 30, 0.8f, 1, 0, 0, 0, 0, 0, 0};
  EXPECT_DOUBLE_EQ(figure(mean_average_precision, {3, 6}, truth, truth), 1);
  // The best of the candidate's is wrong: precision 1/2 and 2/3 at the two hits, made falling: 2/3 each.
  const Values late = {50, 50, 60, 60, 0.95f, 1, 0, 0, 10, 10, 0.9f, 1, 20, 20, 30, 29, 0.5f, 1};
  EXPECT_DOUBLE_EQ(figure(mean_average_precision, {3, 6}, truth, late), 2.0 / 3);
  // A second box on the same object is a miss, and the other object is not found: half of the truth.
  const Values twice = {0, 0, 10, 10, 0.9f, 1, 0, 0, 10, 9, 0.8f, 1, 0, 0, 0, 0, 0, 0};
  EXPECT_DOUBLE_EQ(figure(mean_average_precision, {3, 6}, truth, twice), 0.5);
  // Another class altogether: neither is found.
  Values other = truth;
  other[5] = other[11] = 2;
  EXPECT_DOUBLE_EQ(figure(mean_average_precision, {3, 6}, truth, other), 0);
  EXPECT_DOUBLE_EQ(figure(mean_average_precision, {3, 6}, Values(18), Values(18)), 1);
}

TEST(KlDivergence, IsTheSumOfItsDefinition) {
  const Values p = {0.5f, 0.25f, 0.25f, 0}, q = {0.25f, 0.25f, 0.5f, 0};
  const double expected = 0.5 * std::log(2.0) + 0.25 * std::log(0.5);
  EXPECT_NEAR(figure(kl_divergence, {4}, p, q, FeatureKind::scores), expected, 1e-7);
  EXPECT_EQ(figure(kl_divergence, {4}, p, p, FeatureKind::scores), 0);
  // Scores before softmax: a constant added to all changes nothing.
  EXPECT_NEAR(figure(kl_divergence, {3}, {1, 2, 3}, {5, 6, 7}, FeatureKind::scores), 0, 1e-6);
  const Values sure = {1, 0, 0, 0};
  EXPECT_NEAR(figure(kl_divergence, {4}, {0, 1, 0, 0}, sure, FeatureKind::scores), 12 * std::log(10.0), 1e-9);
  EXPECT_TRUE(std::isnan(figure(kl_divergence, {4}, p, {nan, 0, 0, 1}, FeatureKind::scores)));
}

TEST(MeanAbsError, IsTheMean) {
  EXPECT_DOUBLE_EQ(figure(mean_abs_error, {4}, {1, 2, 3, 4}, {1, 3, 1, 4}), 0.75);
  EXPECT_TRUE(std::isnan(figure(mean_abs_error, {2}, {1, 2}, {nan, 2})));
}

}  // namespace
}  // namespace mlqc
