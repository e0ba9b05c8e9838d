#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "compiler/validate/metric.h"

namespace mlqc {
namespace {

using mlq::Array;
using mlq::Feature;
using mlq::FeatureKind;

constexpr float nan = std::numeric_limits<float>::quiet_NaN();
constexpr float inf = std::numeric_limits<float>::infinity();

Array array(const std::vector<float>& values) {
  Array made{mlq::DataType::float32, {static_cast<std::int64_t>(values.size())}, {}};
  const auto bytes = std::as_bytes(std::span(values));
  made.bytes.assign(bytes.begin(), bytes.end());
  return made;
}

Feature feature(FeatureKind kind, mlq::Shape shape) {
  Feature made;
  made.kind = kind;
  made.shape = std::move(shape);
  return made;
}

double figure(const Metric& metric, const std::vector<float>& reference, const std::vector<float>& candidate,
              FeatureKind kind = FeatureKind::scores) {
  return metric.sample(feature(kind, {static_cast<std::int64_t>(reference.size())}), array(reference),
                       array(candidate));
}

std::vector<float> drawn(std::mt19937& random, std::size_t n) {
  std::vector<float> values(n);
  for (float& value : values) value = static_cast<float>(random() % 2001) / 100 - 10;
  return values;
}

// The judges: the definitions, read aloud.
bool judge_top(const std::vector<float>& a, const std::vector<float>& b, std::size_t k) {
  std::size_t best = 0;
  for (std::size_t i = 1; i < a.size(); ++i)
    if (a[i] > a[best]) best = i;
  std::vector<std::size_t> order(b.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&](std::size_t i, std::size_t j) { return b[i] > b[j]; });
  return std::find(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(k), best) !=
         order.begin() + static_cast<std::ptrdiff_t>(k);
}

TEST(Metrics, AgreeWithTheirDefinitions) {
  std::mt19937 random(3);
  for (int trial = 0; trial < 300; ++trial) {
    const std::vector<float> a = drawn(random, 12), noise = drawn(random, 12);
    std::vector<float> b = a;
    for (std::size_t i = 0; i < b.size(); ++i) b[i] += noise[i] / 4;
    long double signal = 0, error = 0, dot = 0, length = 0, peak = 0, largest = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
      const long double x = a[i], y = b[i];
      signal += x * x, error += (x - y) * (x - y), dot += x * y, length += y * y;
      peak = std::max(peak, std::fabs(x)), largest = std::max(largest, std::fabs(x - y));
    }
    EXPECT_EQ(figure(top1_agreement, a, b), judge_top(a, b, 1));
    EXPECT_EQ(figure(top5_agreement, a, b), judge_top(a, b, 5));
    EXPECT_NEAR(figure(snr_db, a, b), static_cast<double>(10 * std::log10(signal / error)), 1e-9);
    EXPECT_NEAR(figure(psnr_db, a, b), static_cast<double>(10 * std::log10(peak * peak / (error / 12))),
                1e-9);
    EXPECT_NEAR(figure(cosine, a, b), static_cast<double>(dot / std::sqrt(signal * length)), 1e-12);
    EXPECT_NEAR(figure(max_abs_error, a, b), static_cast<double>(largest), 1e-12);
  }
}

TEST(Metrics, OfEqualScoresTheFirstIsTheBest) {
  EXPECT_EQ(figure(top1_agreement, {1, 2, 2}, {1, 2, 2}), 1);
  EXPECT_EQ(figure(top1_agreement, {1, 2, 2}, {1, 2, 3}), 0);
  EXPECT_EQ(figure(top5_agreement, {0, 0, 0, 0, 0, 1}, {7, 7, 7, 7, 7, 7}), 0);
  EXPECT_EQ(figure(top5_agreement, {0, 0, 0, 0, 1, 0}, {7, 7, 7, 7, 7, 7}), 1);
}

TEST(Metrics, LabelsAgreeByIndex) {
  const auto label = [](std::int64_t value) {
    Array made{mlq::DataType::int64, {1}, std::vector<std::byte>(8)};
    std::memcpy(made.bytes.data(), &value, 8);
    return made;
  };
  const Feature output = feature(FeatureKind::label, {1});
  EXPECT_EQ(top1_agreement.sample(output, label(7), label(7)), 1);
  EXPECT_EQ(top1_agreement.sample(output, label(7), label(8)), 0);
}

// 100 against 101 in pixels: the true signal to noise ratio is 40 dB, both ways round (to 0.09 dB).
TEST(Metrics, PixelsDoNotWrap) {
  const std::vector<float> a(64, 100), b(64, 101);
  EXPECT_NEAR(figure(snr_db, a, b, FeatureKind::image), 40, 1e-9);
  EXPECT_NEAR(figure(snr_db, b, a, FeatureKind::image), 20 * std::log10(101.0), 1e-9);
  EXPECT_NEAR(figure(psnr_db, a, b, FeatureKind::image), 20 * std::log10(255.0), 1e-9);
}

TEST(Metrics, ImagesAreJudgedAsTheirUserSeesThem) {
  EXPECT_EQ(figure(max_abs_error, {300, -20, 99.6f}, {255, 0, 100.4f}, FeatureKind::image), 0);
  EXPECT_EQ(figure(psnr_db, {300, -20, 99.6f}, {255, 0, 100.4f}, FeatureKind::image), 200);
  EXPECT_EQ(figure(max_abs_error, {1, 2, 3}, {1, 2, 4}, FeatureKind::image), 1);
}

