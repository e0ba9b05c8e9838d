// Layers that the app computes itself: what they get, and what happens when they misbehave.
#include <gmock/gmock.h>

#include <cmath>
#include <limits>

#include "tests/runtime/graphs.h"

namespace mlq {
namespace {

using test::Builder;
using test::floats_of;
using test::view_of;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

// factor * x + each of the weights, summed along the last axis, repeated `times`: a shape, parameters and
// weights that all matter.
class RowSums final : public CustomLayer {
 public:
  Status init_with_parameters(const Parameters& parameters) override {
    factor_ = static_cast<float>(number_of(parameters, "factor", 1));
    times_ = integer_of(parameters, "times", 1);
    if (times_ < 1) return Failure{"times must be positive"};
    return {};
  }
  Status set_weight_data(std::span<const LayerInput> weights) override {
    if (weights.size() != 1) return Failure{"wants one weight"};
    weights_ = weights[0].floats();
    return {};
  }
  Result<std::vector<Shape>> output_shapes_for_input_shapes(std::span<const Shape> inputs) override {
    if (inputs.size() != 1 || inputs[0].size() != 2) return Failure{"wants one matrix"};
    return std::vector<Shape>{{inputs[0][0], times_}};
  }
  Status evaluate_on_cpu(std::span<const LayerInput> inputs, std::span<const LayerOutput> outputs) override {
    const auto columns = static_cast<std::size_t>(inputs[0].shape[1]);
    for (std::size_t i = 0; i < outputs[0].count; ++i) {
      float sum = 0;
      for (std::size_t c = 0; c < columns; ++c)
        sum += factor_ * inputs[0].floats()[i / static_cast<std::size_t>(times_) * columns + c] + weights_[c];
      outputs[0].floats()[i] = sum;
    }
    return {};
  }

 private:
  float factor_ = 0;
  std::int64_t times_ = 0;
  std::span<const float> weights_;
};

// Does what a test tells it.
class Odd final : public CustomLayer {
 public:
  Status init_with_parameters(const Parameters& parameters) override {
    mode_ = text_of(parameters, "mode", "");
    return {};
  }
  Result<std::vector<Shape>> output_shapes_for_input_shapes(std::span<const Shape>) override {
    if (mode_ == "none") return std::vector<Shape>{};
    if (mode_ == "negative") return std::vector<Shape>{{2, -1}};
    if (mode_ == "deep") return std::vector<Shape>{Shape(17, 1)};
    if (mode_ == "huge") return std::vector<Shape>{Shape(9, 1 << 20)};
    return std::vector<Shape>{{2, 2}};
  }
  Status evaluate_on_cpu(std::span<const LayerInput>, std::span<const LayerOutput>) override {
    return Failure{"has no mood"};
  }

