// The same trained network in two formats gives the same answers.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <numeric>
#include <set>

#include "compiler/frontends/frontend.h"
#include "compiler/graph/rewrite.h"
#include "mlq/model.h"
#include "tests/frontends/shared_pictures.h"
#include "tests/support/files.h"

namespace mlqc {
namespace {

using mlq::Shape;

mlq::Model load(const std::string& name, bool rewritten) {
  const mlq::Graph graph = import_graph(read_source(mlq::test::shared_folder() / "models" / name));
  auto model = mlq::Model::from_graph(rewritten ? prepare_for_runtime(simplify(graph)) : graph);
  if (!model) throw std::runtime_error(name + ": " + model.error());
  return *model;
}

// With the channels in front, or the colours turned around.
std::vector<float> channels_first(const std::vector<float>& nhwc, std::int64_t channels, bool turned) {
  const std::size_t plane = nhwc.size() / static_cast<std::size_t>(channels);
  std::vector<float> result(nhwc.size());
  for (std::size_t i = 0; i < nhwc.size(); ++i) {
    const std::size_t c = i % static_cast<std::size_t>(channels);
    const std::size_t to = turned ? static_cast<std::size_t>(channels) - 1 - c : c;
    result[to * plane + i / static_cast<std::size_t>(channels)] = nhwc[i];
  }
  return result;
}

std::vector<float> run(const mlq::Model& model, const std::vector<float>& values, std::size_t output = 0) {
  const mlq::View view{mlq::DataType::float32, model.graph().inputs.at(0).shape, values.data()};
  auto outputs = model.predict({&view, 1});
  if (!outputs) throw std::runtime_error(outputs.error());
  const auto floats = outputs->at(output).floats();
  return {floats.begin(), floats.end()};
}

// The largest difference, relative to the largest number.
double apart(const std::vector<float>& a, const std::vector<float>& b) {
  if (a.size() != b.size()) throw std::runtime_error("the outputs differ in size");
  double difference = 0, largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference = std::max<double>(difference, std::abs(a[i] - b[i]));
    largest = std::max<double>(largest, std::abs(a[i]));
  }
  if (!(largest > 0) || !std::isfinite(difference)) throw std::runtime_error("an output says nothing");
  return difference / largest;
}

std::size_t transposes(const mlq::Graph& graph) {
  return static_cast<std::size_t>(std::count_if(
      graph.nodes.begin(), graph.nodes.end(), [](const mlq::Node& node) { return node.op == "Transpose"; }));
}

std::size_t top(const std::vector<float>& scores) {
  return static_cast<std::size_t>(std::max_element(scores.begin(), scores.end()) - scores.begin());
}

// Of a network that reads [1, H, W, 3] and its twin that reads a picture, on some photographs.
double farthest(const mlq::Model& picture_reader, const mlq::Model& array_reader, bool channels_last_result,
                std::size_t step) {
  const Shape& shape = picture_reader.graph().inputs.at(0).shape;
  const bool turned = picture_reader.graph().inputs.at(0).color == mlq::Color::bgr;
  double worst = 0;
  for (const auto& pixels : test::pictures("flowers", mlq::Color::rgb, static_cast<int>(shape.at(2)),
                                           static_cast<int>(shape.at(3)), step)) {
    std::vector<float> result = run(array_reader, pixels);
    const Shape& made = array_reader.graph().outputs.at(0).shape;
    if (channels_last_result) result = channels_first(result, made.back(), false);
    worst = std::max(worst, apart(run(picture_reader, channels_first(pixels, 3, turned)), result));
  }
  return worst;
}

TEST(Twins, PoseHourglassInThreeFormats) {
  MLQ_NEEDS_SHARED();
  const mlq::Model coreml = load("coreml/pose_hourglass.mlmodel", true);
  for (const char* name : {"tflite/pose_hourglass.tflite", "tensorflow/pose_hourglass.pb"})
    for (const bool rewritten : {false, true}) {
      const double difference = farthest(coreml, load(name, rewritten), true, 25);
      std::cout << name << (rewritten ? ", rewritten: " : ": ") << difference << "\n";
      EXPECT_LT(difference, 1e-4);
    }
}

// The Core ML file adds the negated means itself; the two others leave that to the app.
std::vector<float> negated_means(const mlq::Graph& graph) {
  const mlq::Node& first = graph.nodes.at(0);
  EXPECT_EQ(first.op, "Add");
  std::vector<float> means(3);
  EXPECT_TRUE(mlq::dequantize(graph.tensors.at(static_cast<std::size_t>(first.inputs.at(1))), means).ok());
  return means;
}

// The network up to its 512 features. The last layers of the exports were trained apart: their weights
// correlate by 0.93, all weights before them are the same.
mlq::Model features(const std::string& name) {
  mlq::Graph graph = import_graph(read_source(mlq::test::shared_folder() / "models" / name));
  mlq::TensorId pooled = mlq::no_tensor;
  for (const mlq::Node& node : graph.nodes)
    if (node.name == "pool10") pooled = node.outputs.at(0);
  mlq::Feature feature = graph.outputs.at(0);
  feature.kind = mlq::FeatureKind::tensor;
  feature.tensor = pooled;
  feature.shape = graph.tensors.at(static_cast<std::size_t>(pooled)).shape;
  graph.outputs = {feature};
  auto model = mlq::Model::from_graph(prepare_for_runtime(simplify(graph)));
  if (!model) throw std::runtime_error(name + ": " + model.error());
  return *model;
}

TEST(Twins, CustomVisionInThreeFormats) {
  MLQ_NEEDS_SHARED();
  const std::string pb = "tensorflow/CustomVision_android/model.pb",
                    lite = "tflite/CustomVision_android.tflite";
  const mlq::Model coreml = features("coreml/CustomVisionFruit.mlmodel");
  ASSERT_EQ(coreml.graph().inputs.at(0).color, mlq::Color::bgr);
  const std::vector<float> bias = negated_means(
      import_graph(read_source(mlq::test::shared_folder() / "models/coreml/CustomVisionFruit.mlmodel")));
  double features_apart = 0, scores_apart = 0;
  const auto photographs = test::pictures("flowers", mlq::Color::bgr, 227, 227, 10);
  for (const auto& bgr : photographs) {
    std::vector<float> moved = bgr;
    for (std::size_t i = 0; i < moved.size(); ++i) moved[i] += bias[i % 3];
    const std::vector<float> expected = run(coreml, channels_first(bgr, 3, false));
    for (const std::string& name : {pb, lite})
      features_apart = std::max(features_apart, apart(expected, run(features(name), moved)));
    for (const bool rewritten : {false, true})
      scores_apart =
          std::max(scores_apart, apart(run(load(lite, rewritten), moved), run(load(pb, rewritten), moved)));
  }
  EXPECT_EQ(photographs.size(), 10u);
  std::cout << "CustomVision: features of .pb and .tflite against .mlmodel " << features_apart
            << ", scores of .pb against .tflite " << scores_apart << "\n";
  EXPECT_LT(features_apart, 1e-4);
  EXPECT_LT(scores_apart, 1e-4);
}

TEST(Twins, QuantizedResNetAgreesWithFloat) {
  MLQ_NEEDS_SHARED();
  const mlq::Model real = load("tflite/mlperf_tiny_resnet8_float.tflite", true),
                   quantized = load("tflite/mlperf_tiny_resnet8_quant.tflite", true);
  std::size_t same = 0, count = 0;
  std::set<std::size_t> classes;
  for (const char* folder : {"flowers", "clothing"})
    for (const auto& pixels : test::pictures(folder, mlq::Color::rgb, 32, 32, 1)) {
      const std::size_t named = top(run(real, pixels));
      classes.insert(named);
      same += named == top(run(quantized, pixels));
      ++count;
    }
  std::cout << same << " of " << count << " pictures of " << classes.size() << " classes\n";
  EXPECT_GE(classes.size(), 3u);
  EXPECT_GE(count, 250u);
  EXPECT_GE(same * 100, count * 95);
}

TEST(Twins, QuantizedMobileNetSaysWhatItSees) {
  MLQ_NEEDS_SHARED();
  const mlq::Model model = load("tflite/mobilenet_v1_0.25_224_quant.tflite", true);
  const mlq::Feature& input = model.graph().inputs.at(0);
  EXPECT_EQ(input.kind, mlq::FeatureKind::image);
  EXPECT_EQ(input.shape, (Shape{1, 3, 224, 224}));
  EXPECT_EQ(model.graph().outputs.at(0).kind, mlq::FeatureKind::scores);
  EXPECT_EQ(model.graph().labels.size(), 1001u);
  const auto scores =
      run(model, channels_first(test::pictures("flowers", mlq::Color::rgb, 224, 224, 100).at(0), 3, false));
  EXPECT_NEAR(std::accumulate(scores.begin(), scores.end(), 0.0), 1, 1e-3);
}

// The layout of the source costs nothing in the artifact.
TEST(Twins, FewTranspositionsStay) {
  MLQ_NEEDS_SHARED();
  for (const char* name :
       {"tflite/pose_hourglass.tflite", "tflite/CustomVision_android.tflite",
        "tflite/mlperf_tiny_resnet8_float.tflite", "tflite/mobilenet_v1_0.25_224_float.tflite",
        "tflite/mobilenet_v1_0.25_224_quant.tflite", "tensorflow/pose_hourglass.pb",
        "tensorflow/CustomVision_android/model.pb"}) {
    const mlq::Graph graph = import_graph(read_source(mlq::test::shared_folder() / "models" / name));
    const mlq::Graph simple = simplify(graph);
    std::cout << name << ": " << transposes(graph) << ", simplified " << transposes(simple)
              << ", for the runtime " << transposes(prepare_for_runtime(simple)) << "\n";
    EXPECT_LE(transposes(simple), 2u) << name;
    EXPECT_LE(transposes(prepare_for_runtime(simple)), 1u) << name;
  }
}

}  // namespace
}  // namespace mlqc
