#include "compiler/graph/rewrite.h"

#include <gtest/gtest.h>

#include "tests/graph/nets.h"

namespace mlqc::test {
namespace {

using mlq::Shape;
using mlq::TensorId;
using Ints = std::vector<std::int64_t>;

void expect_same_meaning(const mlq::Graph& graph, unsigned seed) {
  mlq::Graph simple = simplify(graph), ready = prepare_for_runtime(simple);
  for (const auto* g : {&simple, &ready}) {
    mlq::Status s = mlq::check(*g);
    ASSERT_TRUE(s.ok()) << s.error() << "\n" << dump(*g);
  }
  SCOPED_TRACE(dump(ready));
  expect_equal_outputs(graph, simple, seed);
  expect_equal_outputs(graph, ready, seed);
}

TEST(PrepareForRuntime, SqueezeNetHasOneTransposition) {
  mlq::Graph ready = prepare_for_runtime(simplify(squeezenet_like()));
  EXPECT_EQ(count(ready, "Transpose"), 1u) << dump(ready);
  EXPECT_EQ(count(ready, "Relu"), 0u);
  EXPECT_EQ(count(ready, "ConvNhwc") + 2 * count(ready, "JoinedConvNhwc"), 8u);
  EXPECT_EQ(count(ready, "Concat"), 0u);
  expect_same_meaning(squeezenet_like(), 1);
}

TEST(PrepareForRuntime, MobileNetHasOneTransposition) {
  mlq::Graph ready = prepare_for_runtime(simplify(mobilenet_like()));
  EXPECT_EQ(count(ready, "Transpose"), 1u) << dump(ready);
  EXPECT_EQ(count(ready, "Clip"), 0u);
  EXPECT_EQ(count(ready, "Mul"), 0u);
  EXPECT_EQ(count(ready, "Add"), 2u);
  EXPECT_EQ(count(ready, "Dense"), 1u);
  expect_same_meaning(mobilenet_like(), 2);
}

TEST(PrepareForRuntime, ResNetHasOneTransposition) {
  mlq::Graph ready = prepare_for_runtime(simplify(resnet_like()));
  EXPECT_EQ(count(ready, "Transpose"), 1u) << dump(ready);
  EXPECT_EQ(count(ready, "Relu"), 0u) << dump(ready);
  EXPECT_EQ(count(ready, "Add"), 1u);
  expect_same_meaning(resnet_like(), 3);
}

TEST(PrepareForRuntime, KeepsNamesAndBytesOfWeights) {
  mlq::Graph graph = mobilenet_like(), ready = prepare_for_runtime(simplify(graph));
  std::size_t found = 0;
  for (const auto& node : ready.nodes)
    if (node.op == "ConvNhwc" || node.op == "Dense") {
      const auto& weight = ready.tensors[node.inputs[1]];
      for (const auto& tensor : graph.tensors)
        if (tensor.name == weight.name) found += tensor.data->bytes.data() == weight.data->bytes.data();
    }
  EXPECT_EQ(found, 8u);
}

TEST(PrepareForRuntime, AnOutputInTheMiddleStays) {
  Builder b(21);
  TensorId x = b.conv(b.input({1, 3, 8, 8}), 3, 4, 3);
  TensorId relu = b.node("Relu", {x});
  b.output(x);
  b.output(b.node("MaxPool", {relu}, {{"kernel_shape", Ints{2, 2}}}));
  expect_same_meaning(b.graph, 4);
}

TEST(PrepareForRuntime, ConvolutionsOfManyKindsAreJoined) {
  for (unsigned seed = 0; seed < 20; ++seed) {
    Builder b(300 + seed);
    TensorId x = b.input({2, 6, 9, 7});
    TensorId depthwise = b.conv(x, 6, 6, 3, 2, 6),
             clipped = b.node("Clip", {b.conv(x, 6, 5, 1, 2)}, {{"max", 0.5f}});
    TensorId grouped = b.batch_norm(b.conv(x, 6, 4, 5, 2, 2), 4);
    std::vector<TensorId> parts{depthwise, clipped, grouped};
    std::swap(parts[static_cast<std::size_t>(b.pick(0, 2))], parts[2]);
    b.output(b.node("Sigmoid", {b.node("Concat", parts, {{"axis", std::int64_t{1}}})}));
    EXPECT_EQ(count(prepare_for_runtime(simplify(b.graph)), "JoinedConvNhwc"), 1u);
    expect_same_meaning(b.graph, seed);
  }
}

TEST(PrepareForRuntime, AConvolutionReadTwiceIsNotJoined) {
  Builder b(27);
  TensorId x = b.input({1, 3, 5, 5}), y = b.conv(x, 3, 4, 3);
  b.output(b.node("Concat", {y, y, b.conv(x, 3, 2, 1)}, {{"axis", std::int64_t{1}}}));
  EXPECT_EQ(count(prepare_for_runtime(simplify(b.graph)), "JoinedConvNhwc"), 0u);
  expect_same_meaning(b.graph, 8);
}

TEST(PrepareForRuntime, AFactorPerColumnIsNotPerChannel) {
  Builder b(22);
  TensorId x = b.conv(b.input({1, 3, 4, 4}), 3, 4, 1);
  x = b.node("Mul", {x, b.weights({4})});
  x = b.node("Add", {x, b.weights({4, 1})});
  b.output(b.node("Sub", {b.weights({4, 1, 1}), x}));
  expect_same_meaning(b.graph, 5);
}

TEST(PrepareForRuntime, ClampsThatContradictEachOther) {
  Builder b(23);
  TensorId x = b.conv(b.input({1, 3, 4, 4}), 3, 4, 1);
  x = b.node("Clip", {x}, {{"min", 0.5f}, {"max", 1.0f}});
  x = b.node("Clip", {x}, {{"min", -1.0f}, {"max", 0.25f}});
  b.output(b.node("Relu", {x}));
  expect_same_meaning(b.graph, 6);
}

TEST(Simplify, FoldsShapeArithmetic) {
  Builder b(24);
  TensorId x = b.input({2, 3, 4, 5});
  TensorId shape = b.node("Shape", {x});
  TensorId first = b.node("Gather", {shape, b.ints({0})});
  TensorId target = b.node("Concat", {first, b.ints({-1})}, {{"axis", std::int64_t{0}}});
  b.output(b.node("Reshape", {x, target}));
  mlq::Graph simple = simplify(b.graph);
  EXPECT_EQ(simple.nodes.size(), 1u) << dump(simple);
  EXPECT_EQ(simple.tensors[simple.outputs[0].tensor].shape, (Shape{2, 60}));
  expect_same_meaning(b.graph, 7);
}

TEST(Simplify, RemovesWhatNobodyReads) {
  Builder b(25);
  TensorId x = b.input({1, 2, 3, 3});
  b.conv(x, 2, 4, 3);
  b.output(b.node("Relu", {b.node("Identity", {x})}));
  mlq::Graph simple = simplify(b.graph);
  EXPECT_EQ(simple.nodes.size(), 1u);
  EXPECT_EQ(simple.tensors.size(), 2u);
}

TEST(Simplify, KeepsLargeConstantsUnderTheirNames) {
  Builder b(26);
  TensorId w = b.weights({64, 64});
  TensorId turned = b.node("Transpose", {w}, {{"perm", Ints{1, 0}}});
  b.output(b.node("MatMul", {b.input({1, 64}), turned}));
  mlq::Graph simple = simplify(b.graph);
  EXPECT_EQ(count(simple, "Transpose"), 1u);
}

TEST(Dump, NamesEverythingOnce) {
  std::string text = dump(squeezenet_like());
  EXPECT_NE(text.find("input input0 = input0: float32 1x3x35x35\n"), std::string::npos) << text;
  EXPECT_NE(text.find("kernel_shape=[3, 3]"), std::string::npos);
  EXPECT_EQ(text, dump(squeezenet_like()));
}

// One random node that makes an image out of images; `x` is of shape [1, channels, size, size].
struct Image {
  TensorId id;
  std::int64_t channels, size;
};

Image grow(Builder& b, const std::vector<Image>& images) {
  Image x = images[static_cast<std::size_t>(b.pick(0, static_cast<std::int64_t>(images.size()) - 1))];
  std::int64_t c = x.channels, s = x.size;
  switch (b.pick(0, 21)) {
    case 0: {
      auto to = b.pick(1, 6);
      return {b.conv(x.id, c, to, 3), to, s};
    }
    case 1:
      return {b.conv(x.id, c, c, 3, 1, c), c, s};
    case 2:
      return {b.node("Relu", {x.id}), c, s};
    case 3:
      return {b.node("Sigmoid", {x.id}), c, s};
    case 4:
      return {b.batch_norm(x.id, c), c, s};
    case 5:
      return {b.node("Mul", {x.id, b.weights({c, 1, 1})}), c, s};
    case 6:
      return {b.node("Add", {b.weights({1, c, 1, s}), x.id}), c, s};
    case 7:
      return {b.node("Add", {x.id, b.weights({})}), c, s};
    case 8:
      return {b.node("Clip", {x.id}, {{"min", -0.5f}, {"max", 0.5f}}), c, s};
    case 9:
      return {b.node("Softmax", {x.id}, {{"axis", b.pick(-4, 3)}}), c, s};
    case 10:
      return {b.node("Transpose", {x.id}, {{"perm", Ints{0, 1, 3, 2}}}), c, s};
    case 11:
      return {b.node("InstanceNormalization", {x.id, b.weights({c}), b.weights({c})}), c, s};
    case 12:
      return {b.node("LRN", {x.id}, {{"size", std::int64_t{3}}}), c, s};
    case 13:
      return {b.node("PRelu", {x.id, b.weights({c, 1, 1})}), c, s};
    case 14:
      return {b.node("Reshape", {b.node("Flatten", {x.id}), b.ints({1, c, s, s})}), c, s};
    case 15: {
      TensorId padded = b.node("Pad", {x.id, b.ints({0, 1, 0, 2, 0, 0, 1, -1})});
      return {b.node("Slice", {padded, b.ints({1, 0}), b.ints({99, s + 1}), b.ints({1, 3})}), c, s + 1};
    }
    case 16: {
      auto parts = b.nodes("Split", {x.id}, 2, {{"axis", std::int64_t{-1}}, {"split", Ints{1, s - 1}}});
      return {b.node("Concat", {parts[1], parts[0]}, {{"axis", std::int64_t{3}}}), c, s};
    }
    case 17:
      return {b.node("Concat", {x.id, x.id}, {{"axis", std::int64_t{1}}}), 2 * c, s};
    case 18: {
      TensorId mean = b.node("ReduceMean", {x.id}, {{"axes", Ints{b.pick(1, 3)}}});
      return {b.node("Sub", {x.id, mean}), c, s};
    }
    case 19: {
      TensorId gate = b.conv(b.node("GlobalAveragePool", {x.id}), c, c, 1);
      return {b.node("Mul", {x.id, b.node("Sigmoid", {gate})}), c, s};
    }
    case 20:
      return {b.node("Resize", {x.id, mlq::no_tensor, mlq::no_tensor, b.ints({1, c, s, s})},
                     {{"mode", std::string("linear")}}),
              c, s};
    default: {
      Image other = images[static_cast<std::size_t>(b.pick(0, static_cast<std::int64_t>(images.size()) - 1))];
      if (other.channels != c || other.size != s) return {b.node("Mul", {x.id, x.id}), c, s};
      return {b.node("Add", {x.id, other.id}), c, s};
    }
  }
}

TEST(PrepareForRuntime, RandomGraphsMeanTheSame) {
  for (unsigned seed = 0; seed < 120; ++seed) {
    SCOPED_TRACE(seed);
    Builder b(1000 + seed);
    std::vector<Image> images{{b.input({1, 3, 6, 6}), 3, 6}};
    for (int i = 0; i < 10; ++i) {
      Image next = grow(b, images);
      // Doubling channels again and again would only cost time.
      if (next.channels <= 24) images.push_back(next);
    }
    b.output(images.back().id);
    b.output(images[images.size() / 2].id);
    expect_same_meaning(b.graph, seed);
    if (testing::Test::HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace mlqc::test
