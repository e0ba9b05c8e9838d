#include "compiler/validate/measure.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "compiler/support/parallel.h"
#include "compiler/validate/npy.h"
#include "tests/support/files.h"

namespace mlqc {
namespace {

using mlq::FeatureKind;
using mlq::test::TemporaryFolder;
using testing::AllOf;
using testing::HasSubstr;

mlq::Feature feature(const std::string& name, FeatureKind kind, mlq::TensorId tensor, mlq::Shape shape) {
  mlq::Feature made;
  made.name = name;
  made.kind = kind;
  made.tensor = tensor;
  made.shape = std::move(shape);
  return made;
}

// probs = a * factors, label = the best of them; `swapped` lists inputs and outputs the other way round.
// b only makes a second input: sum = a + b.
mlq::Graph classifier(const std::vector<float>& factors, bool swapped = false) {
  mlq::Graph graph;
  const auto n = static_cast<std::int64_t>(factors.size());
  const auto tensor = [&](const char* name) {
    return mlq::add_tensor(graph, {name, mlq::DataType::float32, {n}, {}, {}});
  };
  const mlq::TensorId a = tensor("a"), b = tensor("b"), probs = tensor("probs"), sum = tensor("sum");
  const mlq::TensorId weights = mlq::add_constant(graph, "scale/weights", {n}, factors);
  graph.nodes.push_back({"Mul", "scale", {a, weights}, {probs}, {}});
  graph.nodes.push_back({"Add", "add", {a, b}, {sum}, {}});
  for (std::size_t i = 0; i < factors.size(); ++i) graph.labels.push_back("label " + std::to_string(i));
  graph.inputs = {feature("a", FeatureKind::tensor, a, {n}), feature("b", FeatureKind::tensor, b, {n})};
  graph.outputs = {feature("probs", FeatureKind::scores, probs, {n}),
                   feature("label", FeatureKind::label, probs, {1}),
                   feature("sum", FeatureKind::tensor, sum, {n})};
  if (swapped) {
    std::ranges::reverse(graph.inputs);
    std::ranges::reverse(graph.outputs);
  }
  return graph;
}

// So many weights, which nothing reads, that models are measured one after the other.
mlq::Graph made_big(mlq::Graph graph) {
  const std::vector<std::byte> bits((17 << 20) / 8);
  mlq::Quantization quantization;
  quantization.bits = 1;
  quantization.scale = {1};
  quantization.offset = {0};
  mlq::add_tensor(
      graph, {"ballast", mlq::DataType::float32, {17 << 20}, mlq::copy_data<std::byte>(bits), quantization});
  return graph;
}

ModelMaker maker(const mlq::Graph& graph) {
  return [graph](int threads) {
    auto model = mlq::Model::from_graph(graph, {.threads = threads, .expected_interface = {}});
    if (!model) throw std::runtime_error(model.error());
    return *model;
  };
}

Samples random_samples(const mlq::Graph& graph, int count) {
  SamplesSection section;
  section.random = {count, {}};
  return find_samples(section, graph);
}

Measured run(const mlq::Graph& reference, const mlq::Graph& candidate, const Samples& samples) {
  return measure(maker(reference), maker(candidate), samples, {});
}

// Where nothing could be said, the other must say nothing, too.
bool same(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }

void expect_same(const Measured& a, const Measured& b) {
  ASSERT_EQ(a.outputs.size(), b.outputs.size());
  EXPECT_EQ(a.count, b.count);
  EXPECT_EQ(a.failed.size(), b.failed.size());
  for (const auto& [output, figures] : a.outputs)
    for (const auto& [metric, measured] : figures) {
      const Measurement& other = b.outputs.at(output).at(metric);
      EXPECT_TRUE(same(measured.value, other.value)) << output << ' ' << metric;
      EXPECT_TRUE(same(measured.lower, other.lower)) << output << ' ' << metric;
      EXPECT_EQ(measured.n, other.n) << output << ' ' << metric;
    }
}

const std::vector<float> ones = {1, 1, 1, 1, 1, 1, 1, 1}, skewed = {1, 1, 1, 1, 1, 1, 1, 1.5f};

// The judge: both models by hand, over the same samples.
TEST(Measure, AgreesWithTheSameSumsByHand) {
  const mlq::Graph reference = classifier(ones);
  const Samples samples = random_samples(reference, 50);
  std::size_t agreed = 0;
  double largest = 0;
  for (std::size_t i = 0; i < samples.items.size(); ++i) {
    const auto inputs = load_sample(samples, i, reference);
    const auto a = (*inputs)[0].floats();
    std::vector<float> scaled(a.begin(), a.end());
    scaled[7] *= 1.5f;
    agreed += std::ranges::max_element(a) - a.begin() == std::ranges::max_element(scaled) - scaled.begin();
    largest = std::max(largest, static_cast<double>(scaled[7]) - a[7]);
  }
  const Measured measured = run(reference, classifier(skewed), samples);
  EXPECT_EQ(measured.count, 50u);
  ASSERT_GT(agreed, 0u);
  ASSERT_LT(agreed, 50u);
  const auto& probs = measured.outputs.at("probs");
  EXPECT_EQ(probs.at("top1_agreement").value, static_cast<double>(agreed) / 50);
  EXPECT_EQ(probs.at("top1_agreement").lower, wilson(agreed, 50).lower);
  EXPECT_EQ(probs.at("max_abs_error").value, largest);
  EXPECT_EQ(probs.at("top5_agreement").n, 50u);
  EXPECT_EQ(measured.outputs.at("label").at("top1_agreement").value, static_cast<double>(agreed) / 50);
  EXPECT_EQ(measured.outputs.at("label").size(), 1u);
  EXPECT_EQ(probs.at("top1_agreement").samples.size(), 50 - agreed);
  const Ranking& ranking = measured.rankings.at("probs");
  ASSERT_EQ(ranking.flips.size(), 50 - agreed);
  EXPECT_EQ(ranking.flips[0].sample, probs.at("top1_agreement").samples[0]);
  EXPECT_EQ(ranking.flips[0].candidate, "label 7") << "only this score grew";
  std::size_t of_classes = 0;
  for (const ClassAgreement& figures : ranking.classes) of_classes += figures.agreed;
  EXPECT_EQ(of_classes, agreed);
  EXPECT_EQ(measured.outputs.at("sum").at("snr_db").value, 200);
}

TEST(Measure, GivesTheSameForAnyNumberOfThreadsAndAnySize) {
  const mlq::Graph reference = classifier(ones), candidate = classifier(skewed);
  const Samples samples = random_samples(reference, 40);
  const Measured first = run(reference, candidate, samples);
  for (const int count : {1, 2, 8}) {
    set_threads(count);
    expect_same(run(reference, candidate, samples), first);
    expect_same(run(made_big(reference), made_big(candidate), samples), first);
  }
  set_threads(0);
}

TEST(Measure, MatchesInputsAndOutputsByName) {
  const mlq::Graph reference = classifier(ones);
  const Samples samples = random_samples(reference, 20);
  const Measured swapped = run(reference, classifier(skewed, true), samples);
  expect_same(swapped, run(reference, classifier(skewed), samples));
  expect_same(run(made_big(reference), made_big(classifier(skewed, true)), samples), swapped);
}

TEST(Measure, MatchesTheRestByPosition) {
  const mlq::Graph reference = classifier(ones);
  mlq::Graph candidate = classifier(skewed);
  for (mlq::Feature& output : candidate.outputs) output.name += "_1";
  candidate.inputs[0].name = "other";
  const Samples samples = random_samples(reference, 20);
  expect_same(run(reference, candidate, samples), run(reference, classifier(skewed), samples));
}

TEST(Measure, RefusesModelsThatDoNotFit) {
  const mlq::Graph reference = classifier(ones);
  mlq::Graph candidate = reference;
  candidate.outputs.pop_back();
  const Samples samples = random_samples(reference, 2);
  try {
    run(reference, candidate, samples);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.exit(), Exit::usage);
    EXPECT_THAT(error.diagnostic().what, HasSubstr("outputs"));
    EXPECT_THAT(error.diagnostic().notes[1], AllOf(HasSubstr("candidate"), HasSubstr("'probs' (8)")));
  }
  candidate = reference;
  candidate.outputs.erase(candidate.outputs.begin() + 1);  // the label only repeats the scores
  EXPECT_FALSE(run(reference, candidate, samples).outputs.contains("label"));
}

mlq::Graph one_input() {
  mlq::Graph graph = classifier(ones);
  graph.nodes.pop_back();
  graph.inputs.pop_back();
  graph.outputs.pop_back();
  return graph;
}

TEST(Measure, NamesEverySampleThatFails) {
  TemporaryFolder folder;
  mlq::Array numbers{mlq::DataType::float32, {8}, std::vector<std::byte>(32)};
  folder.write("good.npy", write_npy(numbers));
  folder.write("cut.npy", write_npy(numbers).substr(0, 140));
  numbers.shape = {2, 4};
  folder.write("shape.npy", write_npy(numbers));
  const mlq::Graph graph = one_input();
  SamplesSection section;
  section.tensors = {folder.path(), {}};
  const Samples samples = find_samples(section, graph);
  for (const mlq::Graph& model : {graph, made_big(graph)}) {
    const Measured measured = run(model, model, samples);
    EXPECT_EQ(measured.count, 1u);
    ASSERT_EQ(measured.failed.size(), 2u);
    EXPECT_EQ(measured.failed[0].name, "cut.npy");
    EXPECT_THAT(measured.failed[1].why, AllOf(HasSubstr("shape.npy"), HasSubstr("2x4")));
    EXPECT_EQ(measured.outputs.at("probs").at("snr_db").n, 1u);
  }
}

TEST(Measure, NamesItsOutputsEvenWhenEverySampleFails) {
  TemporaryFolder folder;
  folder.write("bad.npy", "no array");
  const mlq::Graph graph = one_input();
  SamplesSection section;
  section.tensors = {folder.path(), {}};
  const Measured measured = run(graph, graph, find_samples(section, graph));
  EXPECT_EQ(measured.count, 0u);
  EXPECT_EQ(measured.failed.size(), 1u);
  EXPECT_TRUE(std::isnan(measured.outputs.at("probs").at("top1_agreement").value));
}

TEST(Measure, TellsOfItsProgress) {
  const mlq::Graph graph = classifier(ones);
  const Samples samples = random_samples(graph, 30);
  for (const mlq::Graph& model : {graph, made_big(graph)}) {
    std::size_t last = 0;
    measure(maker(model), maker(model), samples, [&](std::size_t done, std::size_t total) {
      EXPECT_EQ(total, 30u);
      EXPECT_GE(done, last);
      last = done;
    });
    EXPECT_EQ(last, 30u);
  }
}

}  // namespace
}  // namespace mlqc
