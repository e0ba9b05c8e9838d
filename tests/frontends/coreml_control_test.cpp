// Branches and loops against the same program written in C++.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compiler/graph/rewrite.h"
#include "compiler/support/error.h"
#include "mlq/model.h"
#include "tests/frontends/coreml_fixture.h"

namespace mlqc {
namespace {

using namespace coreml;
using Floats = std::vector<float>;
using testing::ElementsAre;
using testing::HasSubstr;

Model model_of(const std::vector<std::pair<const char*, std::vector<std::int64_t>>>& inputs,
               const std::vector<const char*>& outputs) {
  Model model;
  model.mutable_neural_network()->set_array_input_shape_mapping(NeuralNetwork::EXACT_ARRAY_MAPPING);
  for (const auto& [name, shape] : inputs)
    test::add_array(*model.mutable_description()->mutable_input(), name, shape);
  for (const char* name : outputs) test::add_array(*model.mutable_description()->mutable_output(), name, {});
  return model;
}

// to = a * from + b
void linear(NeuralNetwork& network, const std::string& from, const std::string& to, float a, float b) {
  auto& p = *test::add_layer(network, to + "=" + from, from, to).mutable_activation()->mutable_linear();
  p.set_alpha(a);
  p.set_beta(b);
}
void copy(NeuralNetwork& network, const std::string& from, const std::string& to) {
  test::add_layer(network, to + ":=" + from, from, to).mutable_copy();
}
void less(NeuralNetwork& network, const std::string& from, const std::string& to, float than) {
  test::add_layer(network, to, from, to).mutable_less_than()->set_alpha(than);
}
void constant(NeuralNetwork& network, const std::string& name, const Floats& values) {
  Constant& c = *test::add_layer(network, name, "", name).mutable_load_constant_nd();
  c.add_shape(values.size());
  test::set_floats(*c.mutable_data(), values);
}

Floats run(const Model& model, const std::vector<Floats>& inputs) {
  return test::run(test::source_of(model), inputs)[0];
}

TEST(Branch, WritesOverBlobsOfTheNetworkAround) {
  Model model = model_of({{"x", {2}}, {"c", {1}}}, {"y"});
  NeuralNetwork& net = *model.mutable_neural_network();
  linear(net, "x", "y", 1, 0);
  Branch& branch = *test::add_layer(net, "branch", "c", "").mutable_branch();
  linear(*branch.mutable_if_branch(), "x", "t", 2, 0);
  copy(*branch.mutable_if_branch(), "t", "y");
  EXPECT_THAT(run(model, {{3, 4}, {1}}), ElementsAre(6, 8));
  EXPECT_THAT(run(model, {{3, 4}, {0}}), ElementsAre(3, 4));
  EXPECT_THAT(run(model, {{3, 4}, {-0.5f}}), ElementsAre(6, 8));
  EXPECT_THAT(run(model, {{3, 4}, {1e-7f}}), ElementsAre(3, 4));
}

TEST(Branch, MakesABlobInEitherSide) {
  Model model = model_of({{"x", {2}}, {"c", {1}}}, {"z"});
  NeuralNetwork& net = *model.mutable_neural_network();
  Branch& branch = *test::add_layer(net, "branch", "c", "").mutable_branch();
  linear(*branch.mutable_if_branch(), "x", "y", 2, 0);
  linear(*branch.mutable_else_branch(), "x", "y", -1, 1);
  linear(net, "y", "z", 1, 10);
  EXPECT_THAT(run(model, {{3, 4}, {1}}), ElementsAre(16, 18));
  EXPECT_THAT(run(model, {{3, 4}, {0}}), ElementsAre(8, 7));
}

TEST(Branch, TheSidesShapesMayDiffer) {
  Model model = model_of({{"x", {2}}, {"c", {1}}}, {"y"});
  Branch& branch = *test::add_layer(*model.mutable_neural_network(), "branch", "c", "").mutable_branch();
  linear(*branch.mutable_if_branch(), "x", "y", 2, 0);
  constant(*branch.mutable_else_branch(), "y", {1, 2, 3});
  EXPECT_THAT(run(model, {{3, 4}, {1}}), ElementsAre(6, 8));
  EXPECT_THAT(run(model, {{3, 4}, {0}}), ElementsAre(1, 2, 3));
}

TEST(Loop, OfACountedNumberOfRounds) {
  Model model = model_of({{"x", {2}}}, {"y"});
  NeuralNetwork& net = *model.mutable_neural_network();
  copy(net, "x", "y");
  Loop& loop = *test::add_layer(net, "loop", "", "").mutable_loop();
  loop.set_max_loop_iterations(3);
  linear(*loop.mutable_body_network(), "y", "t", 2, 1);
  copy(*loop.mutable_body_network(), "t", "y");
  EXPECT_THAT(run(model, {{0, 1}}), ElementsAre(7, 15));
}

TEST(Loop, TheNumberMayBeABlob) {
  Model model = model_of({{"x", {1}}, {"n", {1}}}, {"y"});
  NeuralNetwork& net = *model.mutable_neural_network();
  copy(net, "x", "y");
  Loop& loop = *test::add_layer(net, "loop", "n", "").mutable_loop();
  loop.set_max_loop_iterations(1);  // not heeded
  linear(*loop.mutable_body_network(), "y", "t", 2, 0);
  copy(*loop.mutable_body_network(), "t", "y");
  for (const int n : {0, 1, 5}) EXPECT_THAT(run(model, {{3}, {static_cast<float>(n)}}), ElementsAre(3 << n));
}

// while (y < limit) y = 3 * y
Model while_loop(std::uint64_t most) {
  Model model = model_of({{"x", {1}}}, {"y", "small"});
  NeuralNetwork& net = *model.mutable_neural_network();
  copy(net, "x", "y");
  Loop& loop = *test::add_layer(net, "loop", "", "").mutable_loop();
  loop.set_max_loop_iterations(most);
  loop.set_condition_var("small");
  less(*loop.mutable_condition_network(), "y", "small", 100);
  linear(*loop.mutable_body_network(), "y", "t", 3, 0);
  copy(*loop.mutable_body_network(), "t", "y");
  return model;
}

TEST(Loop, AsLongAsItsConditionHolds) {
  for (const float x : {1.0f, 5.0f, 200.0f}) {
    float y = x;
    while (y < 100) y *= 3;
    const auto outputs = test::run(test::source_of(while_loop(0)), {{x}});
    EXPECT_THAT(outputs[0], ElementsAre(y));
    EXPECT_THAT(outputs[1], ElementsAre(0));  // blobs of the condition are seen outside
  }
}

TEST(Loop, AConditionAndANumberOfRounds) { EXPECT_THAT(run(while_loop(2), {{1}}), ElementsAre(9)); }

// for (i = 0; i < 6; ++i) { i == 1 ? continue; sum += i; i == 4 ? break; all += 1 }
TEST(Loop, ContinueAndBreakSkipWhatFollowsThem) {
  Model model = model_of({{"x", {1}}}, {"sum", "all", "i"});
  NeuralNetwork& net = *model.mutable_neural_network();
  linear(net, "x", "i", 0, -1);
  copy(net, "x", "sum");
  copy(net, "x", "all");
  Loop& loop = *test::add_layer(net, "loop", "", "").mutable_loop();
  loop.set_max_loop_iterations(6);
  NeuralNetwork& body = *loop.mutable_body_network();
  linear(body, "i", "next", 1, 1);
  copy(body, "next", "i");
  const auto stop_at = [&](float number) -> NeuralNetworkLayer& {
    const std::string name = "at" + std::to_string(static_cast<int>(number));
    test::add_layer(body, name, "i", name).mutable_equal()->set_alpha(number);
    Branch& branch = *test::add_layer(body, "stop " + name, name, "").mutable_branch();
    return test::add_layer(*branch.mutable_if_branch(), "stop", "", "");
  };
  stop_at(1).mutable_loop_continue();
  NeuralNetworkLayer& add = test::add_layer(body, "add", "sum", "sum2");
  add.add_input("i");
  add.mutable_add();
  copy(body, "sum2", "sum");
  stop_at(4).mutable_loop_break();
  linear(body, "all", "all2", 1, 1);
  copy(body, "all2", "all");
  const auto outputs = test::run(test::source_of(model), {{0}});
  EXPECT_THAT(outputs[0], ElementsAre(0 + 2 + 3 + 4));
  EXPECT_THAT(outputs[1], ElementsAre(3));
  EXPECT_THAT(outputs[2], ElementsAre(4));
}

TEST(Loop, LoopsInLoopsWithTheirOwnBreaks) {
  Model model = model_of({{"x", {1}}}, {"y"});
  NeuralNetwork& net = *model.mutable_neural_network();
  copy(net, "x", "y");
  Loop& outer = *test::add_layer(net, "outer", "", "").mutable_loop();
  outer.set_max_loop_iterations(3);
  Loop& inner = *test::add_layer(*outer.mutable_body_network(), "inner", "", "").mutable_loop();
  inner.set_max_loop_iterations(5);
  NeuralNetwork& body = *inner.mutable_body_network();
  linear(body, "y", "t", 1, 1);
  copy(body, "t", "y");
  test::add_layer(body, "break", "", "").mutable_loop_break();
  linear(body, "y", "never", 1, 100);
  copy(body, "never", "y");
  EXPECT_THAT(run(model, {{0}}), ElementsAre(3));
}

TEST(Loop, ABlobMayGrow) {
  Model model = model_of({{"x", {1}}}, {"y"});
  NeuralNetwork& net = *model.mutable_neural_network();
  copy(net, "x", "y");
  Loop& loop = *test::add_layer(net, "loop", "", "").mutable_loop();
  loop.set_max_loop_iterations(3);
  NeuralNetworkLayer& twice = test::add_layer(*loop.mutable_body_network(), "twice", "y", "t");
  twice.add_input("x");
  twice.mutable_concat_nd();
  copy(*loop.mutable_body_network(), "t", "y");
  EXPECT_THAT(run(model, {{7}}), ElementsAre(7, 7, 7, 7));
}

// Weights inside of a body are found, quantized and written like all others.
TEST(Loop, WeightsBelongToTheOutermostGraph) {
  Model model = model_of({{"x", {1, 2}}}, {"y"});
  NeuralNetwork& net = *model.mutable_neural_network();
  copy(net, "x", "y");
  Loop& loop = *test::add_layer(net, "loop", "", "").mutable_loop();
  loop.set_max_loop_iterations(2);
  InnerProduct& dense =
      *test::add_layer(*loop.mutable_body_network(), "dense", "y", "t").mutable_inner_product();
  dense.set_input_channels(2);
  dense.set_output_channels(2);
  test::set_floats(*dense.mutable_weights(), {1, 2, 3, 4});
  copy(*loop.mutable_body_network(), "t", "y");
  EXPECT_THAT(run(model, {{1, 1}}), ElementsAre(17, 37));
  const mlq::Graph graph = import_graph(test::source_of(model));
  EXPECT_EQ(std::count_if(graph.tensors.begin(), graph.tensors.end(),
                          [](const mlq::Tensor& t) { return t.data && t.name.ends_with("dense/weights"); }),
            1);
  auto shipped = mlq::Model::from_graph(prepare_for_runtime(simplify(graph)));
  ASSERT_TRUE(shipped) << shipped.error();
  const Floats x = {1, 1};
  const auto result = shipped->predict(std::vector<mlq::View>{{mlq::DataType::float32, {1, 2}, x.data()}});
  ASSERT_TRUE(result) << result.error();
  EXPECT_THAT((*result)[0].floats(), ElementsAre(17, 37));
}

std::string refusal(const Model& model) {
  try {
    import_graph(test::source_of(model));
    return "";
  } catch (const Error& error) {
    return error.diagnostic().what;
  }
}

TEST(Control, WhatIsWrongIsASentence) {
  Model outside = model_of({{"x", {1}}}, {"x"});
  test::add_layer(*outside.mutable_neural_network(), "b", "", "").mutable_loop_break();
  EXPECT_THAT(refusal(outside), HasSubstr("outside of a loop"));

  Model hidden = model_of({{"x", {1}}}, {"x"});
  Loop& loop = *test::add_layer(*hidden.mutable_neural_network(), "l", "", "").mutable_loop();
  test::add_layer(*loop.mutable_body_network(), "odd", "x", "y").mutable_custom()->set_class_name("Odd");
  EXPECT_THAT(refusal(hidden), HasSubstr("Odd is not supported"));
}

// Seventeen loops, each in the one before.
TEST(Control, DeepNestingIsRefusedInTime) {
  Model model = model_of({{"x", {1}}}, {"x"});
  NeuralNetwork* net = model.mutable_neural_network();
  for (int i = 0; i < 17; ++i) {
    copy(*net, "x", "y" + std::to_string(i));
    Loop& loop = *test::add_layer(*net, "loop", "x", "").mutable_loop();
    less(*loop.mutable_condition_network(), "x", "c" + std::to_string(i), 3);
    loop.set_condition_var("c" + std::to_string(i));
    net = loop.mutable_body_network();
  }
  linear(*net, "x", "z", 1, 0);
  EXPECT_NE(refusal(model), "");
}

}  // namespace
}  // namespace mlqc
