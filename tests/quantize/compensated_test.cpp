// Compensated rounding, judged by running both networks and comparing their outputs.
#include "compiler/quantize/compensated.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <cmath>
#include <cstring>
#include <random>
#include <tuple>

#include "compiler/quantize/half.h"
#include "compiler/quantize/moments.h"
#include "compiler/quantize/product.h"
#include "compiler/quantize/tensor_data.h"
#include "compiler/support/error.h"
#include "compiler/support/parallel.h"
#include "tests/quantize/naive.h"

namespace mlqc {
namespace {

using mlq::Array;
using mlq::Graph;
using mlq::Shape;
using mlq::TensorId;

std::vector<float> noise(std::size_t size, unsigned seed, float mean = 0) {
  std::mt19937 generator(seed);
  std::vector<float> values(size);
  for (float& value : values) value = mean + static_cast<float>(generator() % 2001) / 1000.0f - 1.0f;
  return values;
}

std::size_t count(const Shape& shape) { return static_cast<std::size_t>(*mlq::element_count(shape)); }

Array array(const Shape& shape, const std::vector<float>& values) {
  Array result{mlq::DataType::float32, shape, std::vector<std::byte>(values.size() * sizeof(float))};
  std::memcpy(result.bytes.data(), values.data(), result.bytes.size());
  return result;
}

// A network under construction: one input, one output.
struct Net {
  Graph graph;
  TensorId last;

