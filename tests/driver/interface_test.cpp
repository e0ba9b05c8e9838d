// Images and labels that the manifest gives to models whose files know of neither.
#include "compiler/driver/interface.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <iostream>

#include "compiler/driver/model_file.h"
#include "compiler/frontends/frontend.h"
#include "compiler/support/error.h"
#include "compiler/validate/samples.h"
#include "tests/support/files.h"

namespace mlqc {
namespace {

using mlq::Color;
using mlq::Feature;
using mlq::FeatureKind;
using mlq::Graph;

// y = x, of one input and one output.
Graph identity(const mlq::Shape& shape, mlq::DataType type = mlq::DataType::float32) {
  Graph graph;
  const mlq::TensorId x = mlq::add_tensor(graph, {"x", type, shape, {}, {}});
  const mlq::TensorId y = mlq::add_tensor(graph, {"y", type, shape, {}, {}});
  graph.nodes.push_back({"Identity", "id", {x}, {y}, {}});
  graph.inputs.push_back({"x", "", FeatureKind::tensor, x, shape, type});
  graph.outputs.push_back({"y", "", FeatureKind::tensor, y, shape, type});
  return graph;
}

Graph with(Graph graph, const mlq::test::TemporaryFolder& folder, const std::string& interface) {
  const auto file =
      folder.write("m.mlq.yaml", "schema: 1\nmodel: { file: a.onnx }\ninterface:\n" + interface);
  return with_interface(std::move(graph), parse_manifest(file));
}
Graph with_input(const Graph& graph, const std::string& section) {
  const mlq::test::TemporaryFolder folder;
  return with(graph, folder, "  inputs: { x: { as: image, " + section + " } }\n");
}

// "line:column code" of the error.
std::string refusal(const Graph& graph, const std::string& interface) {
  const mlq::test::TemporaryFolder folder;
  folder.write("two.txt", "a\nb\n");
  try {
    with(graph, folder, interface);
    return "";
  } catch (const Error& error) {
    EXPECT_EQ(error.exit(), Exit::usage);
    const Place& where = error.diagnostic().where;
    return std::to_string(where.line) + ":" + std::to_string(where.column) + " " + error.diagnostic().code;
  }
}

std::vector<float> run(const Graph& graph, std::vector<float> pixels) {
  const mlq::Model model = load_graph(graph, 1);
  const std::vector<mlq::View> views = {{mlq::DataType::float32, graph.inputs[0].shape, pixels.data()}};
  const auto results = model.predict(views);
  EXPECT_TRUE(results.ok()) << results.error();
  std::vector<float> values(results->at(0).bytes.size() / sizeof(float));
  std::memcpy(values.data(), results->at(0).bytes.data(), results->at(0).bytes.size());
  return values;
}

TEST(Interface, ScaleThenBiasAreThoseOfRedGreenAndBlueWhateverTheOrder) {
  const Graph rgb = with_input(identity({1, 3, 1, 2}), "scale: [2, 3, 4], bias: [-1, -2, -3]");
  EXPECT_EQ(rgb.inputs[0].color, Color::rgb);
  EXPECT_EQ(run(rgb, {10, 0, 20, 0, 30, 0}), (std::vector<float>{19, -1, 58, -2, 117, -3}));
  const Graph bgr = with_input(identity({1, 3, 1, 2}), "color: bgr, scale: [2, 3, 4], bias: [-1, -2, -3]");
  EXPECT_EQ(bgr.inputs[0].color, Color::bgr);
  EXPECT_EQ(run(bgr, {30, 0, 20, 0, 10, 0}), (std::vector<float>{117, -3, 58, -2, 19, -1}));
}

TEST(Interface, ChannelsLastAndShapesWithoutBatchKeepThePixelsPlace) {
  const std::vector<float> planes = {0, 1, 2, 3, 4, 5}, pixels = {0, 2, 4, 1, 3, 5};
  for (const mlq::Shape& shape : {mlq::Shape{1, 1, 2, 3}, mlq::Shape{1, 2, 3}}) {
    const Graph graph = with_input(identity(shape), "layout: nhwc");
    EXPECT_EQ(graph.inputs[0].shape, (mlq::Shape{1, 3, 1, 2}));
    EXPECT_EQ(run(graph, planes), pixels);
  }
  EXPECT_EQ(run(with_input(identity({2, 3}), "scale: 0.5"), planes),
            (std::vector<float>{0, .5f, 1, 1.5f, 2, 2.5f}));
}

TEST(Interface, NothingToDoIsNoArithmetic) {
  const Graph graph = with_input(identity({1, 1, 2, 2}), "scale: 1, bias: 0");
  for (const mlq::Node& node : graph.nodes) EXPECT_EQ(node.op, "Identity");
  EXPECT_EQ(graph.inputs[0].kind, FeatureKind::image);
  EXPECT_EQ(graph.inputs[0].color, Color::gray);
}

TEST(Interface, LabelsMakeScoresAndTheBestOfThem) {
  const mlq::test::TemporaryFolder folder;
  folder.write("two.txt", "cat\r\ndog, a\n");
  const Graph graph =
      with(identity({1, 2, 1, 1}), folder, "  outputs: { y: { labels: two.txt, softmax: true } }\n");
  EXPECT_EQ(graph.labels, (std::vector<std::string>{"cat", "dog, a"}));
  ASSERT_EQ(graph.outputs.size(), 2u);
  EXPECT_EQ(graph.outputs[0].kind, FeatureKind::scores);
  EXPECT_EQ(graph.outputs[0].shape, mlq::Shape{2});
  EXPECT_EQ(graph.outputs[1].name, "classLabel");
  EXPECT_EQ(graph.outputs[1].kind, FeatureKind::label);
  const std::vector<float> scores = run(graph, {0, std::log(3.0f)});
  EXPECT_NEAR(scores[0], 0.25, 1e-6);
  EXPECT_NEAR(scores[1], 0.75, 1e-6);
}

TEST(Interface, MistakesPointAtTheirPlace) {
  const Graph colors = identity({1, 3, 4, 4}), gray = identity({1, 1, 4, 4});
  EXPECT_EQ(refusal(colors, "  inputs:\n    z: { as: image }\n"), "5:5 MLQ162");
  EXPECT_EQ(refusal(colors, "  inputs:\n    x: { as: image, layout: nhwc }\n"), "5:29 MLQ167");
  EXPECT_EQ(refusal(colors, "  inputs:\n    x: { as: image, color: gray }\n"), "5:28 MLQ167");
  EXPECT_EQ(refusal(gray, "  inputs:\n    x: { as: image, color: bgr }\n"), "5:28 MLQ167");
  EXPECT_EQ(refusal(identity({1, 3, 4, 3}), "  inputs:\n    x: { as: image }\n"), "5:14 MLQ167");
  EXPECT_EQ(refusal(identity({1, 5, 4, 4}), "  inputs:\n    x: { as: image }\n"), "5:14 MLQ167");
  EXPECT_EQ(refusal(identity({7}), "  inputs:\n    x: { as: image }\n"), "5:14 MLQ167");
  EXPECT_EQ(refusal(identity({1, 1, 4, 4}, mlq::DataType::boolean), "  inputs:\n    x: { as: image }\n"),
            "5:14 MLQ167");
  EXPECT_EQ(refusal(colors, "  inputs:\n    x: { color: bgr }\n"), "5:17 MLQ109");
  EXPECT_EQ(refusal(gray, "  inputs:\n    x: { as: image, color: gray, bias: [1, 2, 3] }\n"), "5:40 MLQ109");
  EXPECT_EQ(refusal(colors, "  inputs:\n    x: { as: image, bias: [1, 2] }\n"), "5:27 MLQ103");
  EXPECT_EQ(refusal(colors, "  outputs:\n    y: { labels: two.txt }\n"), "5:18 MLQ168");
  EXPECT_EQ(refusal(colors, "  outputs:\n    y: { labels: none.txt }\n"), "5:18 MLQ168");
  EXPECT_EQ(refusal(colors, "  outputs:\n    q: { softmax: true }\n"), "5:5 MLQ162");
}

// Core ML's file is for pictures of 227 pixels, ONNX's for those of 224, at which no window of either's
// pooling hangs over the edge: there they treat it alike.
Graph squeezenet_of_224() {
  Graph graph =
      import_graph(read_source(mlq::test::shared_folder() / "models/coreml/SqueezeNetFP16.mlmodel"));
  graph.inputs[0].shape = {1, 3, 224, 224};
  graph.tensors[static_cast<std::size_t>(graph.inputs[0].tensor)].shape = graph.inputs[0].shape;
  EXPECT_TRUE(mlq::infer_shapes(graph).ok());
  return graph;
}

// Core ML's file says how its pixels are prepared; the same words in a manifest for its twin.
TEST(Interface, SqueezeNetOfOnnxIsSqueezeNetOfCoreMl) {
  MLQ_NEEDS_SHARED();
  const auto models = mlq::test::shared_folder() / "models";
  const Graph coreml = squeezenet_of_224();
  const mlq::test::TemporaryFolder folder;
  std::string labels;
  for (const std::string& label : coreml.labels) labels += label + "\n";
  folder.write("labels.txt", labels);
  const Graph onnx = with(import_graph(read_source(models / "onnx/SqueezeNet_fp16.onnx")), folder,
                          "  inputs: { data_0: { as: image, color: bgr, bias: [123, 117, 104] } }\n"
                          "  outputs: { softmaxout_1: { labels: labels.txt } }\n");
  EXPECT_EQ(onnx.labels, coreml.labels);
  EXPECT_EQ(onnx.inputs[0].color, coreml.inputs[0].color);
  EXPECT_EQ(onnx.outputs.size(), coreml.outputs.size());

  SamplesSection section;
  section.images = At<std::filesystem::path>{mlq::test::shared_folder() / "samples/clothing", {}};
  section.limit = At<int>{8, {}};
  const Samples samples = find_samples(section, coreml);
  const mlq::Model ours = load_graph(onnx, 1), theirs = load_graph(coreml, 1);
  double largest = 0;
  for (std::size_t i = 0; i < samples.items.size(); ++i) {
    std::vector<std::vector<float>> scores;
    for (const auto& [graph, model] : {std::pair(&onnx, &ours), std::pair(&coreml, &theirs)}) {
      const auto inputs = load_sample(samples, i, *graph);
      ASSERT_TRUE(inputs.ok());
      const std::vector<mlq::View> views = {inputs->at(0).view()};
      const auto results = model->predict(views);
      ASSERT_TRUE(results.ok());
      const auto at =
          std::ranges::find(graph->outputs, FeatureKind::scores, &Feature::kind) - graph->outputs.begin();
      const mlq::Array& array = results->at(static_cast<std::size_t>(at));
      scores.emplace_back(array.bytes.size() / sizeof(float));
      std::memcpy(scores.back().data(), array.bytes.data(), array.bytes.size());
    }
    ASSERT_EQ(scores[0].size(), 1000u);
    ASSERT_EQ(scores[1].size(), 1000u);
    EXPECT_GT(*std::ranges::max_element(scores[1]), 0.01f);
    for (std::size_t k = 0; k < 1000; ++k)
      largest = std::max(largest, std::abs(double{scores[0][k]} - double{scores[1][k]}));
  }
  std::cout << "over " << samples.items.size() << " photographs, probabilities differ by at most " << largest
            << "\n";
  EXPECT_GT(samples.items.size(), 0u);
  EXPECT_LE(largest, 1e-4);
}

}  // namespace
}  // namespace mlqc
