// What every row of the table of algorithms promises.
#include <gmock/gmock.h>

#include <set>

#include "compiler/quantize/quantize.h"
#include "tests/quantize/naive.h"

namespace mlqc {
namespace {

class Row : public testing::TestWithParam<std::string> {};

std::vector<std::string> names() {
  std::vector<std::string> result;
  for (const Algorithm& algorithm : algorithms()) result.emplace_back(algorithm.name);
  return result;
}

TEST_P(Row, IsFoundByItsName) {
  const Algorithm* algorithm = find_algorithm(GetParam());
  ASSERT_NE(algorithm, nullptr);
  EXPECT_EQ(algorithm->name, GetParam());
  EXPECT_THAT(algorithm->default_granularity, testing::AnyOf("per_tensor", "per_channel"));
}

TEST_P(Row, GivesParametersForEachGroupAndIndicesInRange) {
  const Algorithm& algorithm = *find_algorithm(GetParam());
  const std::vector<float> values = test::heavy_tailed(8 * 125, 1);
  for (int bits = algorithm.min_bits; bits <= algorithm.max_bits; ++bits)
    for (const Weights weights : {Weights{values, 1, 1000}, Weights{values, 8, 125}, Weights{values, 8, 1}}) {
      const Quantized q = algorithm.quantize(weights, bits);
      const auto groups = static_cast<std::size_t>(weights.groups);
      ASSERT_EQ(q.indices.size(), values.size());
      for (std::uint8_t index : q.indices) ASSERT_LT(index, 1 << bits);
      ASSERT_NE(q.table.empty(), q.scale.empty());
      if (q.table.empty()) {
        EXPECT_EQ(q.scale.size(), groups);
        EXPECT_EQ(q.offset.size(), groups);
      } else {
        EXPECT_EQ(q.table.size(), groups << bits);
      }
      // Twice the same is the same: no seeds, no addresses, no uninitialised bytes.
      const Quantized again = algorithm.quantize(weights, bits);
      EXPECT_EQ(q.indices, again.indices);
      EXPECT_EQ(q.table, again.table);
      EXPECT_EQ(q.scale, again.scale);
    }
}

TEST_P(Row, GetsBetterWithEveryBit) {
  const Algorithm& algorithm = *find_algorithm(GetParam());
  const std::vector<float> values = test::heavy_tailed(3000, 2);
  const Weights weights{values, 1, 3000};
  double before = 1e300;
  for (int bits = std::max(2, algorithm.min_bits); bits <= algorithm.max_bits; ++bits) {
    const double error =
        test::squared_error(values, test::decoded(weights, algorithm.quantize(weights, bits), bits));
    EXPECT_LT(error, before);
    before = error;
  }
}

TEST_P(Row, NoTableIsBetterThanKMeans) {
  const std::vector<float> values = test::heavy_tailed(3000, 3);
  const Weights weights{values, 1, 3000};
  for (int bits = 1; bits <= 8; ++bits) {
    const auto error = [&](const std::string& name) {
      return test::squared_error(values,
                                 test::decoded(weights, find_algorithm(name)->quantize(weights, bits), bits));
    };
    EXPECT_GE(error(GetParam()) * (1 + 1e-6), error("kmeans_lut"));
  }
}

TEST(Algorithms, UnknownNamesAreNotFound) { EXPECT_EQ(find_algorithm("kmeans"), nullptr); }

TEST(Algorithms, HaveDifferentNames) {
  const std::vector<std::string> all = names();
  EXPECT_EQ(std::set<std::string>(all.begin(), all.end()).size(), all.size());
}

INSTANTIATE_TEST_SUITE_P(Algorithms, Row, testing::ValuesIn(names()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace mlqc
