// The same trained network in two formats gives the same answers.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <numeric>
#include <random>
#include <set>

#include "compiler/frontends/frontend.h"
#include "compiler/graph/rewrite.h"
#include "mlq/model.h"
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

// A coloured disc before a coloured ground with a little noise, 0..255, as [1, H, W, C]; another for each
// seed.
std::vector<float> picture(std::int64_t height, std::int64_t width, std::int64_t channels,
                           std::uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<float> ground, disc, values;
  for (std::int64_t c = 0; c < channels; ++c) {
    ground.push_back(static_cast<float>(random() % 240));
    disc.push_back(static_cast<float>(random() % 240));
  }
  const std::int64_t top = random() % height, left = random() % width, radius = 2 + random() % (height / 2);
  for (std::int64_t y = 0; y < height; ++y)
    for (std::int64_t x = 0; x < width; ++x) {
      const bool inside = (y - top) * (y - top) + (x - left) * (x - left) < radius * radius;
      for (std::size_t c = 0; c < ground.size(); ++c)
        values.push_back((inside ? disc : ground)[c] + static_cast<float>(random() % 15));
    }
  return values;
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
  return difference / largest;
}

std::size_t transposes(const mlq::Graph& graph) {
  return static_cast<std::size_t>(std::count_if(
      graph.nodes.begin(), graph.nodes.end(), [](const mlq::Node& node) { return node.op == "Transpose"; }));
}

std::size_t top(const std::vector<float>& scores) {
  return static_cast<std::size_t>(std::max_element(scores.begin(), scores.end()) - scores.begin());
}

TEST(Twins, PoseHourglassInCoreMlAndTfLite) {
  MLQ_NEEDS_SHARED();
  const mlq::Model coreml = load("coreml/pose_hourglass.mlmodel", true);
  const std::vector<float> pixels = picture(192, 192, 3, 1);
  const bool turned = coreml.graph().inputs.at(0).color == mlq::Color::bgr;
  const std::vector<float> expected = run(coreml, channels_first(pixels, 3, turned));
  for (const bool rewritten : {false, true}) {
    const mlq::Model tflite = load("tflite/pose_hourglass.tflite", rewritten);
    const double difference = apart(expected, channels_first(run(tflite, pixels), 14, false));
    std::cout << "pose_hourglass.tflite: " << difference << "\n";
    EXPECT_LT(difference, 1e-4);
  }
}

TEST(Twins, CustomVisionInTfLiteGivesScores) {
  MLQ_NEEDS_SHARED();
  const std::vector<float> pixels = picture(227, 227, 3, 2);
  const auto plain = run(load("tflite/CustomVision_android.tflite", false), pixels);
  EXPECT_LT(apart(plain, run(load("tflite/CustomVision_android.tflite", true), pixels)), 1e-4);
}

TEST(Twins, QuantizedResNetAgreesWithFloat) {
  MLQ_NEEDS_SHARED();
  const mlq::Model real = load("tflite/mlperf_tiny_resnet8_float.tflite", true),
                   quantized = load("tflite/mlperf_tiny_resnet8_quant.tflite", true);
  int same = 0;
  std::set<std::size_t> classes;
  constexpr int pictures = 200;
  for (std::uint32_t seed = 0; seed < pictures; ++seed) {
    const std::vector<float> pixels = picture(32, 32, 3, seed * 7919);
    const std::size_t named = top(run(real, pixels));
    classes.insert(named);
    same += named == top(run(quantized, pixels));
  }
  std::cout << same << " of " << pictures << " pictures of " << classes.size() << " classes\n";
  EXPECT_GE(classes.size(), 3u);
  EXPECT_GE(same * 100, pictures * 95);
}

TEST(Twins, QuantizedMobileNetSaysWhatItSees) {
  MLQ_NEEDS_SHARED();
  const mlq::Model model = load("tflite/mobilenet_v1_0.25_224_quant.tflite", true);
  const mlq::Feature& input = model.graph().inputs.at(0);
  EXPECT_EQ(input.kind, mlq::FeatureKind::image);
  EXPECT_EQ(input.shape, (Shape{1, 3, 224, 224}));
  EXPECT_EQ(model.graph().outputs.at(0).kind, mlq::FeatureKind::scores);
  EXPECT_EQ(model.graph().labels.size(), 1001u);
  const auto scores = run(model, channels_first(picture(224, 224, 3, 3), 3, false));
  EXPECT_NEAR(std::accumulate(scores.begin(), scores.end(), 0.0), 1, 1e-3);
}

// The layout of the source costs nothing in the artifact.
TEST(Twins, FewTranspositionsStay) {
  MLQ_NEEDS_SHARED();
  for (const char* name : {"pose_hourglass", "CustomVision_android", "mlperf_tiny_resnet8_float",
                           "mobilenet_v1_0.25_224_float", "mobilenet_v1_0.25_224_quant"}) {
    const mlq::Graph graph = import_graph(
        read_source(mlq::test::shared_folder() / "models/tflite" / (std::string(name) + ".tflite")));
    const mlq::Graph simple = simplify(graph);
    std::cout << name << ": " << transposes(graph) << ", simplified " << transposes(simple)
              << ", for the runtime " << transposes(prepare_for_runtime(simple)) << "\n";
    EXPECT_LE(transposes(simple), 2u) << name;
    EXPECT_LE(transposes(prepare_for_runtime(simple)), 1u) << name;
  }
}

}  // namespace
}  // namespace mlqc
