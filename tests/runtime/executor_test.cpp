#include <gmock/gmock.h>

#include <thread>

#include "runtime-stub/src/dynamic_executor.h"
#include "runtime-stub/src/state.h"
#include "tests/runtime/graphs.h"

namespace mlq {
namespace {

using test::Builder;
using test::floats_of;
using test::Random;
using test::view_of;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::int64_t width = 96;

// Layers that read any earlier results: every lifetime and in-place case comes up.
Graph random_graph(std::uint64_t seed) {
  Random random(seed);
  Builder b;
  std::vector<TensorId> values = {b.input("x", {2, width}), b.input("y", {2, width})};
  const std::vector<float> weights = random.numbers(width);
  values.push_back(b.constant("c", {width}, weights));
  const std::size_t layers = 3 + random.below(25);
  for (std::size_t i = 0; i < layers; ++i) {
    const std::string name = "n" + std::to_string(i);
    const TensorId one = values[random.below(values.size())], other = values[random.below(values.size())];
    switch (random.below(4)) {
      case 0:
        values.push_back(b.node("Relu", {one}, name));
        break;
      case 1:
        values.push_back(b.node("Add", {one, other}, name));
        break;
      case 2:
        values.push_back(b.node("Mul", {one, other}, name));
        break;
      default:
        values.push_back(b.node("Sigmoid", {one}, name));
        break;
    }
  }
  // Broadcast to the full shape, so that the stated one holds.
  for (int i = 0; i < 2; ++i) {
    const TensorId last = values[values.size() - 1 - random.below(std::min<std::size_t>(layers, 3))];
    b.output(b.node("Add", {last, values[i]}, "out" + std::to_string(i)), {2, width});
  }
  return b.finish();
}

struct Inputs {
  std::vector<float> x, y;
  std::vector<View> views() const { return {view_of(x, {2, width}), view_of(y, {2, width})}; }
};

Inputs random_inputs(std::uint64_t seed) {
  Random random(seed);
  return {random.numbers(2 * width), random.numbers(2 * width)};
}

// The judge: every result in memory of its own.
std::vector<std::vector<float>> run_dynamically(const Graph& graph, const Inputs& inputs) {
  Constants constants(default_memory_limit);
  const LinkedGraph linked = link(graph);
  auto executor = make_dynamic_executor(linked, constants, {{{2, width}, {2, width}}, {}}, 1);
  const Status status = (*executor)->run(inputs.views());
  EXPECT_TRUE(status) << status.error();
  std::vector<std::vector<float>> results;
  for (const Feature& feature : graph.outputs) {
    const Value value = *(*executor)->value(feature.tensor);
    results.emplace_back(value.floats(), value.floats() + *element_count(value.shape));
  }
  return results;
}

TEST(Executor, PlannedMemoryGivesTheBitsOfSeparateMemory) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    const Graph graph = random_graph(seed);
    const auto model = Model::from_graph(graph);
    ASSERT_TRUE(model) << model.error();
    for (std::uint64_t sample = 0; sample < 3; ++sample) {
      const Inputs inputs = random_inputs(sample);
      const auto planned = model->predict(inputs.views());
      ASSERT_TRUE(planned) << planned.error();
      const auto expected = run_dynamically(graph, inputs);
      for (std::size_t i = 0; i < expected.size(); ++i)
        EXPECT_EQ(floats_of((*planned)[i]), expected[i]) << "graph " << seed;
    }
  }
}

TEST(Executor, InputsAreLeftAsTheyWere) {
  const auto model = Model::from_graph(random_graph(7));
  const Inputs inputs = random_inputs(1), before = inputs;
  ASSERT_TRUE(model->predict(inputs.views()));
  EXPECT_EQ(inputs.x, before.x);
}

