// Branches and loops.
#include <gmock/gmock.h>

#include "tests/runtime/graphs.h"

namespace mlq {
namespace {

using test::Builder;
using test::floats_of;
using test::view_of;
using testing::ElementsAre;
using testing::HasSubstr;

std::shared_ptr<const Graph> shared(const Builder& b) { return std::make_shared<const Graph>(b.graph); }

// y = x is at most 10 in its first element ? x + k : x * k, where k belongs to the graph around.
Graph branching() {
  Builder then_branch, else_branch;
  const TensorId sum = then_branch.node("Add", {then_branch.outer("x"), then_branch.outer("k")}, "sum");
  then_branch.output(sum, {2});
  const TensorId product =
      else_branch.node("Mul", {else_branch.outer("x"), else_branch.outer("k")}, "product");
  else_branch.output(product, {2});
  Builder b;
  const TensorId x = b.input("x", {2}), small = b.input("small", {}, DataType::boolean);
  // Computed, so that it is freed too early if nobody knows that the branches read it.
  b.node("Add", {b.constant("one", {1}, {1}), x}, "k");
  const TensorId chosen = b.node(
      "If", {small}, "if", {{"then_branch", shared(then_branch)}, {"else_branch", shared(else_branch)}});
  b.output(b.node("Relu", {chosen}, "y"), {2});
  return b.finish();
}

TEST(If, RunsTheBranchThatTheConditionNames) {
  const auto model = Model::from_graph(branching());
  ASSERT_TRUE(model) << model.error();
  const std::vector<float> x = {2, 3};
  const auto run = [&](std::uint8_t small) {
    return *model->predict(std::vector<View>{view_of(x, {2}), {DataType::boolean, {}, &small}});
  };
  EXPECT_THAT(run(1)[0].floats(), ElementsAre(5, 7));
  EXPECT_THAT(run(0)[0].floats(), ElementsAre(6, 12));
}

// Doubles the value in each round and keeps every one.
Graph doubling(Shape carried) {
  Builder body;
  body.input("round", {}, DataType::int64);
  const TensorId go_on = body.input("go_on", {}, DataType::boolean), value = body.input("value", carried);
  const TensorId next = body.node("Mul", {value, body.outer("two")}, "next");
  const TensorId kept = body.node("Identity", {next}, "kept");
  body.output(go_on, {}, DataType::boolean);
  body.output(next, carried);
  body.output(kept, carried);
  Builder b;
  const TensorId x = b.input("x", carried), rounds = b.input("rounds", {}, DataType::int64);
  b.constant("two", {1}, {2});
  const TensorId last = b.node("Loop", {rounds, no_tensor, x}, "loop", {{"body", shared(body)}});
  const TensorId all = b.outer("all");
  b.graph.nodes.back().outputs.push_back(all);
  b.output(last, carried);
  carried.insert(carried.begin(), -1);
  b.output(all, carried);
  return b.finish();
}

TEST(Loop, CarriesAndStacks) {
  const auto model = Model::from_graph(doubling({2}));
  ASSERT_TRUE(model) << model.error();
  const std::vector<float> x = {1, 3};
  for (std::int64_t rounds : {3, 0, 1}) {
    const auto result = model->predict(std::vector<View>{view_of(x, {2}), {DataType::int64, {}, &rounds}});
    ASSERT_TRUE(result) << result.error();
    const float factor = static_cast<float>(1 << rounds);
    EXPECT_THAT((*result)[0].floats(), ElementsAre(factor, 3 * factor));
    EXPECT_EQ((*result)[1].shape, (Shape{rounds, 2}));
    std::vector<float> stacked;
    for (int round = 1; round <= rounds; ++round)
      stacked.insert(stacked.end(),
                     {x[0] * static_cast<float>(1 << round), x[1] * static_cast<float>(1 << round)});
    EXPECT_EQ(floats_of((*result)[1]), stacked);
  }
}

// Each result is within the limit; all of them are not.
TEST(Loop, KeepsNoMoreThanTheMemoryLimit) {
  LoadOptions options;
  options.memory_limit = 100000;
  const auto model = Model::from_graph(doubling({2000}), options);
  ASSERT_TRUE(model) << model.error();
  const std::vector<float> x(2000, 1);
  for (const std::int64_t rounds : {2, 100}) {
    const auto result = model->predict(std::vector<View>{view_of(x, {2000}), {DataType::int64, {}, &rounds}});
    if (rounds == 2)
      EXPECT_TRUE(result) << result.error();
    else
      EXPECT_THAT(result.error(), HasSubstr("more bytes than the limit of 100000"));
  }
}

// Without a number of rounds, and with a condition that stays as it is.
TEST(Loop, OneThatNeverEndsIsASentence) {
  Builder endless;
  endless.input("round", {}, DataType::int64);
  const TensorId go_on = endless.input("go_on", {}, DataType::boolean), kept = endless.input("kept", {1});
  endless.output(go_on, {}, DataType::boolean);
  endless.output(kept, {1});
  Builder b;
  const TensorId x = b.input("x", {1}), yes = b.input("yes", {}, DataType::boolean);
  b.output(b.node("Loop", {no_tensor, yes, x}, "loop", {{"body", shared(endless)}}), {1});
  const auto model = Model::from_graph(b.finish());
  ASSERT_TRUE(model) << model.error();
  const std::vector<float> one = {1};
  const std::uint8_t on = 1, off = 0;
  EXPECT_THAT(model->predict(std::vector<View>{view_of(one, {1}), {DataType::boolean, {}, &on}}).error(),
              HasSubstr("rounds of the model's loops it goes on"));
  EXPECT_TRUE(model->predict(std::vector<View>{view_of(one, {1}), {DataType::boolean, {}, &off}}));
}

TEST(Loop, ABodyOfAnotherSizeIsASentence) {
  Graph graph = doubling({2});
  graph.nodes[0].inputs.pop_back();
  const auto model = Model::from_graph(graph);
  ASSERT_TRUE(model) << model.error();
  const std::vector<float> x = {1, 3};
  const std::int64_t rounds = 2;
  const auto result = model->predict(std::vector<View>{view_of(x, {2}), {DataType::int64, {}, &rounds}});
  EXPECT_THAT(result.error(), HasSubstr("body"));
}

TEST(Subgraph, MayOnlyNameWhatExists) {
  Graph graph = branching();
  graph.tensors[0].name = "renamed";
  EXPECT_THAT(check(graph).error(), HasSubstr("'x'"));
}

}  // namespace
}  // namespace mlq
