// Paths through the trellis, against every path there is, and what they are worth.
#include "compiler/quantize/trellis.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "compiler/quantize/tensor_data.h"
#include "compiler/quantize/uniform.h"
#include "runtime-stub/src/trellis.h"
#include "tests/quantize/naive.h"

namespace mlqc {
namespace {

Levels levels_of(std::size_t count, double scale, double offset) {
  Levels levels;
  levels.fit = Fit::fixed;
  levels.scale = scale;
  levels.offset = offset;
  for (std::size_t i = 0; i < count; ++i) levels.values.push_back(scale * static_cast<double>(i) + offset);
  return levels;
}

double in_steps(double value, const Levels& levels, std::size_t index) {
  const double off = (value - levels.values[index]) / levels.scale;
  return off * off;
}

// Every sequence that the code allows, to the last.
double least_by_force(std::span<const double> values, std::span<const Levels* const> levels, unsigned state) {
  if (values.empty()) return 0;
  double least = 1e300;
  for (std::size_t index = 0; index < levels[0]->values.size(); ++index) {
    if ((index & 1) != mlq::trellis::low_bit(state)) continue;
    const unsigned next = mlq::trellis::next(state, static_cast<unsigned>(index >> 1 & 1));
    least = std::min(least, in_steps(values[0], *levels[0], index) +
                                least_by_force(values.subspan(1), levels.subspan(1), next));
  }
  return least;
}

TEST(Trellis, FindsTheBestOfAllPaths) {
  const std::vector<Levels> kinds = {levels_of(7, 0.5, -1.5), levels_of(6, 0.7, -2.1), levels_of(4, 1, -1)};
  for (unsigned seed = 0; seed < 20; ++seed) {
    const std::vector<double> values = test::normal(7, seed);
    std::vector<const Levels*> levels;
    for (std::size_t i = 0; i < values.size(); ++i) levels.push_back(&kinds[(i + seed) % kinds.size()]);
    std::vector<LevelIndex> chosen(values.size());
    choose_path(values, levels, chosen);
    double cost = 0;
    unsigned state = mlq::trellis::first;
    for (std::size_t i = 0; i < values.size(); ++i) {
      ASSERT_LT(chosen[i], levels[i]->values.size());
      ASSERT_EQ(chosen[i] & 1, mlq::trellis::low_bit(state)) << "not allowed";
      cost += in_steps(values[i], *levels[i], chosen[i]);
      state = mlq::trellis::next(state, chosen[i] >> 1 & 1);
    }
    EXPECT_NEAR(cost, least_by_force(values, levels, mlq::trellis::first), 1e-4) << seed;
  }
}

// Every state is left to two others and come to from two; both inputs differ in what follows.
TEST(Trellis, TheCodeIsOneOfTwoIntoTwo) {
  std::map<unsigned, int> into;
  for (unsigned state = 0; state < mlq::trellis::states; ++state) {
    EXPECT_NE(mlq::trellis::next(state, 0), mlq::trellis::next(state, 1));
    for (const unsigned input : {0u, 1u}) ++into[mlq::trellis::next(state, input)];
  }
  EXPECT_EQ(into.size(), mlq::trellis::states);
  for (const auto& [state, ways] : into) EXPECT_EQ(ways, 2) << state;
}

double entropy(const std::vector<std::uint16_t>& indices, int shift) {
  std::map<int, double> counts;
  for (const int index : indices) ++counts[index >> shift];
  double bits = 0;
  for (const auto& [index, count] : counts)
    bits -= count * std::log2(count / static_cast<double>(indices.size()));
  return bits / static_cast<double>(indices.size());
}

double squared_error(std::span<const float> weights, const Quantized& made) {
  double sum = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const double error = static_cast<double>(made.scale[0]) * made.wide[i] + made.offset[0] - weights[i];
    sum += error * error;
  }
  return sum;
}

// 256 states are worth 1.33 dB in theory (Marcellin, 1994, of memoryless Gaussian sources).
TEST(Trellis, HasLessNoiseThanUniformAtTheSameBytes) {
  std::vector<float> weights;
  for (const double value : test::normal(256 * 150, 4)) weights.push_back(static_cast<float>(value));
  const std::vector<std::uint32_t> groups(weights.size());
  for (const double step : {0.5, 0.1}) {
    const Quantized even = uniform(weights, groups, step, {});
    const Quantized chained = trellis(weights, {256, 150}, {0, 256}, groups, step, {});
    EXPECT_NEAR(entropy(chained.wide, 1), entropy(even.wide, 0), 0.03) << step;
    EXPECT_LT(squared_error(weights, chained), std::pow(10, -0.12) * squared_error(weights, even)) << step;
  }
}

TEST(Trellis, OddWeightsHaveFiniteLevels) {
  std::vector<float> far(64, 1.0f);
  far[5] = 1e30f;
  for (const std::vector<float>& values : {std::vector<float>(64), std::vector<float>(64, 0.25f), far}) {
    const Quantized made = trellis(values, {8, 8}, {0, 8}, std::vector<std::uint32_t>(64), 0.05, {});
    for (std::size_t i = 0; i < values.size(); ++i)
      EXPECT_LE(std::abs(static_cast<double>(made.scale[0]) * made.wide[i] + made.offset[0] - values[i]),
                2.001 * made.scale[0]);
  }
}

// Chains along any axis, cut or not, hold their low bits.
TEST(Trellis, TensorsFollowTheirChains) {
  std::vector<float> values;
  for (const double value : test::normal(300 * 2 * 3, 8)) values.push_back(static_cast<float>(value));
  for (const auto& [shape, axis] : {std::pair(mlq::Shape{300, 2, 3}, 0), std::pair(mlq::Shape{2, 300, 3}, 1),
                                    std::pair(mlq::Shape{6, 300}, 1)}) {
    mlq::Graph graph;
    mlq::add_constant(graph, "layer/weights", shape, std::span<const float>(values));
    TensorPlan plan{0, "layer", "Gemm", axis, {"trellis", 8, "per_tensor", "nearest"}, ""};
    for (const double step : {0.5, 0.001}) {
      plan.settings.step = step;
      const mlq::Tensor made = quantize(graph.tensors[0], plan);
      ASSERT_TRUE(made.quantization->trellis);
      EXPECT_EQ(made.quantization->trellis->axis, axis);
      EXPECT_EQ(made.quantization->trellis->length, 150u);
      std::vector<std::byte> indices(made.data->bytes.begin(), made.data->bytes.end());
      if (made.quantization->bits < 8) {
        indices.clear();
        for (const std::uint8_t index : unpack(made.data->bytes, values.size(), made.quantization->bits))
          indices.push_back(static_cast<std::byte>(index));
      }
      const std::vector<std::byte> whole = indices;
      EXPECT_TRUE(mlq::drop_low_bits(made, indices.data()));
      EXPECT_NE(indices, whole);
      mlq::restore_low_bits(made, indices.data());
      EXPECT_EQ(indices, whole);
      indices.back() ^= std::byte{1};
      EXPECT_FALSE(mlq::drop_low_bits(made, indices.data()));
    }
  }
}

}  // namespace
}  // namespace mlqc
