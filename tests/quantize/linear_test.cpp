#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "compiler/quantize/algorithms.h"
#include "tests/quantize/naive.h"

namespace mlqc {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::FloatEq;

Weights whole(const std::vector<float>& values) {
  return {values, 1, static_cast<std::int64_t>(values.size())};
}

// One group's arithmetic as the format's facts give it, a weight at a time.
Quantized naive_levels(const std::vector<float>& group, int levels) {
  const double low = *std::min_element(group.begin(), group.end()),
               high = *std::max_element(group.begin(), group.end());
  const double scale = (high - low) / (levels - 1), inverse = scale > 0 ? 1.0 / scale : 0;
  Quantized result{{}, {static_cast<float>(scale)}, {static_cast<float>(low)}, {}};
  for (float w : group)
    result.indices.push_back(static_cast<std::uint8_t>(std::nearbyint((w - low) * inverse)));
  return result;
}

Quantized naive_linear(const std::vector<float>& group, int bits) { return naive_levels(group, 1 << bits); }

Quantized naive_symmetric(const std::vector<float>& group, int bits) {
  double reach = 0;
  for (float w : group) reach = std::max(reach, std::abs(static_cast<double>(w)));
  const double half = (1 << bits) / 2.0, scale = reach / (half - 1), offset = -half * scale;
  Quantized result{{}, {static_cast<float>(scale)}, {static_cast<float>(offset)}, {}};
  for (float w : group)
    result.indices.push_back(static_cast<std::uint8_t>(scale > 0 ? std::nearbyint((w - offset) / scale) : 0));
  return result;
}

struct Layout {
  std::int64_t outer, groups, inner;
};

class Linear : public testing::TestWithParam<int> {};

// Groups with long and with short runs, along the first, a middle and the last axis.
TEST_P(Linear, AgreesWithOneWeightAtATime) {
  const int bits = GetParam();
  for (const Layout layout :
       {Layout{1, 1, 1000}, {1, 7, 130}, {1, 5, 3}, {3, 4, 70}, {9, 6, 5}, {50, 33, 1}, {1, 1, 1}}) {
    const auto size = static_cast<std::size_t>(layout.outer * layout.groups * layout.inner);
    const std::vector<float> values = test::heavy_tailed(size, size);
    const Weights weights{values, layout.groups, layout.inner};
    for (const bool symmetric : {false, true}) {
      if (symmetric && bits == 1) continue;
      const Quantized ours = symmetric ? linear_symmetric(weights, bits) : linear(weights, bits);
      std::vector<std::vector<float>> groups(static_cast<std::size_t>(layout.groups));
      for (std::size_t i = 0; i < size; ++i)
        groups[static_cast<std::size_t>(test::group_of(weights, i))].push_back(values[i]);
      std::vector<std::size_t> at(groups.size());
      std::vector<Quantized> expected;
      for (const auto& group : groups)
        expected.push_back(symmetric ? naive_symmetric(group, bits) : naive_linear(group, bits));
      for (std::size_t i = 0; i < size; ++i) {
        const auto g = static_cast<std::size_t>(test::group_of(weights, i));
        ASSERT_EQ(ours.indices[i], expected[g].indices[at[g]++]) << i << " of " << size;
      }
      for (std::size_t g = 0; g < groups.size(); ++g) {
        EXPECT_EQ(ours.scale[g], expected[g].scale[0]);
        EXPECT_EQ(ours.offset[g], expected[g].offset[0]);
      }
    }
  }
}

TEST_P(Linear, IsNeverFurtherThanHalfAStep) {
  const int bits = GetParam();
  const std::vector<float> values = test::heavy_tailed(5000, 3);
  const Weights weights{values, 10, 500};
  for (const bool symmetric : {false, true}) {
    if (symmetric && bits == 1) continue;
    const Quantized q = symmetric ? linear_symmetric(weights, bits) : linear(weights, bits);
    const std::vector<float> back = test::decoded(weights, q, bits);
    for (std::size_t i = 0; i < values.size(); ++i) {
      EXPECT_LT(q.indices[i], 1 << bits);
      EXPECT_LE(std::abs(values[i] - back[i]),
                q.scale[static_cast<std::size_t>(test::group_of(weights, i))] * 0.500001);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(EveryWidth, Linear, testing::Range(1, 9));

TEST(LinearSymmetric, GivesCoreMlToolsNumbersAt8Bits) {
  const std::vector<float> values = {-1, -.5, 0, .5, .9f, 1};
  const Quantized q = linear_symmetric(whole(values), 8);
  EXPECT_THAT(q.indices, ElementsAre(1, 64, 128, 192, 242, 255));
  EXPECT_THAT(q.scale, ElementsAre(FloatEq(0.0078740157f)));
  EXPECT_THAT(q.offset, ElementsAre(FloatEq(-1.0078740f)));
}

TEST(LinearSymmetric, KeepsZeroExactAtEveryWidthAbove1) {
  const std::vector<float> values = {-0.7f, 0, 0.3f, 0};
  for (int bits = 2; bits <= 8; ++bits) {
    const Quantized q = linear_symmetric(whole(values), bits);
    EXPECT_EQ(q.indices[1], 1 << (bits - 1));
    EXPECT_EQ(test::decoded(whole(values), q, bits)[1], 0);
  }
}

TEST(LinearSymmetric, TakesTheMeanMagnitudeAt1Bit) {
  const std::vector<float> values = {-1, 2, -3, 2};
  const Quantized q = linear_symmetric(whole(values), 1);
  EXPECT_THAT(test::decoded(whole(values), q, 1), ElementsAre(-2, 2, -2, 2));
}

// Core ML Tools makes all of these -1e-4: a scale of 1e-6 or less is taken for 0 there.
TEST(Linear, KeepsSmallRangesApart) {
  const std::vector<float> values = {-1e-4f, -7e-5f, -3e-5f, -1e-5f, 1e-5f, 4e-5f, 6e-5f, 1e-4f};
  const Quantized q = linear(whole(values), 8);
  const std::vector<float> back = test::decoded(whole(values), q, 8);
  for (std::size_t i = 0; i < values.size(); ++i) EXPECT_NEAR(back[i], values[i], 2e-4 / 255 / 2 * 1.0001);
  EXPECT_NE(q.indices[0], q.indices[1]);
}

TEST(Linear, IsExactForAConstant) {
  for (float constant : {0.0f, 0.3f, -1e-30f, 1e30f, std::numeric_limits<float>::denorm_min()}) {
    const std::vector<float> values(300, constant);
    for (int bits = 1; bits <= 8; ++bits) {
      const Quantized q = linear(whole(values), bits);
      EXPECT_THAT(test::decoded(whole(values), q, bits), Each(constant)) << bits;
      EXPECT_THAT(q.indices, Each(0));
    }
  }
}

// A step that float32 cannot hold exactly would bend the grid; it is rounded up so that the top is reached.
TEST(Linear, HoldsDenormals) {
  const float unit = std::numeric_limits<float>::denorm_min();
  const std::vector<float> values = {0, unit, 2 * unit, 3 * unit, 200 * unit};
  const Quantized q = linear(whole(values), 8);
  EXPECT_EQ(test::decoded(whole(values), q, 8), values);
  const std::vector<float> wide = {0, 1000 * unit, 300 * unit, 10 * unit};
  const Quantized w = linear(whole(wide), 4);
  const std::vector<float> back = test::decoded(whole(wide), w, 4);
  for (std::size_t i = 0; i < wide.size(); ++i) EXPECT_LE(std::abs(back[i] - wide[i]), w.scale[0] / 2);
}

TEST(Linear, AFarOutlierIsExact) {
  std::vector<float> values = test::heavy_tailed(1000, 1);
  values[500] = 1e30f;
  const Quantized q = linear(whole(values), 8);
  EXPECT_FLOAT_EQ(test::decoded(whole(values), q, 8)[500], 1e30f);
}

TEST(LinearLut, IsTheGridOfLinearAsATable) {
  const std::vector<float> values = test::heavy_tailed(999, 2);
  for (int bits = 1; bits <= 8; ++bits)
    for (const Weights weights : {whole(values), Weights{values, 3, 333}, Weights{values, 9, 1}}) {
      const Quantized grid = linear(weights, bits), table = linear_lut(weights, bits);
      EXPECT_EQ(table.indices, grid.indices);
      ASSERT_EQ(table.table.size(), static_cast<std::size_t>(weights.groups) << bits);
      for (std::size_t g = 0; g < grid.scale.size(); ++g)
        for (int i = 0; i < 1 << bits; ++i)
          EXPECT_NEAR(table.table[(g << bits) + static_cast<std::size_t>(i)],
                      grid.scale[g] * i + grid.offset[g],
                      2e-7 * (std::abs(grid.offset[g]) + grid.scale[g] * i));
    }
}

}  // namespace
}  // namespace mlqc
