#include "compiler/validate/statistics.h"

#include <gtest/gtest.h>

#include <cmath>

#include "compiler/validate/metric.h"

namespace mlqc {
namespace {

// Judge: Wilson's bounds are the shares whose own score test is exactly at z.
TEST(Statistics, WilsonSolvesTheScoreTest) {
  constexpr double z = 1.959963984540054;
  for (const auto& [hits, n] : {std::pair{252.0, 256.0}, {10.0, 20.0}, {1.0, 7.0}}) {
    const Bounds bounds = wilson_bounds(hits / n, n, 0.95);
    for (const double p : {bounds.lower, bounds.upper})
      EXPECT_NEAR(std::abs(hits / n - p) / std::sqrt(p * (1 - p) / n), z, 1e-9);
    EXPECT_LT(bounds.lower, hits / n);
    EXPECT_GT(bounds.upper, hits / n);
  }
}

TEST(Statistics, AGateOf256SamplesHasABoundOf966) {
  EXPECT_NEAR(wilson_bounds(252.0 / 256, 256, two_sided(0.95)).lower, 0.966, 0.0005);
}

TEST(Statistics, CountsTheSamplesThatAreNeeded) {
  EXPECT_EQ(samples_needed(0.98, 0.95), 133u);
  EXPECT_EQ(samples_needed(0.99, 0.95), 268u);
  EXPECT_EQ(samples_needed(1, 0.95), 0u);
  const std::size_t settles = samples_to_settle(252.0 / 256, 0.98, 0.95);
  const double share = 252.0 / 256;
  EXPECT_GE(wilson_bounds(share, static_cast<double>(settles), 0.9).lower, 0.98);
  EXPECT_LT(wilson_bounds(share, static_cast<double>(settles - 1), 0.9).lower, 0.98);
  EXPECT_EQ(samples_to_settle(0.97, 0.98, 0.95), 0u) << "what is below the limit is never shown above it";
  EXPECT_EQ(samples_to_settle(std::nan(""), 0.98, 0.95), 0u);
}

// Judge: every sequence of flips, counted.
TEST(Statistics, SignTestCountsSequences) {
  for (std::size_t n = 1; n <= 12; ++n)
    for (std::size_t worse = 0; worse <= n; ++worse) {
      std::size_t at_least = 0;
      for (unsigned way = 0; way < (1u << n); ++way)
        at_least += static_cast<std::size_t>(__builtin_popcount(way)) >= worse;
      EXPECT_NEAR(sign_test(worse, n - worse), static_cast<double>(at_least) / (1u << n), 1e-12);
    }
  EXPECT_NEAR(sign_test(12, 3), 0.0176, 0.0001);
  EXPECT_EQ(sign_test(0, 0), 1);
}

}  // namespace
}  // namespace mlqc
