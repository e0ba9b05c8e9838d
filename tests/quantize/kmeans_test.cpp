#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <set>

#include "compiler/quantize/algorithms.h"
#include "compiler/quantize/points.h"
#include "tests/quantize/naive.h"

namespace mlqc {
namespace {

using testing::Each;

Weights whole(const std::vector<float>& values) {
  return {values, 1, static_cast<std::int64_t>(values.size())};
}

double error_of(const std::vector<float>& values, int bits) {
  const Quantized q = kmeans_lut(whole(values), bits);
  EXPECT_EQ(q.table.size(), std::size_t{1} << bits);
  EXPECT_TRUE(std::is_sorted(q.table.begin(), q.table.end()));
  return test::squared_error(values, test::decoded(whole(values), q, bits));
}

// The judge of the judge, and of everything else: all ways to cut.
TEST(KMeans, IsTheOptimumOfAllPartitions) {
  std::mt19937 random(5);
  for (int round = 0; round < 200; ++round) {
    std::vector<float> values(3 + random() % 8);
    // Small whole numbers: many equal values and many equally good cuts.
    for (float& value : values) value = static_cast<float>(random() % 12);
    for (int bits = 1; bits <= 2; ++bits) {
      const double best = test::least_error_by_force(values, 1 << bits);
      EXPECT_NEAR(error_of(values, bits), best, 1e-5 * (1 + best));
      EXPECT_NEAR(test::least_error(values, 1 << bits), best, 1e-9 * (1 + best));
    }
  }
}

class KMeans : public testing::TestWithParam<int> {};

TEST_P(KMeans, IsTheOptimumOfTheObviousDynamicProgram) {
  const int bits = GetParam();
  for (std::size_t size : {100, 700}) {
    const std::vector<float> values = test::heavy_tailed(size, size);
    const double best = test::least_error(values, 1 << bits);
    // The table is float32: its entries are the means only to 24 bits.
    EXPECT_LE(error_of(values, bits), best * (1 + 1e-6) + 1e-15);
    EXPECT_GE(error_of(values, bits), best * (1 - 1e-9) - 1e-15);
  }
}

// Evenly spaced values of equal number: every number of clusters between two divisors costs the same per
// cluster, so that no price buys them.
TEST_P(KMeans, FindsNumbersThatNoPriceBuys) {
  const int bits = GetParam();
  for (int size : {300, 512, 1000}) {
    std::vector<double> value, count;
    std::vector<float> values;
    for (int i = 0; i < size; ++i) values.push_back(static_cast<float>(i));
    for (int segments : {2, 3, 5, 7, 100, 150, 151, 299, 1 << bits}) {
      const Segments found = best_segments(exact_points(values), segments);
      ASSERT_EQ(found.ends.size(), static_cast<std::size_t>(segments));
      // Runs of sizes s and s + 1; a run of s consecutive numbers has the error s (s^2 - 1) / 12.
      const int s = size / segments, longer = size % segments;
      const auto run = [](double length) { return length * (length * length - 1) / 12; };
      EXPECT_NEAR(found.cost, run(s + 1) * longer + run(s) * (segments - longer), 1e-6);
    }
  }
}

TEST_P(KMeans, OnAGridIsProvenNearTheOptimum) {
  const int bits = GetParam(), entries = 1 << bits;
  const std::vector<float> values =
      test::heavy_tailed(static_cast<std::size_t>(std::max(100000, 2500 * entries)), 11);
  const Points grid = grid_points(values, std::max(4096, 512 * entries));
  ASSERT_FALSE(grid.value.empty());
  EXPECT_TRUE(std::is_sorted(grid.value.begin(), grid.value.end()));
  const double bound = excess_bound(grid, best_segments(grid, entries));
  EXPECT_LE(bound, 1.001);
  const double best = best_segments(exact_points(values), entries).cost;
  const double ours = error_of(values, bits);
  EXPECT_LE(ours, bound * best);
  EXPECT_GE(ours, best * (1 - 1e-7));
}

INSTANTIATE_TEST_SUITE_P(EveryWidth, KMeans, testing::Range(1, 9));

// What the bound promises must hold for coarse grids too, where it matters.
TEST(ExcessBound, HoldsForCoarseGrids) {
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    const std::vector<float> values = test::heavy_tailed(20000, seed);
    for (int cells : {600, 2000, 8000})
      for (int entries : {2, 5, 16, 50}) {
        const Points grid = grid_points(values, cells);
        const Segments segments = best_segments(grid, entries);
        std::vector<float> table;
        std::size_t from = 0;
        for (std::int32_t end : segments.ends) {
          double sum = 0, count = 0;
          for (; from < static_cast<std::size_t>(end); ++from) {
            sum += grid.value[from] * grid.count[from];
            count += grid.count[from];
          }
          table.push_back(static_cast<float>(sum / count));
        }
        double error = 0;
        for (float value : values) {
          double nearest = std::numeric_limits<double>::infinity();
          for (float entry : table) nearest = std::min(nearest, std::abs(static_cast<double>(value) - entry));
          error += nearest * nearest;
        }
        EXPECT_LE(error, excess_bound(grid, segments) * best_segments(exact_points(values), entries).cost);
      }
  }
}

TEST(GridPoints, CountEveryWeightOnce) {
  std::vector<float> values = test::heavy_tailed(100000, 4);
  for (std::size_t i = 0; i < values.size(); i += 3) values[i] = i % 2 ? 0.0f : -0.0f;
  values[1] = 1e30f;
  values[2] = -1e25f;
  const Points grid = grid_points(values, 5000);
  ASSERT_GT(grid.size(), 1000u);
  double count = 0, sum = 0, expected = 0;
  for (std::size_t i = 0; i < grid.size(); ++i) {
    count += grid.count[i];
    if (std::abs(grid.value[i]) < 1e20) sum += grid.count[i] * grid.value[i];
    EXPECT_GT(grid.count[i], 0);
    if (i > 0) {
      EXPECT_LT(grid.value[i - 1], grid.value[i]);
    }
  }
  for (float value : values)
    if (std::abs(value) < 1e20f) expected += value;
  EXPECT_EQ(count, static_cast<double>(values.size()));
  EXPECT_NEAR(sum, expected, 1e-5);
  EXPECT_EQ(grid.value.back(), 1e30f);
  EXPECT_EQ(grid.value.front(), -1e25f);
  const auto zero = std::find(grid.value.begin(), grid.value.end(), 0.0);
  ASSERT_NE(zero, grid.value.end());
  EXPECT_NEAR(grid.count[static_cast<std::size_t>(zero - grid.value.begin())], 100000 / 3, 1);
}

TEST(KMeans, FewerValuesThanEntriesAreExactAndTheLastIsRepeated) {
  const std::vector<float> values = {3, -1, 3, 0.5f, -1};
  const Quantized q = kmeans_lut(whole(values), 3);
  EXPECT_THAT(q.table, testing::ElementsAre(-1, 0.5f, 3, 3, 3, 3, 3, 3));
  EXPECT_THAT(q.indices, testing::ElementsAre(2, 0, 2, 1, 0));
}

TEST(KMeans, DegenerateTensorsAreExact) {
  const float tiny = std::numeric_limits<float>::denorm_min();
  for (float constant : {0.0f, -0.25f, 1e30f, tiny}) {
    const std::vector<float> values(200000, constant);
    EXPECT_EQ(error_of(values, 4), 0);
  }
  EXPECT_EQ(error_of({tiny, 2 * tiny, 3 * tiny, 0, -tiny}, 8), 0);
  EXPECT_EQ(error_of({42}, 8), 0);
  const std::vector<float> two_denormals = {tiny, 2 * tiny, 1000 * tiny, 1001 * tiny};
  EXPECT_THAT(kmeans_lut(whole(two_denormals), 1).indices, testing::ElementsAre(0, 0, 1, 1));
}

// Outliers take an entry each and leave the others to the rest: on the exact way and, with many weights, on
// the way over a grid.
TEST(KMeans, FarOutliersDoNotDrownTheRest) {
  for (std::size_t size : {std::size_t{600}, std::size_t{200000}}) {
    std::vector<float> values = test::heavy_tailed(size, 8);
    const std::vector<float> without(values.begin() + 2, values.end());
    const double best = best_segments(exact_points(without), 14).cost;
    for (float far : {1e4f, 1e12f, 1e30f}) {
      values[0] = far;
      values[1] = -far / 2;
      EXPECT_LE(error_of(values, 4), 1.001 * best) << size << " weights and " << far;
    }
  }
}

// No even grid suits these: a fiftieth of the weights is a million times wider spread than the others.
TEST(KMeans, MixedScalesStayWithinTheBound) {
  std::vector<float> values = test::heavy_tailed(200000, 21);
  for (std::size_t i = 0; i < values.size(); i += 50) values[i] *= 1e6f;
  const double best = best_segments(exact_points(values), 256).cost;
  EXPECT_LE(error_of(values, 8), 1.001 * best);
}

// A network that was quantized or pruned before: few values, or mostly zeros.
TEST(KMeans, SpikesStayWithinTheBound) {
  std::vector<float> pruned = test::heavy_tailed(300000, 31), coarse = pruned;
  for (std::size_t i = 0; i < pruned.size(); ++i) {
    if (i % 3) pruned[i] = 0;
    coarse[i] = std::round(coarse[i] * 4000) / 4000;
  }
  for (const auto& values : {pruned, coarse})
    for (int bits : {2, 4, 8}) {
      const double best = best_segments(exact_points(values), 1 << bits).cost;
      EXPECT_LE(error_of(values, bits), 1.001 * best + 1e-12) << bits;
    }
}

TEST(KMeans, TablesPerChannelAreThoseOfTheChannels) {
  const std::vector<float> values = test::heavy_tailed(2 * 5 * 30, 13);
  const Weights weights{values, 5, 30};  // along the middle axis of 2 x 5 x 30
  const Quantized q = kmeans_lut(weights, 3);
  for (std::size_t g = 0; g < 5; ++g) {
    std::vector<float> channel;
    std::vector<std::uint8_t> indices;
    for (std::size_t i = 0; i < values.size(); ++i)
      if (test::group_of(weights, i) == static_cast<std::int64_t>(g)) {
        channel.push_back(values[i]);
        indices.push_back(q.indices[i]);
      }
    const Quantized alone = kmeans_lut(whole(channel), 3);
    EXPECT_EQ(indices, alone.indices);
    EXPECT_TRUE(std::equal(alone.table.begin(), alone.table.end(),
                           q.table.begin() + static_cast<std::ptrdiff_t>(8 * g)));
  }
}

TEST(MergedPoints, KeepCountSumAndLimit) {
  const Points exact = exact_points(test::heavy_tailed(5000, 17));
  const Points merged = merged_points(exact, 1e-6);
  double before = 0, after = 0, count = 0;
  for (std::size_t i = 0; i < exact.size(); ++i) before += exact.count[i] * exact.value[i];
  for (std::size_t i = 0; i < merged.size(); ++i) {
    after += merged.count[i] * merged.value[i];
    count += merged.count[i];
    EXPECT_LE(merged.spread[i], 1e-6);
  }
  EXPECT_LT(merged.size(), exact.size());
  EXPECT_EQ(count, 5000);
  EXPECT_NEAR(before, after, 1e-10);
}

}  // namespace
}  // namespace mlqc
