// A Core ML model written from a graph of another format, read back by our own front end: the same numbers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <iostream>
#include <map>
#include <set>

#include "compiler/backends/backend.h"
#include "compiler/frontends/coreml/model.pb.h"
#include "compiler/frontends/frontend.h"
#include "compiler/graph/rewrite.h"
#include "compiler/manifest/manifest.h"
#include "compiler/quantize/quantize.h"
#include "compiler/support/bytes.h"
#include "compiler/support/error.h"
#include "mlq/custom_layer.h"
#include "mlq/model.h"
#include "tests/support/files.h"

namespace mlqc {
namespace {

namespace fs = std::filesystem;
using mlq::Graph;

Graph read_back(const std::vector<std::byte>& bytes) {
  return simplify(
      import_graph({"written.mlmodel", mlq::copy_data(std::span<const std::byte>(bytes)), "", "coreml"}));
}

// Numbers for every input, the same for the same graph; integers are small.
struct Values {
  std::vector<std::vector<float>> floats;
  std::vector<std::vector<std::int64_t>> integers;
  std::vector<std::vector<std::uint8_t>> bytes;
  std::vector<mlq::View> views;
};

Values values_for(const Graph& graph) {
  Values values;
  values.floats.resize(graph.inputs.size());
  values.integers.resize(graph.inputs.size());
  values.bytes.resize(graph.inputs.size());
  for (std::size_t i = 0; i < graph.inputs.size(); ++i) {
    const mlq::Feature& input = graph.inputs[i];
    const auto count = static_cast<std::size_t>(mlq::element_count(input.shape).value_or(0));
    const mlq::DataType type = graph.tensors[static_cast<std::size_t>(input.tensor)].type;
    mlq::View view{mlq::DataType::float32, input.shape, nullptr};
    for (std::size_t j = 0; j < count; ++j) {
      const double wave = std::sin(0.7 * static_cast<double>(j * (i + 1)) + 0.3);
      values.floats[i].push_back(
          static_cast<float>(input.kind == mlq::FeatureKind::image ? 127 + 127 * wave : wave));
      values.integers[i].push_back(static_cast<std::int64_t>(j % 3));
      values.bytes[i].push_back(static_cast<std::uint8_t>(j % 3 == 1));
    }
    view.data = values.floats[i].data();
    if (type == mlq::DataType::int64) view = {mlq::DataType::int64, input.shape, values.integers[i].data()};
    if (type == mlq::DataType::boolean) view = {mlq::DataType::boolean, input.shape, values.bytes[i].data()};
    values.views.push_back(view);
  }
  return values;
}

std::vector<double> numbers_of(const mlq::Array& array) {
  std::vector<double> numbers;
  const auto take = [&]<class T>(T) {
    for (std::size_t at = 0; at + sizeof(T) <= array.bytes.size(); at += sizeof(T)) {
      T value;
      std::memcpy(&value, array.bytes.data() + at, sizeof value);
      numbers.push_back(static_cast<double>(value));
    }
  };
  if (array.type == mlq::DataType::float32) take(float{});
  if (array.type == mlq::DataType::float16) {
    std::vector<float> values(array.bytes.size() / 2);
    const mlq::Data data{std::as_bytes(std::span(array.bytes)), nullptr, false};
    const mlq::Shape shape{static_cast<std::int64_t>(values.size())};
    EXPECT_TRUE(mlq::dequantize({"", array.type, shape, data, {}}, values).ok());
    numbers.assign(values.begin(), values.end());
  }
  if (array.type == mlq::DataType::float64) take(double{});
  if (array.type == mlq::DataType::int64) take(std::int64_t{});
  if (array.type == mlq::DataType::int32) take(std::int32_t{});
  if (array.type == mlq::DataType::int16) take(std::int16_t{});
  if (array.type == mlq::DataType::int8) take(std::int8_t{});
  if (array.type == mlq::DataType::uint8 || array.type == mlq::DataType::boolean) take(std::uint8_t{});
  if (array.type == mlq::DataType::uint16) take(std::uint16_t{});
  if (array.type == mlq::DataType::uint32) take(std::uint32_t{});
  return numbers;
}

using Outputs = std::map<std::string, std::vector<double>>;

// Core ML's numbers are floats: so are those given to a model that was read back.
Outputs run(const Graph& graph, const Values& values, bool all_floats) {
  auto model = mlq::Model::from_graph(prepare_for_runtime(graph));
  if (!model) throw std::runtime_error(model.error());
  std::vector<mlq::View> views;
  std::vector<std::vector<float>> converted(values.views.size());
  for (std::size_t i = 0; i < values.views.size(); ++i) {
    mlq::View view = values.views[i];
    if (all_floats && view.type != mlq::DataType::float32) {
      if (view.type == mlq::DataType::int64)
        converted[i].assign(values.integers[i].begin(), values.integers[i].end());
      else
        converted[i].assign(values.bytes[i].begin(), values.bytes[i].end());
      view = {mlq::DataType::float32, graph.inputs[i].shape, converted[i].data()};
    }
    view.shape = graph.inputs[i].shape;
    views.push_back(view);
  }
  auto outputs = model->predict(views);
  if (!outputs) throw std::runtime_error(outputs.error());
  Outputs all;
  for (std::size_t i = 0; i < outputs->size(); ++i) all[graph.outputs[i].name] = numbers_of((*outputs)[i]);
  return all;
}

double apart(const std::vector<double>& a, const std::vector<double>& b) {
  if (a.size() != b.size()) throw std::runtime_error("an output of another size");
  double difference = 0, largest = 1e-9;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i] == b[i] || (std::isnan(a[i]) && std::isnan(b[i]))) continue;
    if (!std::isfinite(a[i]) || !std::isfinite(b[i])) return INFINITY;
    difference = std::max(difference, std::abs(a[i] - b[i]));
    largest = std::max(largest, std::abs(a[i]));
  }
  return difference / largest;
}