TEST(Executor, ManyThreadsShareOneModel) {
  const auto model = Model::from_graph(random_graph(3));
  std::vector<std::vector<float>> expected;
  for (std::uint64_t sample = 0; sample < 8; ++sample)
    expected.push_back(floats_of((*model->predict(random_inputs(sample).views()))[0]));
  std::vector<std::thread> threads;
  std::vector<int> wrong(8);
  for (std::size_t t = 0; t < 8; ++t)
    threads.emplace_back([&, t] {
      for (int round = 0; round < 50; ++round) {
        const std::size_t sample = (t + round) % 8;
        const auto result = model->predict(random_inputs(sample).views());
        wrong[t] += !result || floats_of((*result)[0]) != expected[sample];
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(wrong, testing::Each(0));
}

TEST(Executor, ABatchGivesTheBitsOfSinglePredictions) {
  const auto model = Model::from_graph(random_graph(5));
  std::vector<Inputs> inputs;
  for (std::uint64_t sample = 0; sample < 20; ++sample) inputs.push_back(random_inputs(sample));
  std::vector<std::vector<View>> samples;
  for (const Inputs& one : inputs) samples.push_back(one.views());
  const auto all = model->predict_all(samples, 4);
  ASSERT_TRUE(all) << all.error();
  for (std::size_t i = 0; i < samples.size(); ++i)
    EXPECT_EQ(floats_of((*all)[i][1]), floats_of((*model->predict(samples[i]))[1]));
  samples[13].pop_back();
  EXPECT_THAT(model->predict_all(samples, 4).error(), HasSubstr("sample 13"));
}

TEST(Executor, ObservesValuesThatThePlanWouldOverwrite) {
  Builder b;
  const TensorId x = b.input("x", {4});
  const TensorId relu = b.node("Relu", {x}, "relu"), twice = b.node("Add", {relu, relu}, "twice");
  b.output(b.node("Mul", {twice, twice}, "square"), {4});
  const auto model = Model::from_graph(b.finish());
  const std::vector<float> values = {-1, 2, 3, -4};
  const std::vector<View> views = {view_of(values, {4})};
  const std::vector<TensorId> tensors = {twice, relu, x};
  const auto observed = observe(*model, views, tensors);
  ASSERT_TRUE(observed) << observed.error();
  EXPECT_THAT((*observed)[0].floats(), ElementsAre(0, 4, 6, 0));
  EXPECT_THAT((*observed)[1].floats(), ElementsAre(0, 2, 3, 0));
  EXPECT_THAT((*observed)[2].floats(), ElementsAre(-1, 2, 3, -4));
  EXPECT_FALSE(observe(*model, views, std::vector<TensorId>{99}));
}

TEST(Executor, InputShapesMayChangeBetweenPredictions) {
  Builder b;
  const TensorId x = b.input("x", {-1, 2});
  b.output(b.node("Add", {x, x}, "sum"), {-1, 2});
  const auto model = Model::from_graph(b.finish());
  ASSERT_TRUE(model) << model.error();
  for (int round = 0; round < 3; ++round)
    for (std::int64_t rows = 1; rows <= 9; ++rows) {
      const std::vector<float> values(rows * 2, 1.5f);
      const auto result = model->predict(std::vector<View>{view_of(values, {rows, 2})});
      ASSERT_TRUE(result) << result.error();
      EXPECT_EQ((*result)[0].shape, (Shape{rows, 2}));
      EXPECT_THAT((*result)[0].floats(), testing::Each(3.0f));
    }
  const std::vector<float> values(6, 1.0f);
  EXPECT_FALSE(model->predict(std::vector<View>{view_of(values, {2, 3})}));
}

TEST(Executor, ShapesThatTheGraphComputesAreStatic) {
  Builder b;
  const TensorId x = b.input("x", {-1, 6});
  const TensorId shape = b.node("Shape", {x}, "shape");
  const TensorId flat = b.node("Reshape", {x, b.integers("flat", {-1})}, "flattened");
  b.output(b.node("Reshape", {flat, shape}, "back"), {-1, 6});
  Constants constants(default_memory_limit);
  const LinkedGraph linked = link(b.graph);
  const auto schedule = make_schedule(linked, constants, std::vector<Shape>{{3, 6}}, {});
  ASSERT_TRUE(schedule) << schedule.error();
  EXPECT_TRUE(schedule->is_static);
  EXPECT_EQ(schedule->values.back().shape, (Shape{3, 6}));
  EXPECT_EQ(schedule->steps.size(), 2u);  // the shape is known beforehand
}

TEST(Executor, AMemoryLimitIsASentence) {
  Builder b;
  const TensorId x = b.input("x", {-1});
  b.output(b.node("Relu", {x}, "y"), {-1});
  const auto model =
      Model::from_graph(b.finish(), {.threads = 1, .expected_interface = {}, .memory_limit = 1000});
  const std::vector<float> values(1000);
  EXPECT_TRUE(model->predict(std::vector<View>{view_of(values, {100})}));
  EXPECT_THAT(model->predict(std::vector<View>{view_of(values, {1000})}).error(), HasSubstr("limit"));
}

TEST(Executor, UnknownOperatorsAreNamed) {
  Builder b;
  b.output(b.node("NoSuchOperator", {b.input("x", {1})}, "first"), {1});
  const auto model = Model::from_graph(b.graph);
  const std::vector<float> values = {1};
  EXPECT_THAT(model->predict(std::vector<View>{view_of(values, {1})}).error(),
              testing::AllOf(HasSubstr("NoSuchOperator"), HasSubstr("first")));
}

}  // namespace
}  // namespace mlq
