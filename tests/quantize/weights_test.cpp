#include "compiler/quantize/weights.h"

#include <gmock/gmock.h>

#include <numeric>

namespace mlqc {
namespace {

using mlq::Graph;
using mlq::Shape;
using mlq::TensorId;

TensorId constant(Graph& graph, const std::string& name, const Shape& shape) {
  std::vector<float> values(static_cast<std::size_t>(*mlq::element_count(shape)));
  std::iota(values.begin(), values.end(), 1.0f);
  return mlq::add_constant(graph, name, shape, std::span<const float>(values));
}

TensorId value(Graph& graph, const Shape& shape) {
  return mlq::add_tensor(graph, {"x", mlq::DataType::float32, shape, {}, {}});
}

TensorId node(Graph& graph, const std::string& op, const std::string& name, std::vector<TensorId> inputs,
              const Shape& shape = {1, 1},
              std::map<std::string, mlq::Attribute, std::less<>> attributes = {}) {
  const TensorId out = value(graph, shape);
  graph.nodes.push_back({op, name, std::move(inputs), {out}, std::move(attributes)});
  return out;
}

struct Case {
  const char* op;
  std::size_t input;
  Shape shape;
  int axis;
  std::map<std::string, mlq::Attribute, std::less<>> attributes = {};
};

TEST(FloatConstants, KnowTheChannelsOfEveryWeight) {
  const std::int64_t one = 1;
  for (const Case& c :
       {Case{"Conv", 1, {4, 3, 2, 2}, 0}, Case{"ConvTranspose", 1, {4, 3, 2, 2}, 1},
        Case{"Gemm", 1, {4, 3}, 1}, Case{"Gemm", 1, {4, 3}, 0, {{"transB", one}}}, Case{"Gemm", 0, {4, 3}, 0},
        Case{"Gemm", 0, {4, 3}, 1, {{"transA", one}}}, Case{"MatMul", 1, {4, 3}, 1},
        Case{"MatMul", 1, {2, 4, 3}, 2}, Case{"MatMul", 0, {2, 4, 3}, 1}, Case{"Gather", 0, {100, 8}, 1},
        Case{"Gather", 0, {100, 8}, 0, {{"axis", one}}}, Case{"LSTM", 1, {1, 16, 8}, 1},
        Case{"LSTM", 2, {1, 16, 4}, 1}, Case{"GRU", 2, {1, 12, 4}, 1}, Case{"RNN", 1, {1, 4, 4}, 1}}) {
    Graph graph;
    const TensorId weights = constant(graph, "w", c.shape);
    std::vector<TensorId> inputs(c.input + 1, value(graph, {1, 1}));
    inputs[c.input] = weights;
    node(graph, c.op, "layer", inputs, {1, 1}, c.attributes);
    const std::vector<Constant> found = float_constants(graph);
    ASSERT_EQ(found.size(), 1u) << c.op;
    EXPECT_EQ(found[0].tensor, weights);
    EXPECT_TRUE(found[0].weight) << c.op;
    EXPECT_EQ(found[0].axis, c.axis) << c.op << c.input;
    EXPECT_EQ(found[0].layer, "layer");
    EXPECT_EQ(found[0].op, c.op);
  }
}

TEST(FloatConstants, OtherOperandsAreNoWeights) {
  Graph graph;
  const TensorId x = value(graph, {1, 4, 8, 8}), weights = constant(graph, "w", {4, 4, 1, 1});
  const TensorId bias = constant(graph, "b", {4}), scale = constant(graph, "s", {4, 1, 1}),
                 one = constant(graph, "1", {});
  const TensorId y = node(graph, "Conv", "conv", {x, weights, bias});
  node(graph, "Mul", "scale", {y, scale});
  node(graph, "Pow", "square", {y, one});
  const std::vector<Constant> found = float_constants(graph);
  ASSERT_EQ(found.size(), 3u);  // a single number is not worth a word
  EXPECT_TRUE(found[0].weight);
  EXPECT_FALSE(found[1].weight);
  EXPECT_EQ(found[1].tensor, bias);
  EXPECT_FALSE(found[2].weight);
  EXPECT_EQ(found[2].layer, "scale");
}

TEST(FloatConstants, SharedOnesAreListedOnceAndAreWeightsIfAnyReaderSaysSo) {
  Graph graph;
  const TensorId x = value(graph, {1, 4}), table = constant(graph, "t", {4, 4});
  node(graph, "Add", "first", {x, table});
  node(graph, "Gemm", "second", {x, table});
  node(graph, "Gemm", "third", {x, table}, {1, 1}, {{"transB", std::int64_t{1}}});
  const std::vector<Constant> found = float_constants(graph);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_TRUE(found[0].weight);
  EXPECT_EQ(found[0].layer, "second");
  EXPECT_EQ(found[0].axis, 1);
}

TEST(FloatConstants, AreSeenThroughRearrangements) {
  Graph graph;
  const TensorId x = value(graph, {1, 8}), a = constant(graph, "a", {4, 8}), b = constant(graph, "b", {6, 8});
  const TensorId both = node(graph, "Concat", "lstm", {a, b}, {10, 8}, {{"axis", std::int64_t{0}}});
  const TensorId turned =
      node(graph, "Transpose", "lstm", {both}, {8, 10}, {{"perm", std::vector<std::int64_t>{1, 0}}});
  node(graph, "MatMul", "dense", {x, turned});
  const std::vector<Constant> found = float_constants(graph);
  // The rearrangements themselves read them first, the product makes them weights.
  ASSERT_EQ(found.size(), 2u);
  for (const Constant& c : found) {
    EXPECT_TRUE(c.weight);
    EXPECT_EQ(c.axis, 0);
    EXPECT_EQ(c.layer, "dense");
  }
}

TEST(FloatConstants, IntegersAndVectorsAreNoWeights) {
  Graph graph;
  const std::vector<std::int64_t> shape = {1, 2};
  const TensorId x = value(graph, {2}),
                 ints = mlq::add_constant(graph, "i", {2}, std::span<const std::int64_t>(shape));
  const TensorId vector = constant(graph, "v", {2});
  node(graph, "Gather", "gather", {vector, ints});
  node(graph, "MatMul", "dot", {x, vector});
  const std::vector<Constant> found = float_constants(graph);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_FALSE(found[0].weight);
}

}  // namespace
}  // namespace mlqc