// The largest difference of any output, relative to its largest number. A classifier that is written has a
// label that its source may not have.
double apart(const Outputs& expected, const Outputs& got) {
  double worst = 0;
  for (const auto& [name, values] : expected) {
    if (!got.count(name)) throw std::runtime_error("no output '" + name + "'");
    worst = std::max(worst, apart(values, got.at(name)));
  }
  return worst;
}

double round_trip(const Source& source, const Graph& graph) {
  const Graph back = read_back(find_backend("coreml")->write(source, graph));
  const Values values = values_for(graph);
  return apart(run(graph, values, false), run(back, values, true));
}

TEST(CoreMlWriter, SharedModelsOfEverySource) {
  MLQ_NEEDS_SHARED();
  for (const char* name :
       {"keras/mnistCNN_r4ghu.h5", "keras/mlperf_tiny_resnet8_cifar10.h5", "keras/drawing_circle_64_rgb.h5",
        "keras/fer2013_mini_XCEPTION.107-0.66.hdf5", "keras/mlperf_tiny_vww_mobilenet_96.h5",
        "tflite/mlperf_tiny_resnet8_float.tflite", "tflite/mobilenet_v1_0.25_224_quant.tflite",
        "tflite/pose_hourglass.tflite", "tensorflow/pose_hourglass.pb", "onnx/mnist_cnn_max2.onnx",
        "onnx/SqueezeNet_fp16.onnx"}) {
    const Source source = read_source(mlq::test::shared_folder() / "models" / name);
    const double difference = round_trip(source, simplify(import_graph(source)));
    std::cout << name << ": " << difference << "\n";
    EXPECT_LT(difference, std::string(name).find("fp16") == std::string::npos ? 1e-4 : 2e-3) << name;
  }
}

std::size_t quantized(const Graph& graph) {
  return static_cast<std::size_t>(
      std::count_if(graph.tensors.begin(), graph.tensors.end(),
                    [](const auto& tensor) { return tensor.quantization.has_value(); }));
}

// Keras keeps matrices the other way around: packed numbers are turned without being decoded.
TEST(CoreMlWriter, QuantizedWeightsStaySo) {
  MLQ_NEEDS_SHARED();
  const Source source = read_source(mlq::test::shared_folder() / "models/keras/mnistCNN_r4ghu.h5");
  const Graph reference = simplify(import_graph(source));
  for (const char* settings : {"{ algorithm: kmeans_lut, bits: 3 }", "{ algorithm: linear, bits: 5 }",
                               "{ algorithm: linear, bits: 4, granularity: per_channel }"}) {
    const Manifest manifest = parse_manifest(
        "x.mlq.yaml", std::string("schema: 1\nmodel: { file: x.h5 }\nquantize: ") + settings + "\n");
    const Graph candidate = quantize(reference, plan(reference, manifest));
    const std::vector<std::byte> bytes = find_backend("coreml")->write(source, candidate);
    const Graph back = read_back(bytes);
    EXPECT_EQ(quantized(back), 5u) << settings;
    EXPECT_EQ(quantized(candidate), 5u) << settings;
    const Values values = values_for(candidate);
    EXPECT_LT(apart(run(candidate, values, false), run(back, values, true)), 1e-6) << settings;
    EXPECT_LT(bytes.size(), source.bytes.bytes.size() / 5) << settings;
  }
}

// The format has a matrix for each gate: four of the input's and four of the state's, each with the scales of
// its rows.
TEST(CoreMlWriter, GatesOfAnLstmStayQuantized) {
  const Source source = read_source(mlq::test::data_folder() / "keras/lstm_sequence_states.h5");
  const Graph reference = simplify(import_graph(source));
  for (const char* settings : {"{ algorithm: kmeans_lut, bits: 3 }", "{ algorithm: linear, bits: 5 }",
                               "{ algorithm: linear, bits: 8, granularity: per_channel }"}) {
    const Manifest manifest = parse_manifest(
        "x.mlq.yaml", std::string("schema: 1\nmodel: { file: x.h5 }\nquantize: ") + settings + "\n");
    const Graph candidate = quantize(reference, plan(reference, manifest));
    EXPECT_EQ(quantized(candidate), 2u) << settings;
    const Graph back = read_back(find_backend("coreml")->write(source, candidate));
    EXPECT_EQ(quantized(back), 8u) << settings;
    const Values values = values_for(candidate);
    EXPECT_LT(apart(run(candidate, values, false), run(back, values, true)), 1e-6) << settings;
    EXPECT_GT(apart(run(reference, values, false), run(back, values, true)), 1e-6) << settings;
  }
}

