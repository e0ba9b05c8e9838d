// Multiples of a step, against one weight at a time.
#include "compiler/quantize/uniform.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "compiler/quantize/tensor_data.h"
#include "tests/quantize/naive.h"

namespace mlqc {
namespace {

using Groups = std::vector<std::uint32_t>;

Groups three_groups(std::size_t count) {
  Groups groups;
  for (std::size_t i = 0; i < count; ++i) groups.push_back(static_cast<std::uint32_t>(i % 3));
  return groups;
}

double root_mean_square(const std::vector<float>& values) {
  double sum = 0;
  for (const float value : values) sum += static_cast<double>(value) * value;
  return std::sqrt(sum / static_cast<double>(values.size()));
}

TEST(Uniform, EachWeightHasTheNearestMultipleOfItsGroupsStep) {
  std::vector<float> values = test::heavy_tailed(3000, 5);
  values[7] = 0;
  const Groups groups = three_groups(values.size());
  const std::vector<float> importance = {0.5f, 1.0f, 1.5f};
  for (const double step : {2.0, 0.3, 0.02}) {
    const Quantized made = uniform(values, groups, step, importance);
    ASSERT_EQ(made.wide.size(), values.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
      const double scale = made.scale[groups[i]], value = scale * made.wide[i] + made.offset[groups[i]];
      ASSERT_NEAR(value, scale * std::nearbyint(values[i] / scale), 1e-3 * scale) << step << " " << i;
    }
    EXPECT_EQ(*std::ranges::min_element(made.wide), 0);
    for (std::size_t g = 0; g < 3; ++g) {
      const double wanted = step * root_mean_square(values) / std::sqrt(importance[g]);
      EXPECT_GE(made.scale[g], 0.9999 * wanted) << "no finer than asked";
      EXPECT_LE(made.scale[g], 1.01 * wanted);
      EXPECT_NEAR(made.offset[g] / made.scale[g], made.offset[0] / made.scale[0], 1e-3)
          << "level 0 is the same number in all groups";
    }
  }
}

// What a byte holds before compensation, it holds after it, whichever levels are taken.
TEST(Uniform, SpareLevelsDoNotBurstAByte) {
  const std::vector<float> values = test::heavy_tailed(3000, 6);
  const Groups groups = three_groups(values.size());
  for (double step = 0.02; step < 2; step *= 1.1) {
    const std::vector<double> steps = uniform_steps(values, 3, step, std::vector<float>{0.6f, 1.0f, 1.4f});
    double low = 0, high = 0, nearest_low = 0, nearest_high = 0;
    for (const Levels& levels : uniform_levels(values, groups, steps)) {
      low = std::min(low, levels.values.front() / levels.scale);
      high = std::max(high, levels.values.back() / levels.scale);
    }
    const Quantized made = uniform(values, groups, step, std::vector<float>{0.6f, 1.0f, 1.4f});
    nearest_low = made.offset[0] / made.scale[0];
    nearest_high = nearest_low + *std::ranges::max_element(made.wide);
    EXPECT_LE(low, nearest_low + 1e-3);
    EXPECT_GE(high, nearest_high - 1e-3);
    if (nearest_high - nearest_low < 255.5) {
      EXPECT_LT(high - low, 255.5) << step;
    }
  }
}

TEST(Uniform, OddWeightsHaveFiniteLevels) {
  const float tiny = std::numeric_limits<float>::denorm_min();
  for (const std::vector<float>& values : {std::vector<float>(50), std::vector<float>(50, 0.25f),
                                           std::vector<float>{3}, std::vector<float>{tiny, -tiny}, [] {
                                             std::vector<float> one(200000, 1.0f);
                                             one[5] = 1e30f;
                                             return one;
                                           }()}) {
    const Groups groups(values.size());
    const Quantized made = uniform(values, groups, 0.001, {});
    ASSERT_TRUE(std::isfinite(made.scale[0]) && std::isfinite(made.offset[0]));
    EXPECT_LE(*std::ranges::max_element(made.wide), 4096);
    for (std::size_t i = 0; i < values.size(); ++i)
      ASSERT_LE(std::abs(static_cast<double>(made.scale[0]) * made.wide[i] + made.offset[0] - values[i]),
                0.501 * made.scale[0] + 2e-45);
  }
}

// The width follows from the levels: less than a byte, a byte, or two.
TEST(Uniform, TensorsAreAsWideAsTheirLevelsAsk) {
  const std::vector<float> values = test::heavy_tailed(6 * 50, 7);
  mlq::Graph graph;
  mlq::add_constant(graph, "layer/weights", {6, 50}, std::span<const float>(values));
  int widest = 0;
  for (const double step : {4.0, 1.0, 0.05, 0.001}) {
    TensorPlan plan{0, "layer", "Gemm", 0, {"uniform", 8, "per_channel", "nearest"}, ""};
    plan.settings.step = step;
    const mlq::Tensor made = quantize(graph.tensors[0], plan);
    EXPECT_GE(made.quantization->bits, widest);
    widest = made.quantization->bits;
    EXPECT_EQ(is_wide(graph.tensors[0], plan), widest == 16);
    EXPECT_EQ(made.data->bytes.size(), mlq::data_size(made));
    const std::vector<float> decoded = floats_of(made).decoded;
    for (std::size_t i = 0; i < values.size(); ++i)
      ASSERT_LE(std::abs(decoded[i] - values[i]), 0.51f * made.quantization->scale[i / 50]);
  }
  EXPECT_EQ(widest, 16);
}

}  // namespace
}  // namespace mlqc
