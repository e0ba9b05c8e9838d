#include "compiler/quantize/nearest.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "tests/quantize/naive.h"

namespace mlqc {
namespace {

double distance(float a, float b) { return std::abs(static_cast<double>(a) - b); }

std::uint8_t naive_nearest(float value, const std::vector<float>& table) {
  std::size_t best = 0;
  for (std::size_t i = 1; i < table.size(); ++i)
    if (distance(value, table[i]) < distance(value, table[best])) best = i;
  return static_cast<std::uint8_t>(best);
}

void expect_nearest(const std::vector<float>& values, const std::vector<float>& table) {
  std::vector<std::uint8_t> indices(values.size());
  nearest_entries(values, table, indices);
  // Exact distances, as far as double tells them apart; of equal ones any will do.
  for (std::size_t i = 0; i < values.size(); ++i)
    ASSERT_EQ(distance(values[i], table[indices[i]]),
              distance(values[i], table[naive_nearest(values[i], table)]))
        << values[i] << " in a table of " << table.size();
}

// Few values take one way, many another; so do few and many entries.
TEST(Nearest, AgreesWithComparingAll) {
  for (std::size_t size : {std::size_t{10}, std::size_t{1000}, std::size_t{20000}})
    for (std::size_t entries : {1, 2, 3, 16, 32, 33, 64, 200, 256}) {
      const std::vector<float> values = test::heavy_tailed(size, size + entries);
      std::vector<float> table = test::heavy_tailed(entries, entries);
      std::sort(table.begin(), table.end());
      expect_nearest(values, table);
      // Also the points where the nearest entry changes, and those beside them.
      std::vector<float> edges(values);
      for (std::size_t i = 0; i + 1 < table.size() && 3 * i + 2 < edges.size(); ++i) {
        const float middle = (table[i] + table[i + 1]) / 2;
        edges[3 * i] = middle;
        edges[3 * i + 1] = std::nextafter(middle, -1.0f);
        edges[3 * i + 2] = std::nextafter(middle, 1.0f);
      }
      expect_nearest(edges, table);
    }
}

TEST(Nearest, TakesTheLowerOfTwoEqual) {
  std::vector<std::uint8_t> indices(3);
  nearest_entries(std::vector<float>{0.5f, 1, 7}, std::vector<float>{0, 1, 1, 1}, indices);
  EXPECT_THAT(indices, testing::ElementsAre(0, 1, 1));
}

TEST(Nearest, StandsFarOutliers) {
  std::vector<float> table = test::heavy_tailed(254, 9), values = test::heavy_tailed(20000, 10);
  table.insert(table.end(), {-1e30f, 1e38f});
  std::sort(table.begin(), table.end());
  values[3] = -3e29f;
  values[4] = 2e37f;
  values[5] = std::numeric_limits<float>::max();
  values[6] = std::numeric_limits<float>::lowest();
  expect_nearest(values, table);
}

}  // namespace
}  // namespace mlqc