 private:
  std::string mode_;
};

const std::vector<CustomClass> classes = {custom_class<RowSums>("RowSums"), custom_class<Odd>("Odd")};

// The model's custom layer between two that the runtime knows, nothing bound yet.
Graph sums(const Parameters& parameters, const std::string& name = "RowSums", Shape input = {2, 3}) {
  Builder b;
  const TensorId x = b.node("Neg", {b.input("x", std::move(input))}, "negative");
  const TensorId w = b.constant("sums/weights.0", {1, 3}, {1, 2, 3});
  Node node = custom_node("sums", name, parameters, "adds up", {x}, {w});
  node.outputs = {b.outer("s")};
  b.graph.nodes.push_back(node);
  b.output(b.node("Relu", node.outputs, "y"), {-1, -1});
  return b.graph;
}

Result<std::vector<Array>> predict(Graph graph, Shape shape = {2, 3}) {
  auto model = Model::from_graph(std::move(graph), {.custom_layers = classes});
  if (!model) return Failure{model.error()};
  const std::vector<float> x = {-1, -2, -3, -10, -20, 4};
  return model->predict(std::vector<View>{view_of(x, std::move(shape))});
}

TEST(Custom, GetsParametersWeightsAndShapes) {
  const auto out = predict(sums({{"factor", 0.5}, {"times", std::int64_t{2}}}));
  ASSERT_TRUE(out) << out.error();
  EXPECT_THAT((*out)[0].shape, ElementsAre(2, 2));
  EXPECT_THAT(floats_of((*out)[0]), ElementsAre(9, 9, 19, 19));
}

TEST(Custom, RunsWhereShapesAreNotKnownBefore) {
  const auto out = predict(sums({{"factor", std::int64_t{1}}}, "RowSums", {-1, 3}));
  ASSERT_TRUE(out) << out.error();
  EXPECT_THAT(floats_of((*out)[0]), ElementsAre(12, 32));
}

TEST(Custom, ManyThreadsGiveTheSame) {
  const auto model = Model::from_graph(sums({}), {.custom_layers = classes});
  ASSERT_TRUE(model) << model.error();
  test::Random random(3);
  std::vector<std::vector<float>> inputs;
  for (int i = 0; i < 50; ++i) inputs.push_back(random.numbers(6));
  std::vector<std::vector<View>> samples;
  for (const auto& values : inputs) samples.push_back({view_of(values, {2, 3})});
  const auto one = model->predict_all(samples, 1), four = model->predict_all(samples, 4);
  ASSERT_TRUE(one && four);
  for (std::size_t i = 0; i < samples.size(); ++i) EXPECT_EQ((*one)[i][0].bytes, (*four)[i][0].bytes);
}

TEST(Custom, AMissingClassIsNamedWhenTheModelIsOpened) {
  const auto model = Model::from_graph(sums({}, "Nobody"), {.custom_layers = classes});
  EXPECT_THAT(model.error(), HasSubstr("layer 'sums' of class Nobody is not supported"));
}

TEST(Custom, WhatALayerRefusesIsASentenceWithItsName) {
  EXPECT_THAT(
      predict(sums({{"times", std::int64_t{0}}})).error(),
      HasSubstr("layer 'sums' of class RowSums does not take its parameters: times must be positive"));
  Graph unweighted = sums({});
  unweighted.nodes[1].attributes.erase("weights");
  EXPECT_THAT(predict(unweighted).error(), HasSubstr("inputs of these shapes: wants one matrix"));
  EXPECT_THAT(predict(sums({}, "Odd")).error(), HasSubstr("of class Odd failed: has no mood"));
}

TEST(Custom, ImpossibleShapesAreRefused) {
  const auto error = [](const char* mode) {
    return predict(sums({{"mode", std::string(mode)}}, "Odd")).error();
  };
  EXPECT_THAT(error("none"), HasSubstr("gives shapes for 0 outputs, and has 1"));
  EXPECT_THAT(error("negative"), HasSubstr("impossible output shape 2x?"));
  EXPECT_THAT(error("deep"), HasSubstr("impossible output shape"));
  EXPECT_THAT(error("huge"), HasSubstr("impossible output shape"));
}

TEST(Custom, ParametersKeepTypeAndValue) {
  const Parameters all = {{"int", std::int64_t{-9223372036854775807}},
                          {"double", 0.1},
                          {"tiny", 5e-324},
                          {"infinite", std::numeric_limits<double>::infinity()},
                          {"yes", true},
                          {"no", false},
                          {"text", std::string("int 7 ")},
                          {"empty", std::string()},
                          {"with blank", std::int64_t{1}}};
  EXPECT_EQ(custom_parameters_of(custom_node("n", "C", all, "", {}, {})), all);
}

TEST(Custom, ParametersAreReadAsTheTypeThatIsWanted) {
  const Parameters all = {
      {"i", std::int64_t{3}}, {"d", 2.75}, {"b", true}, {"t", std::string("x")}, {"nan", std::nan("")}};
  EXPECT_EQ(number_of(all, "i", 0), 3);
  EXPECT_EQ(number_of(all, "t", 9), 9);
  EXPECT_EQ(number_of(all, "none", 9), 9);
  EXPECT_EQ(integer_of(all, "d", 0), 2);
  EXPECT_EQ(integer_of(all, "b", 0), 1);
  EXPECT_EQ(integer_of(all, "nan", 8), 8);
  EXPECT_EQ(text_of(all, "t", ""), "x");
  EXPECT_EQ(text_of(all, "i", "no"), "no");
}

TEST(Custom, ALyingCountOfWeightsIsHarmless) {
  for (const std::int64_t count : {std::int64_t{-1}, std::int64_t{3}, INT64_MAX}) {
    Graph graph = sums({});
    graph.nodes[1].attributes["weights"] = count;
    EXPECT_FALSE(predict(graph));
  }
}

}  // namespace
}  // namespace mlq