TEST(Metrics, EqualOutputsAreTheBestThereIs) {
  const std::vector<float> a = {1, -2, 3, 4, 5, 6, inf, -inf};
  EXPECT_EQ(figure(snr_db, a, a), 200);
  EXPECT_EQ(figure(psnr_db, a, a), 200);
  EXPECT_EQ(figure(max_abs_error, a, a), 0);
  EXPECT_EQ(figure(cosine, {1, 2}, {1, 2}), 1);
  EXPECT_EQ(figure(cosine, {0, 0}, {0, 0}), 1);
  EXPECT_EQ(figure(cosine, {0, 0}, {0, 1}), 0);
  EXPECT_EQ(figure(snr_db, {0, 0}, {0, 1}), -200);
}

// Wherever a number is lost, no metric may look good.
TEST(Metrics, LostNumbersFailClosed) {
  for (const float lost : {nan, inf, -inf})
    for (const bool in_reference : {false, true}) {
      std::vector<float> good = {1, 2, 3, 4, 5, 6}, bad = good;
      bad[1] = lost;
      const auto& a = in_reference ? bad : good;
      const auto& b = in_reference ? good : bad;
      for (const Metric& metric : {snr_db, psnr_db})
        EXPECT_TRUE(std::isnan(figure(metric, a, b))) << metric.name;
      EXPECT_FALSE(figure(cosine, a, b) > 0.5);
      EXPECT_FALSE(figure(max_abs_error, a, b) < 1e30);
      if (std::isnan(lost)) {
        EXPECT_EQ(figure(top1_agreement, a, b), 0);
        EXPECT_EQ(figure(top5_agreement, a, b), 0);
      }
    }
  EXPECT_EQ(figure(top1_agreement, {nan, nan}, {nan, nan}), 0);
  EXPECT_TRUE(std::isnan(figure(max_abs_error, {nan, 0}, {nan, 9})));
}

TEST(Metrics, ApplyToTheOutputsTheyCanJudge) {
  const Feature label = feature(FeatureKind::label, {1}), scores = feature(FeatureKind::scores, {10}),
                logits = feature(FeatureKind::tensor, {1, 1000, 1, 1}),
                map = feature(FeatureKind::tensor, {1, 17, 64, 64}),
                image = feature(FeatureKind::image, {1, 3, 8, 8}), few = feature(FeatureKind::scores, {5});
  EXPECT_TRUE(top1_agreement.applies(label) && top1_agreement.applies(scores) &&
              top1_agreement.applies(logits));
  EXPECT_FALSE(top1_agreement.applies(map) || top1_agreement.applies(image));
  EXPECT_TRUE(top5_agreement.applies(scores) && top5_agreement.applies(logits));
  EXPECT_FALSE(top5_agreement.applies(few) || top5_agreement.applies(label));
  for (const Metric& metric : {snr_db, psnr_db, cosine, max_abs_error}) {
    EXPECT_TRUE(metric.applies(scores) && metric.applies(map) && metric.applies(image)) << metric.name;
    EXPECT_FALSE(metric.applies(label)) << metric.name;
  }
}

TEST(Metrics, AreFoundByTheirNames) {
  for (const Metric& metric : metrics()) EXPECT_EQ(find_metric(metric.name)->name, metric.name);
  EXPECT_EQ(find_metric("size"), nullptr);
}

// Newcombe (1998), Statistics in Medicine 17, table I, method 3, for all but the first.
TEST(Wilson, GivesThePublishedIntervals) {
  const Measurement half = wilson(50, 100);
  EXPECT_NEAR(half.lower, 0.4038, 5e-5);
  EXPECT_NEAR(half.upper, 0.5962, 5e-5);
  const Measurement newcombe = wilson(81, 263);
  EXPECT_NEAR(newcombe.lower, 0.2553, 5e-5);
  EXPECT_NEAR(newcombe.upper, 0.3662, 5e-5);
  const Measurement few = wilson(15, 148);
  EXPECT_NEAR(few.lower, 0.0624, 5e-5);
  EXPECT_NEAR(few.upper, 0.1605, 5e-5);
  const Measurement none = wilson(0, 20), one = wilson(1, 29);
  EXPECT_EQ(none.lower, 0);
  EXPECT_NEAR(none.upper, 0.1611, 5e-5);
  EXPECT_NEAR(one.lower, 0.0061, 5e-5);
  EXPECT_NEAR(one.upper, 0.1718, 5e-5);
  EXPECT_EQ(wilson(20, 20).upper, 1);
  EXPECT_NEAR(wilson(20, 20).lower, 1 - none.upper, 1e-12);
}

TEST(Summarize, MeansWorstsAndShares) {
  const std::vector<double> samples = {1, 0, 1, 1};
  EXPECT_EQ(summarize(top1_agreement, samples).value, 0.75);
  EXPECT_LT(summarize(top1_agreement, samples).lower, 0.75);
  EXPECT_EQ(summarize(snr_db, samples).value, 0.75);
  EXPECT_EQ(summarize(snr_db, samples).lower, 0.75);
  EXPECT_EQ(summarize(max_abs_error, std::vector<double>{0.5, 3, 1}).value, 3);
  EXPECT_TRUE(std::isnan(summarize(max_abs_error, std::vector<double>{0.5, nan, 1}).value));
  EXPECT_TRUE(std::isnan(summarize(snr_db, std::vector<double>{0.5, nan, 1}).value));
  EXPECT_TRUE(std::isnan(summarize(top1_agreement, {}).value));
  EXPECT_EQ(summarize(top1_agreement, {}).n, 0u);
}

}  // namespace
}  // namespace mlqc