  explicit Net(const Shape& input)
      : last(mlq::add_tensor(graph, {"x", mlq::DataType::float32, input, {}, {}})) {
    graph.inputs.push_back({"x", "", mlq::FeatureKind::tensor, last, input, mlq::DataType::float32, {}});
  }
  TensorId constant(const std::string& name, const Shape& shape, const std::vector<float>& values) {
    return mlq::add_constant(graph, name, shape, std::span<const float>(values));
  }
  Net& node(const std::string& op, std::vector<TensorId> constants,
            std::map<std::string, mlq::Attribute, std::less<>> attributes = {}) {
    constants.insert(constants.begin(), last);
    last = mlq::add_tensor(graph,
                           {"t" + std::to_string(graph.tensors.size()), mlq::DataType::float32, {}, {}, {}});
    graph.nodes.push_back(
        {op, op + std::to_string(graph.nodes.size()), constants, {last}, std::move(attributes)});
    return *this;
  }
  Graph done() {
    graph.outputs = {{"y", "", mlq::FeatureKind::tensor, last, {}, mlq::DataType::float32, {}}};
    EXPECT_TRUE(mlq::infer_shapes(graph).ok());
    graph.outputs[0].shape = graph.tensors[static_cast<std::size_t>(last)].shape;
    return graph;
  }
};

std::vector<float> run(const Graph& graph, const Array& input) {
  auto model = mlq::Model::from_graph(graph);
  EXPECT_TRUE(model) << (model ? "" : model.error());
  const mlq::View view = input.view();
  auto outputs = model->predict({&view, 1});
  EXPECT_TRUE(outputs) << (outputs ? "" : outputs.error());
  const auto floats = (*outputs)[0].floats();
  return {floats.begin(), floats.end()};
}

using Attributes = std::map<std::string, mlq::Attribute, std::less<>>;
using Ints = std::vector<std::int64_t>;
struct Case {
  std::string op;
  Shape input, weights;
  Attributes attributes;
};

std::vector<Case> cases() {
  return {
      {"Conv", {2, 4, 7, 6}, {6, 4, 3, 3}, {{"pads", Ints{1, 0, 2, 1}}, {"strides", Ints{2, 1}}}},
      {"Conv", {1, 6, 8, 8}, {4, 3, 3, 2}, {{"group", std::int64_t{2}}, {"dilations", Ints{2, 1}}}},
      {"Conv",
       {1, 5, 9, 9},
       {5, 1, 3, 3},
       {{"group", std::int64_t{5}}, {"auto_pad", std::string("SAME_UPPER")}}},
      {"Conv", {2, 3, 11}, {4, 3, 5}, {{"pads", Ints{2, 2}}}},
      {"ConvTranspose", {1, 4, 5, 4}, {4, 3, 3, 3}, {{"strides", Ints{2, 2}}, {"pads", Ints{1, 1, 1, 1}}}},
      {"ConvTranspose",
       {2, 4, 4, 5},
       {4, 2, 2, 3},
       {{"group", std::int64_t{2}}, {"strides", Ints{1, 3}}, {"output_padding", Ints{0, 1}}}},
      {"Gemm", {5, 8}, {8, 3}, {}},
      {"Gemm", {5, 8}, {3, 8}, {{"transB", std::int64_t{1}}}},
      {"Gemm", {8, 5}, {8, 3}, {{"transA", std::int64_t{1}}}},
      {"MatMul", {2, 3, 8}, {8, 4}, {}},
  };
}

Graph graph_of(const Case& c) {
  Net net(c.input);
  return net.node(c.op, {net.constant("w", c.weights, noise(count(c.weights), 3))}, c.attributes).done();
}

// The product's own words: each output is the sum over columns of weight times activation. The outputs come
// in another order than the kernel's, so both are compared sorted.
TEST(Product, GathersWhatTheKernelMultiplies) {
  for (const Case& c : cases()) {
    const Graph graph = graph_of(c);
    const Array input = array(c.input, noise(count(c.input), 7));
    std::string why;
    const auto product = product_of(graph, uses_of(graph), 0, why);
    ASSERT_TRUE(product) << c.op << why;
    const std::vector<float> w = noise(count(c.weights), 3);
    std::vector<std::size_t> all(positions(*product, graph, input));
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
    std::vector<double> ours;
    for (std::size_t g = 0; g < product->groups; ++g) {
      std::vector<float> x(all.size() * product->columns);
      gather(*product, graph, input, g, all, x.data());
      for (std::size_t p = 0; p < all.size(); ++p)
        for (std::size_t r = 0; r < product->rows; ++r) {
          ours.push_back(0);
          for (std::size_t k = 0; k < product->columns; ++k)
            ours.back() += static_cast<double>(w[product->element(g, r, k)]) * x[p * product->columns + k];
        }
    }
    std::vector<float> theirs = run(graph, input);
    ASSERT_EQ(ours.size(), theirs.size()) << c.op;
    std::sort(ours.begin(), ours.end());
    std::sort(theirs.begin(), theirs.end());
    for (std::size_t i = 0; i < ours.size(); ++i) ASSERT_NEAR(ours[i], theirs[i], 1e-4) << c.op << i;
  }
}

TEST(Product, SaysWhyALayerIsNone) {
  Net net({1, 4});
  const TensorId w = net.constant("w", {4, 4}, noise(16, 1));
  const Graph graph = net.node("MatMul", {w}).node("MatMul", {w}).node("Relu", {}).done();
  std::string why;
  EXPECT_FALSE(product_of(graph, uses_of(graph), 0, why));
  EXPECT_EQ(why, "several layers share it");
  EXPECT_FALSE(product_of(graph, uses_of(graph), 2, why));
  EXPECT_EQ(why, "Relu layers have nearest rounding only");
}

TEST(Moments, AreTheSums) {
  for (const std::size_t columns : {1, 5, 16, 37}) {
    const std::size_t n = 9;
    const std::vector<float> exact = noise(n * columns, 1), seen = noise(n * columns, 2);
    std::vector<Moments> ours(1, Moments(columns));
    add(ours, {{exact.data(), seen.data(), n}});
    add(ours, {{seen.data(), seen.data(), n}});
    for (std::size_t i = 0; i < columns; ++i)
      for (std::size_t j = 0; j < columns; ++j) {
        double second = 0, cross = 0;
        for (std::size_t c = 0; c < n; ++c) {
          const double b = seen[c * columns + j], a = seen[c * columns + i];
          second += 2 * a * b;
          cross += exact[c * columns + i] * b + a * b;
        }
        if (j >= i) {
          EXPECT_NEAR(ours[0].second[i * columns + j], second, 1e-9);
        }
        EXPECT_NEAR(ours[0].cross[i * columns + j], cross, 1e-9);
      }
    EXPECT_EQ(ours[0].count, 2 * n);
  }
}

Calibration calibration(const Shape& shape, std::size_t samples, float mean = 0.5f) {
  Calibration result;
  result.count = samples;
  // Neighbours resemble each other, as in photographs: without that there is little to compensate with.
  result.sample = [=](std::size_t i) {
    std::vector<float> values = noise(count(shape), static_cast<unsigned>(100 + i), mean);
    for (std::size_t k = 1; k < values.size(); ++k) values[k] = 0.7f * values[k - 1] + 0.3f * values[k];
    return std::vector<Array>{array(shape, values)};
  };
  return result;
}

// As weights.h has it.
int channel_axis(const mlq::Node& node) {
  if (node.op == "Gemm") return node.get_int("transB", 0) != 0 ? 0 : 1;
  return node.op == "Conv" ? 0 : 1;
}

// Groups are of three channels, blocks of five.
const std::string granularities[] = {"per_tensor", "per_channel", "per_group", "per_block"};

QuantizationPlan plan_of(const Graph& graph, const std::string& algorithm, int bits,
                         const std::string& granularity) {
  QuantizationPlan plan;
  for (std::size_t i = 0; i < graph.tensors.size(); ++i)
    if (graph.tensors[i].data && graph.tensors[i].shape.size() > 1)
      plan.push_back({static_cast<TensorId>(i),
                      "layer",
                      "Conv",
                      channel_axis(graph.nodes[0]),
                      {algorithm, bits, granularity, "compensated"},
                      "",
                      1 - channel_axis(graph.nodes[0])});
  for (TensorPlan& entry : plan) {
    if (granularity == "per_group") entry.settings.group_size = 3;
    if (granularity == "per_block") entry.settings.block_size = 5;
  }
  return plan;
}

double output_error(const Graph& a, const Graph& b, const Calibration& samples) {
  double error = 0;
  for (std::size_t i = 0; i < samples.count; ++i) {
    const Array input = samples.sample(i)[0];
    error += test::squared_error(run(a, input), run(b, input));
  }
  return error;
}

Graph two_layers(std::int64_t rows = 8) {
  Net net({1, 3, 12, 12});
  const auto some = static_cast<std::size_t>(rows);
  net.node("Conv", {net.constant("w1", {rows, 3, 3, 3}, noise(some * 27, 5)),
                    net.constant("b1", {rows}, noise(some, 6))});
  net.node("Relu", {});
  net.node("Conv", {net.constant("w2", {rows - 2, rows, 3, 3}, noise((some - 2) * some * 9, 8)),
                    net.constant("b2", {rows - 2}, noise(some - 2, 9))});
  return net.done();
}

CompensatedGraph round(const Graph& graph, const QuantizationPlan& plan, const Calibration& samples,
                       std::size_t memory = std::size_t{1} << 30) {
  return compensated(graph, plan, quantize(graph, plan), samples, memory);
}

// On samples that it has not seen.
TEST(Compensated, CostsTheOutputLessThanNearest) {
  const Graph graph = two_layers();
  for (const Algorithm& algorithm : algorithms())
    for (const std::string& granularity : granularities)
      for (const int bits : {2, 3, 4}) {
        const QuantizationPlan plan = plan_of(graph, std::string(algorithm.name), bits, granularity);
        const Calibration samples = calibration({1, 3, 12, 12}, 24);
        const CompensatedGraph ours = round(graph, plan, samples);
        for (const RoundedTensor& tensor : ours.tensors) EXPECT_TRUE(tensor.compensated) << tensor.why;
        Calibration others = samples;
        others.count = 8;
        others.sample = [&](std::size_t i) { return samples.sample(1000 + i); };
        EXPECT_LT(output_error(graph, ours.graph, others),
                  0.8 * output_error(graph, quantize(graph, plan), others))
            << algorithm.name << bits << granularity;
      }
}

// Multiples of a step: nothing is cut off, level 0 is there, and half the step has less error.
TEST(Compensated, RoundsToMultiplesOfAStep) {
  const Graph graph = two_layers();
  const Calibration samples = calibration({1, 3, 12, 12}, 24);
  double coarser = 1e300;
  for (const double step : {1.0, 0.5, 0.01}) {
    QuantizationPlan plan = plan_of(graph, "uniform", 8, "per_tensor");
    for (TensorPlan& entry : plan) entry.settings.step = step;
    const CompensatedGraph ours = round(graph, plan, samples);
    for (const RoundedTensor& tensor : ours.tensors) {
      EXPECT_TRUE(tensor.compensated) << tensor.why;
      const mlq::Tensor& made = ours.graph.tensors[static_cast<std::size_t>(tensor.tensor)];
      EXPECT_EQ(made.quantization->bits > 8, step == 0.01);
      const float scale = made.quantization->scale.at(0);
      for (const float value : floats_of(made).values)
        ASSERT_NEAR(value / scale, std::nearbyint(value / scale), 1e-3) << step;
    }
    const double error = output_error(graph, ours.graph, samples);
    EXPECT_LT(error, 0.9 * output_error(graph, quantize(graph, plan), samples)) << step;
    EXPECT_LT(error, coarser / 2) << step;
    coarser = error;
  }
}

// The levels that a trellis leaves to a layer of 64 rows, beside even ones that take as many bytes: chains
// begin anew in each column, and the rows of even levels are searched as one (beam.h), so in small layers
// both are near.
TEST(Compensated, ATrellisHasLessErrorThanUniform) {
  const Graph graph = two_layers(64);
  const Calibration samples = calibration({1, 3, 12, 12}, 24);
  for (const double step : {0.5, 0.1}) {
    double errors[2];
    for (const bool chained : {false, true}) {
      QuantizationPlan plan = plan_of(graph, chained ? "trellis" : "uniform", 8, "per_tensor");
      for (TensorPlan& entry : plan) entry.settings.step = step;
      const CompensatedGraph ours = round(graph, plan, samples);
      for (const RoundedTensor& tensor : ours.tensors) {
        EXPECT_TRUE(tensor.compensated) << tensor.why;
        const mlq::Tensor& made = ours.graph.tensors[static_cast<std::size_t>(tensor.tensor)];
        EXPECT_EQ(made.quantization->trellis.has_value(), chained);
      }
      errors[chained] = output_error(graph, ours.graph, samples);
    }
    EXPECT_LT(errors[1], 0.97 * errors[0]) << step;
  }
}

// What levels are made of has half precision, which the artifact uses; symmetric levels would lose their 0.
TEST(Compensated, LevelsHaveHalfPrecision) {
  const Graph graph = two_layers();
  const Calibration samples = calibration({1, 3, 12, 12}, 12);
  for (const auto& [algorithm, granularity, halves] :
       {std::tuple("kmeans_lut", "per_channel", true), std::tuple("linear", "per_block", true),
        std::tuple("kmeans_lut", "per_tensor", true), std::tuple("linear", "per_channel", true),
        std::tuple("linear_symmetric", "per_channel", false)}) {
    const QuantizationPlan plan = plan_of(graph, algorithm, 4, granularity);
    const CompensatedGraph ours = round(graph, plan, samples);
    for (const RoundedTensor& tensor : ours.tensors) {
      ASSERT_TRUE(tensor.compensated) << tensor.why;
      const auto& q = *ours.graph.tensors[static_cast<std::size_t>(tensor.tensor)].quantization;
      bool all = true;
      for (const auto* list : {&q.scale, &q.offset, &q.table})
        for (const float number : *list) all &= static_cast<float>(near_half(number, number)) == number;
      EXPECT_EQ(all, halves) << algorithm << granularity;
    }
  }
}

TEST(Compensated, NumbersThatHalvesAreTooCoarseForStayFloats) {
  EXPECT_EQ(near_half(1e-6, 1e-6), static_cast<float>(1e-6));
  EXPECT_EQ(near_half(1e6, 1e6), 1e6);
  EXPECT_NE(near_half(1e-6, 0.1), static_cast<float>(1e-6)) << "fine enough in a table of larger numbers";
  EXPECT_EQ(near_half(0.1, 0.1), 0.0999755859375);
}

// Every kind of product, against the error that the runtime's own outputs have on the calibration samples.
TEST(Compensated, LowersTheErrorOfEveryKindOfLayer) {
  for (const Case& c : cases())
    for (const auto& [algorithm, granularity] :
         {std::pair("kmeans_lut", "per_tensor"), std::pair("linear", "per_group"),
          std::pair("linear", "per_block")}) {
      const Graph graph = graph_of(c);
      const QuantizationPlan plan = plan_of(graph, algorithm, 2, granularity);
      const Calibration samples = calibration(c.input, 30);
      const CompensatedGraph ours = round(graph, plan, samples);
      ASSERT_EQ(ours.tensors.size(), 1u);
      EXPECT_TRUE(ours.tensors[0].compensated) << c.op << granularity << ours.tensors[0].why;
      EXPECT_LT(output_error(graph, ours.graph, samples), output_error(graph, quantize(graph, plan), samples))
          << c.op << granularity;
    }
}

// What was asked for in words: the cost is the mean squared error at the output, but for a constant.
TEST(Compensated, SaysWhatTheOutputLoses) {
  const Case c = cases()[9];  // MatMul: no bias, every sample's rows count alike
  const Graph graph = graph_of(c);
  const QuantizationPlan plan = plan_of(graph, "linear", 3, "per_channel");
  const Calibration samples = calibration(c.input, 20);
  const CompensatedGraph ours = round(graph, plan, samples);
  const double rows = 20 * 6;
  const double gained = ours.tensors[0].nearest_error - ours.tensors[0].error;
  const double measured =
      (output_error(graph, quantize(graph, plan), samples) - output_error(graph, ours.graph, samples)) / rows;
  EXPECT_NEAR(gained, measured, 0.05 * measured);
}

// However large or small activations are: floats could not hold their squares.
TEST(Compensated, TheUnitOfActivationsDoesNotMatter) {
  const Case c = cases()[1];
  const Graph graph = graph_of(c);
  const QuantizationPlan plan = plan_of(graph, "kmeans_lut", 3, "per_tensor");
  const Calibration samples = calibration(c.input, 20);
  const auto rounded = [&](float by) {
    Calibration scaled = samples;
    scaled.sample = [&, by](std::size_t i) {
      std::vector<Array> arrays = samples.sample(i);
      std::vector<float> values(arrays[0].floats().begin(), arrays[0].floats().end());
      for (float& value : values) value *= by;
      return std::vector<Array>{array(c.input, values)};
    };
    const CompensatedGraph ours = round(graph, plan, scaled);
    EXPECT_TRUE(ours.tensors[0].compensated) << by;
    const auto bytes = ours.graph.tensors[static_cast<std::size_t>(plan[0].tensor)].data->bytes;
    return std::vector<std::byte>(bytes.begin(), bytes.end());
  };
  const std::vector<std::byte> usual = rounded(1);
  for (const float by : {0x1p-75f, 0x1p75f}) EXPECT_EQ(rounded(by), usual) << by;
}

TEST(Compensated, SameBytesForAnyThreadsAndMemory) {
  const Graph graph = two_layers();
  for (const std::string& granularity : granularities) {
    const QuantizationPlan plan =
        plan_of(graph, granularity == "per_tensor" ? "kmeans_lut" : "linear", 3, granularity);
    const Calibration samples = calibration({1, 3, 12, 12}, 12);
    set_threads(1);
    const CompensatedGraph one = round(graph, plan, samples, 0);
    set_threads(4);
    const CompensatedGraph four = round(graph, plan, samples);
    set_threads(0);
    for (std::size_t i = 0; i < graph.tensors.size(); ++i) {
      const mlq::Tensor &a = one.graph.tensors[i], &b = four.graph.tensors[i];
      if (!a.data) continue;
      EXPECT_TRUE(
          std::equal(a.data->bytes.begin(), a.data->bytes.end(), b.data->bytes.begin(), b.data->bytes.end()));
      if (a.quantization) {
        EXPECT_EQ(a.quantization->table, b.quantization->table);
        EXPECT_EQ(a.quantization->scale, b.quantization->scale);
        EXPECT_EQ(a.quantization->offset, b.quantization->offset);
      }
    }
  }
}

// Zeros for two_layers.
Calibration nothing() {
  Calibration samples;
  samples.count = 2;
  samples.sample = [](std::size_t) {
    return std::vector<Array>{array({1, 3, 12, 12}, std::vector<float>(432))};
  };
  return samples;
}

TEST(Compensated, StaysWithNearestWhereNothingReachesTheLayer) {
  const Graph graph = two_layers();
  const QuantizationPlan plan = plan_of(graph, "linear", 4, "per_channel");
  const CompensatedGraph ours = round(graph, plan, nothing());
  ASSERT_EQ(ours.tensors.size(), 2u);
  EXPECT_FALSE(ours.tensors[0].compensated);
  EXPECT_FALSE(ours.tensors[0].why.empty());
  const Graph nearest = quantize(graph, plan);
  const auto w1 = static_cast<std::size_t>(plan[0].tensor);
  EXPECT_TRUE(std::equal(nearest.tensors[w1].data->bytes.begin(), nearest.tensors[w1].data->bytes.end(),
                         ours.graph.tensors[w1].data->bytes.begin()));
}

// 324 weights shrink with a table of 256 halves, but not of 256 floats; 1080 shrink with either.
TEST(Compensated, WhatFallsBackAndDoesNotShrinkStays) {
  const Graph graph = two_layers(12);
  const QuantizationPlan plan = plan_of(graph, "kmeans_lut", 8, "per_tensor");
  const CompensatedGraph ours = round(graph, plan, nothing());
  const auto w1 = static_cast<std::size_t>(plan[0].tensor), w2 = static_cast<std::size_t>(plan[1].tensor);
  EXPECT_EQ(ours.graph.tensors[w1].data->bytes.data(), graph.tensors[w1].data->bytes.data());
  EXPECT_FALSE(ours.graph.tensors[w1].quantization);
  EXPECT_THAT(ours.tensors[0].why, testing::HasSubstr("stays as it is"));
  EXPECT_TRUE(ours.graph.tensors[w2].quantization);
  EXPECT_THAT(ours.tensors[1].why, testing::Not(testing::HasSubstr("stays as it is")));
  EXPECT_TRUE(round(graph, plan, calibration({1, 3, 12, 12}, 8)).graph.tensors[w1].quantization);
}

// Of more than 256 levels an index has 16 bits until it is coded: as many as the half float that it stands
// for.
TEST(Compensated, LevelsToBeCodedAreNotCountedAsTheyLie) {
  Graph graph = two_layers();
  QuantizationPlan plan = plan_of(graph, "uniform", 8, "per_tensor");
  mlq::Tensor& weights = graph.tensors[static_cast<std::size_t>(plan[0].tensor)];
  std::int64_t overflow = -1;
  weights.data = own(to_halves(floats_of(weights).values, overflow));
  weights.type = mlq::DataType::float16;
  plan[0].settings.step = plan[1].settings.step = 0.01;
  const CompensatedGraph ours = round(graph, plan, nothing());
  const auto& found = ours.graph.tensors[static_cast<std::size_t>(plan[0].tensor)].quantization;
  ASSERT_TRUE(found);
  EXPECT_GT(found->bits, 8);
}

// As the channels of depthwise layers often are; the others are compensated all the same.
TEST(Compensated, TakesChannelsThatNeverChange) {
  const Shape input = {1, 5, 9, 9}, shape = {5, 1, 3, 3};
  Net net(input);
  net.node("Conv", {net.constant("w", shape, noise(count(shape), 3)), net.constant("b", {5}, noise(5, 4))},
           {{"group", std::int64_t{5}}});
  const Graph graph = net.done();
  Calibration samples = calibration(input, 30);
  samples.sample = [whole = samples.sample](std::size_t i) {
    std::vector<Array> arrays = whole(i);
    auto* values = reinterpret_cast<float*>(arrays[0].bytes.data());
    std::fill_n(values, 81, 0.0f);
    std::fill_n(values + 81, 81, 0.7f);
    return arrays;
  };
  for (const std::string granularity : {"per_tensor", "per_channel"})
    for (const std::string algorithm : {"kmeans_lut", "linear"}) {
      const QuantizationPlan plan = plan_of(graph, algorithm, 3, granularity);
      const CompensatedGraph ours = round(graph, plan, samples);
      ASSERT_EQ(ours.tensors.size(), 1u);
      EXPECT_TRUE(ours.tensors[0].compensated) << ours.tensors[0].why;
      EXPECT_LT(output_error(graph, ours.graph, samples),
                0.8 * output_error(graph, quantize(graph, plan), samples))
          << algorithm << granularity;
      // The weights that no sample tells anything about are near what they were.
      const auto id = static_cast<std::size_t>(plan[0].tensor);
      const Floats before = floats_of(graph.tensors[id]), after = floats_of(ours.graph.tensors[id]);
      for (std::size_t i = 0; i < 18; ++i)
        EXPECT_NEAR(after.values[i], before.values[i], 0.5) << algorithm << granularity;
    }
}

struct Degenerate {
  const char* name;
  float (*weight)(std::size_t i);
};

const Degenerate degenerates[] = {
    {"zeros", [](std::size_t) { return 0.0f; }},
    {"one value", [](std::size_t) { return -0.37f; }},
    {"two values", [](std::size_t i) { return i % 5 == 0 ? 1.0f : -2.0f; }},
    {"one weight", [](std::size_t i) { return i == 17 ? 0.5f : 0.0f; }},
    {"an outlier", [](std::size_t i) { return i == 40 ? 1e30f : static_cast<float>(i % 13) / 13 - 0.5f; }},
    {"denormals", [](std::size_t i) { return static_cast<float>(i % 29) * 1e-42f; }},
    {"a dead channel", [](std::size_t i) { return i < 27 ? 0.0f : static_cast<float>(i % 31) / 31 - 0.5f; }},
};

Graph with_weights(Graph graph, TensorId id, float (*weight)(std::size_t)) {
  mlq::Tensor& tensor = graph.tensors[static_cast<std::size_t>(id)];
  std::vector<float> values(count(tensor.shape));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = weight(i);
  tensor.data = own(std::move(values));
  return graph;
}

bool all_finite(const std::vector<float>& values) {
  return std::all_of(values.begin(), values.end(), [](float v) { return std::isfinite(v); });
}

// Right, which is finite and no worse than nearest rounding on the samples; each width, each kind of levels.
TEST(Compensated, TakesDegenerateWeights) {
  const Graph usual = two_layers();
  const TensorId w1 = plan_of(usual, "linear", 8, "per_tensor")[0].tensor;
  const Calibration samples = calibration({1, 3, 12, 12}, 6);
  for (const Degenerate& kind : degenerates)
    for (const Algorithm& algorithm : algorithms())
      for (const std::string& granularity : granularities)
        for (const int bits : {1, 4, 8}) {
          const Graph graph = with_weights(usual, w1, kind.weight);
          QuantizationPlan plan = plan_of(graph, std::string(algorithm.name), bits, granularity);
          plan.resize(1);  // the other layer stays float, so that its error says nothing
          const std::string what = fmt::format("{} {} {} {}", kind.name, algorithm.name, granularity, bits);
          const CompensatedGraph ours = round(graph, plan, samples);
          EXPECT_TRUE(all_finite(run(ours.graph, samples.sample(0)[0]))) << what;
          const double nearest = output_error(graph, quantize(graph, plan), samples);
          EXPECT_LE(output_error(graph, ours.graph, samples), 1.05 * nearest + 1e-6) << what;
        }
}

TEST(Compensated, RefusesWeightsThatAreNotFinite) {
  const Graph usual = two_layers();
  const QuantizationPlan plan = plan_of(usual, "kmeans_lut", 4, "per_tensor");
  const auto bad = [](std::size_t i) { return i == 5 ? std::nanf("") : 1.0f; };
  EXPECT_THROW(round(with_weights(usual, plan[0].tensor, bad), plan, calibration({1, 3, 12, 12}, 2)), Error);
}

TEST(Compensated, StaysWithNearestWhereSamplesAreNotFinite) {
  const Graph graph = two_layers();
  const QuantizationPlan plan = plan_of(graph, "kmeans_lut", 4, "per_tensor");
  Calibration samples;
  samples.count = 2;
  samples.sample = [](std::size_t) {
    return std::vector<Array>{array({1, 3, 12, 12}, std::vector<float>(432, std::nanf("")))};
  };
  for (const RoundedTensor& tensor : round(graph, plan, samples).tensors) {
    EXPECT_FALSE(tensor.compensated);
    EXPECT_THAT(tensor.why, testing::HasSubstr("not finite"));
  }
}

// Each width as if it were alone, and each layer as if it were the only one.
TEST(Compensated, AloneEachLayerSeesTheFloatNetwork) {
  const Graph graph = two_layers();
  const std::vector<QuantizationPlan> plans = {plan_of(graph, "kmeans_lut", 2, "per_tensor"),
                                               plan_of(graph, "kmeans_lut", 4, "per_tensor")};
  const Calibration samples = calibration({1, 3, 12, 12}, 12);
  const auto alone = compensated_alone(graph, plans, {quantize(graph, plans[0]), quantize(graph, plans[1])},
                                       samples, std::size_t{1} << 30);
  ASSERT_EQ(alone.size(), 2u);
  for (std::size_t p = 0; p < plans.size(); ++p)
    for (std::size_t layer = 0; layer < 2; ++layer) {
      const QuantizationPlan one = {plans[p][layer]};
      const CompensatedGraph expected = round(graph, one, samples);
      const auto id = static_cast<std::size_t>(one[0].tensor);
      const mlq::Tensor &ours = alone[p].graph.tensors[id], &theirs = expected.graph.tensors[id];
      EXPECT_EQ(ours.quantization->table, theirs.quantization->table);
      EXPECT_TRUE(std::equal(ours.data->bytes.begin(), ours.data->bytes.end(), theirs.data->bytes.begin(),
                             theirs.data->bytes.end()));
    }
}

// A channel that is always 0, and a single sample: singular statistics.
TEST(Compensated, TakesSingularStatistics) {
  const Graph graph = two_layers();
  Calibration samples = calibration({1, 3, 12, 12}, 1);
  const auto whole = samples.sample;
  samples.sample = [whole](std::size_t i) {
    std::vector<Array> arrays = whole(i);
    std::fill_n(reinterpret_cast<float*>(arrays[0].bytes.data()), 144, 0.0f);
    return arrays;
  };
  for (const std::string& granularity : granularities)
    for (const std::string algorithm : {"kmeans_lut", "linear", "linear_symmetric"}) {
      const QuantizationPlan plan = plan_of(graph, algorithm, 3, granularity);
      const CompensatedGraph ours = round(graph, plan, samples);
      EXPECT_LE(output_error(graph, ours.graph, samples), output_error(graph, quantize(graph, plan), samples))
          << algorithm << granularity;
    }
}

}  // namespace
}  // namespace mlqc