// The talk's second demo: what a custom layer says of itself is in the file.
TEST(CoreMlWriter, CustomLayersKeepClassParametersAndWeights) {
  const mlq::Parameters parameters = {
      {"output_height", std::int64_t{28}}, {"scale", 0.5}, {"wrap", true}, {"mode", std::string("bilinear")}};
  Graph graph;
  const mlq::TensorId x = mlq::add_tensor(graph, {"x", mlq::DataType::float32, {1, 2, 4, 4}, {}, {}});
  const std::vector<float> numbers = {1, 2, 3};
  const mlq::TensorId weights = mlq::add_constant(graph, "warp/weights.0", {3}, numbers);
  const mlq::TensorId y = mlq::add_tensor(graph, {"y", mlq::DataType::float32, {1, 2, 4, 4}, {}, {}});
  graph.nodes.push_back(
      mlq::custom_node("warp", "GridSampler", parameters, "samples the input on a grid", {x}, {weights}));
  graph.nodes[0].outputs = {y};
  graph.inputs.push_back({"image", "", mlq::FeatureKind::tensor, x, {1, 2, 4, 4}});
  graph.outputs.push_back({"warped", "", mlq::FeatureKind::tensor, y, {1, 2, 4, 4}});
  const Source source{"net.h5", {}, "", "keras"};
  const std::vector<std::byte> bytes = find_backend("coreml")->write(source, graph);
  coreml::Model model;
  ASSERT_TRUE(model.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())));
  ASSERT_EQ(model.neural_network().layers_size(), 1);
  const coreml::NeuralNetworkLayer& layer = model.neural_network().layers(0);
  EXPECT_EQ(layer.input(0), "image");
  EXPECT_EQ(layer.output(0), "warped");
  const coreml::Custom& custom = layer.custom();
  EXPECT_EQ(custom.class_name(), "GridSampler");
  EXPECT_EQ(custom.description(), "samples the input on a grid");
  EXPECT_EQ(custom.parameters().at("output_height").int_value(), 28);
  EXPECT_EQ(custom.parameters().at("scale").double_value(), 0.5);
  EXPECT_TRUE(custom.parameters().at("wrap").bool_value());
  EXPECT_EQ(custom.parameters().at("mode").string_value(), "bilinear");
  ASSERT_EQ(custom.weights_size(), 1);
  EXPECT_EQ(custom.weights(0).float_value_size(), 3);
}

std::set<fs::path> onnx_cases() {
  std::set<fs::path> cases;
  for (const auto& entry : fs::recursive_directory_iterator(mlq::test::shared_folder() / "conformance/onnx"))
    if (entry.path().filename() == "model.onnx") cases.insert(entry.path());
  return cases;
}

// Whether the model computes in half floats, as its name says; a Core ML network does in floats.
bool half_precision(const std::string& name) {
  return std::ranges::any_of(std::array{"float16", "fp16", "softmax_precision"},
                             [&](const char* word) { return name.find(word) != std::string::npos; });
}

// Every small ONNX model that can be written at all means the same when it is read back.
TEST(CoreMlWriter, OnnxConformanceModels) {
  MLQ_NEEDS_SHARED();
  int written = 0, equal = 0, broken = 0;
  std::map<std::string, int> refusals;
  for (const fs::path& file : onnx_cases()) {
    Source source;
    Graph graph;
    Values values;
    Outputs expected;
    try {
      source = read_source(file);
      graph = simplify(import_graph(source));
      if (graph.nodes.empty() || std::any_of(graph.inputs.begin(), graph.inputs.end(), [](const auto& input) {
            return !mlq::element_count(input.shape) || input.shape.empty();
          }))
        continue;
      values = values_for(graph);
      expected = run(graph, values, false);
    } catch (const std::exception&) {
      continue;  // not what is tested here
    }
    std::vector<std::byte> bytes;
    try {
      bytes = find_backend("coreml")->write(source, graph);
    } catch (const Error& error) {
      ++refusals[error.diagnostic().what];
      continue;
    }
    ++written;
    const std::string name = file.parent_path().filename().string();
    try {
      const double difference = apart(expected, run(read_back(bytes), values, true));
      const double allowed = half_precision(name) ? 1e-3 : 1e-4;
      equal += difference < allowed;
      if (difference >= allowed) std::cout << name << ": " << difference << "\n";
    } catch (const std::exception& error) {
      ++broken;
      std::cout << name << ": " << error.what() << "\n";
    }
  }
  std::cout << written << " models written, " << equal << " equal, " << broken << " not read back\n";
  if (std::getenv("MLQ_VERBOSE"))
    for (const auto& [what, count] : refusals) std::cout << count << " " << what << "\n";
  EXPECT_GE(written, 750);
  EXPECT_EQ(equal, written);
}

}  // namespace
}  // namespace mlqc
