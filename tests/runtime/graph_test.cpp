#include "mlq/graph.h"

#include <gmock/gmock.h>

#include "tests/runtime/graphs.h"

namespace mlq {
namespace {

using test::Builder;
using test::Random;
using testing::ElementsAre;
using testing::HasSubstr;

Data bytes(const std::vector<std::uint8_t>& values) {
  return copy_data(std::span<const std::uint8_t>(values));
}

TEST(ElementCount, RefusesUnknownAndOverflow) {
  EXPECT_EQ(element_count({}), 1);
  EXPECT_EQ(element_count({2, 0, 3}), 0);
  EXPECT_FALSE(element_count({2, -1}));
  EXPECT_FALSE(element_count({std::int64_t{1} << 40, std::int64_t{1} << 40}));
}

TEST(ToString, ReadsLikeAShape) {
  EXPECT_EQ(to_string(Shape{1, -1, 3}), "1x?x3");
  EXPECT_EQ(to_string(Shape{}), "scalar");
}

TEST(Attributes, OfAnotherTypeAreAbsent) {
  const Node node{"Op", "n", {}, {}, {{"axis", std::int64_t{2}}, {"alpha", 0.5f}}};
  EXPECT_EQ(node.get_int("axis", 7), 2);
  EXPECT_EQ(node.get_int("alpha", 7), 7);
  EXPECT_EQ(node.get_float("alpha", 1), 0.5f);
  EXPECT_EQ(node.get_string("missing", "x"), "x");
}

// Bit by bit, as the format is described.
std::uint32_t bits_at(const std::vector<std::uint8_t>& packed, std::size_t first, int bits) {
  std::uint32_t value = 0;
  for (std::size_t i = first; i < first + bits; ++i) value = value << 1 | (packed[i / 8] >> (7 - i % 8) & 1);
  return value;
}

TEST(Dequantize, MatchesTheDescriptionAtEveryWidthAndAxis) {
  Random random(2);
  const Shape shape = {5, 7, 300};
  const std::size_t count = 5 * 7 * 300;
  for (int bits = 1; bits <= 8; ++bits)
    for (int axis = -1; axis < 3; ++axis)
      for (const bool table : {false, true}) {
        std::vector<std::uint8_t> packed((count * bits + 7) / 8);
        for (auto& byte : packed) byte = static_cast<std::uint8_t>(random.next());
        const std::size_t groups = axis < 0 ? 1 : shape[axis];
        Quantization q{bits, blocks_along(axis), {}, {}, {}};
        if (table) {
          q.table = random.numbers(groups << bits);
        } else {
          q.scale = random.numbers(groups);
          q.offset = random.numbers(groups);
        }
        const Tensor tensor{"w", DataType::float32, shape, bytes(packed), q};
        std::vector<float> values(count);
        ASSERT_TRUE(dequantize(tensor, values));
        const std::size_t inner = axis < 0 ? count : axis == 0 ? 2100 : axis == 1 ? 300 : 1;
        for (std::size_t i = 0; i < count; ++i) {
          const std::uint32_t index = bits_at(packed, i * bits, bits);
          const std::size_t g = i / inner % groups;
          const float expected = table ? q.table[(g << bits) + index]
                                       : static_cast<float>(double(q.scale[g]) * index + q.offset[g]);
          ASSERT_EQ(values[i], expected) << bits << " bits, axis " << axis << ", element " << i;
        }
      }
}

TEST(Dequantize, WidensHalvesAtOddAddresses) {
  const std::vector<std::uint8_t> halves = {0xff, 0x00, 0x3c, 0x00, 0xc0, 0x01, 0x00, 0xff, 0x7b};
  Data data = bytes(halves);
  data.bytes = data.bytes.subspan(1);
  const Tensor tensor{"w", DataType::float16, {4}, data, {}};
  std::vector<float> values(4);
  ASSERT_TRUE(dequantize(tensor, values));
  EXPECT_THAT(values, ElementsAre(1, -2, 5.9604645e-8f, 65504));  // IEEE 754 binary16
}

TEST(Dequantize, FailsWhereItWouldReadTooFar) {
  std::vector<float> values(4);
  EXPECT_FALSE(dequantize({"w", DataType::float32, {4}, bytes({1, 2, 3}), {}}, values));
  EXPECT_FALSE(dequantize({"w", DataType::float32, {4}, std::nullopt, {}}, values));
  EXPECT_FALSE(dequantize({"w", DataType::int8, {4}, bytes({1, 2, 3, 4}), {}}, values));
  const Quantization q{8, {1}, {1, 1}, {0, 0}, {}};
  EXPECT_FALSE(dequantize({"w", DataType::float32, {4}, bytes({1, 2, 3, 4}), q}, values));
  EXPECT_FALSE(dequantize({"w", DataType::float32, {3}, bytes({1, 2, 3, 4}), {}}, values));
}

Graph good() {
  Builder b;
  const TensorId x = b.input("x", {2});
  const TensorId sum = b.node("Add", {x, b.constant("c", {2}, {1, 2})}, "sum");
  b.output(b.node("Relu", {sum}, "y"), {2});
  return b.finish();
}

std::string fault(const Graph& graph) { return check(graph).error(); }

TEST(Check, TakesAGoodGraph) { EXPECT_EQ(fault(good()), ""); }

TEST(Check, NamesTheNodeAtFault) {
  Graph graph = good();
  graph.nodes[1].inputs[0] = 99;
  EXPECT_THAT(fault(graph), HasSubstr("'y'"));
  graph = good();
  std::swap(graph.nodes[0], graph.nodes[1]);
  EXPECT_THAT(fault(graph), HasSubstr("no value yet"));
  graph = good();
  graph.nodes[1].outputs = graph.nodes[0].outputs;
  EXPECT_THAT(fault(graph), HasSubstr("value already"));
  graph = good();
  graph.nodes[1].outputs = {-5};
  EXPECT_THAT(fault(graph), HasSubstr("result"));
}

TEST(Check, NamesTheTensorAtFault) {
  Graph graph = good();
  graph.tensors[1].data->bytes = graph.tensors[1].data->bytes.first(7);
  EXPECT_THAT(fault(graph), HasSubstr("'c' of shape 2 needs 8 bytes and has 7"));
  graph = good();
  graph.tensors[1].shape = {-1};
  EXPECT_NE(fault(graph), "");
  graph = good();
  graph.tensors[2].shape = {-2};
  EXPECT_NE(fault(graph), "");
  graph = good();
  graph.tensors[2].type = static_cast<DataType>(77);
  EXPECT_NE(fault(graph), "");
  graph = good();
  graph.tensors[1].quantization = Quantization{4, {}, {1}, {}, {}};
  EXPECT_THAT(fault(graph), HasSubstr("offset"));
  graph.tensors[1].quantization = Quantization{4, {}, {}, {}, {1, 2, 3}};
  EXPECT_THAT(fault(graph), HasSubstr("groups"));
  graph.tensors[1].quantization = Quantization{9, {}, {1}, {1}, {}};
  EXPECT_THAT(fault(graph), HasSubstr("9 bits"));
  graph.tensors[1].quantization = Quantization{4, {0, 1}, {1}, {1}, {}};
  EXPECT_THAT(fault(graph), HasSubstr("blocks of 0x1, which do not suit it"));
}

TEST(Check, NamesTheFeatureAtFault) {
  Graph graph = good();
  graph.outputs[0].tensor = 50;
  EXPECT_THAT(fault(graph), HasSubstr("'y' has no tensor"));
  graph = good();
  graph.outputs[0].shape = {3};
  EXPECT_THAT(fault(graph), HasSubstr("does not fit"));
  graph = good();
  graph.outputs[0].kind = FeatureKind::scores;
  graph.labels = {"only one"};
  EXPECT_THAT(fault(graph), HasSubstr("2 scores for 1 labels"));
  graph = good();
  graph.inputs.push_back(graph.inputs[0]);
  EXPECT_THAT(fault(graph), HasSubstr("another input"));
  graph = good();
  graph.inputs[0].kind = FeatureKind::image;
  EXPECT_THAT(fault(graph), HasSubstr("image"));
}

TEST(Check, BoundsTheNestingOfGraphs) {
  auto inner = std::make_shared<const Graph>();
  for (int depth = 0; depth < 100; ++depth) {
    auto outer = std::make_shared<Graph>();
    outer->nodes.push_back({"If", "if", {}, {}, {{"then_branch", inner}}});
    inner = outer;
  }
  EXPECT_THAT(fault(*inner), HasSubstr("nested"));
}

}  // namespace
}  // namespace mlq
