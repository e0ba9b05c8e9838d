// Which layer makes the scores of classes.
#include "compiler/quantize/classes.h"

#include <gtest/gtest.h>

#include "tests/runtime/graphs.h"

namespace mlqc {
namespace {

using mlq::test::Builder;

mlq::TensorId weights(Builder& b, const mlq::Shape& shape) {
  const std::vector<float> values(static_cast<std::size_t>(*mlq::element_count(shape)), 0.5f);
  return mlq::add_constant(b.graph, "weights", shape, std::span<const float>(values));
}

TEST(Classes, AConvolutionBeforeAMeanAndASoftmax) {
  Builder b;
  const auto x = b.input("x", {1, 3, 8, 8});
  const auto w = weights(b, {10, 3, 1, 1});
  const auto y = b.node("Relu", {b.node("Conv", {x, w}, "conv")}, "relu");
  const auto flat = b.node("Flatten", {b.node("GlobalAveragePool", {y}, "pool")}, "flat");
  b.output(b.node("Softmax", {flat}, "softmax"), {1, 10});
  const auto found = class_layer(b.finish());
  ASSERT_TRUE(found);
  EXPECT_EQ(found->weights, w);
  EXPECT_EQ(found->output, 0u);
}

TEST(Classes, AMatrixWithABias) {
  Builder b;
  const auto x = b.input("x", {1, 6});
  const auto w = weights(b, {6, 4}), bias = weights(b, {4});
  b.output(b.node("Add", {b.node("MatMul", {x, w}, "dense"), bias}, "bias"), {1, 4});
  const auto found = class_layer(b.finish());
  ASSERT_TRUE(found);
  EXPECT_EQ(found->weights, w);
}

// As many scores as channels there must be: a detector's head has some for each position.
TEST(Classes, NoneWhereAChannelHasToDoWithSeveralScores) {
  Builder b;
  const auto x = b.input("x", {1, 3, 4, 4});
  const auto w = weights(b, {10, 3, 1, 1});
  b.output(b.node("Flatten", {b.node("Conv", {x, w}, "conv")}, "flat"), {1, 160});
  EXPECT_FALSE(class_layer(b.finish()));
  Builder grouped;
  const auto u = grouped.input("x", {1, 4, 1, 1});
  const auto v = weights(grouped, {4, 2, 1, 1});
  grouped.output(grouped.node("Conv", {u, v}, "conv", {{"group", std::int64_t{2}}}), {1, 4, 1, 1});
  EXPECT_FALSE(class_layer(grouped.finish())) << "a weight of a grouped convolution is not laid out so";
}

}  // namespace
}  // namespace mlqc
