// Every shared TensorFlow and TensorFlow Lite file loads, runs and quantizes. The face detector, which takes
// four inputs, has its own test (tensorflow_control_test.cpp).
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <iostream>

#include "compiler/frontends/frontend.h"
#include "compiler/graph/rewrite.h"
#include "compiler/quantize/quantize.h"
#include "compiler/support/error.h"
#include "mlq/model.h"
#include "tests/support/files.h"

namespace mlqc {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> models() {
  std::vector<fs::path> files;
  for (const char* folder : {"tensorflow", "tflite"})
    for (const auto& entry : fs::recursive_directory_iterator(mlq::test::shared_folder() / "models" / folder))
      if ((entry.path().extension() == ".pb" && entry.path().filename() != "mtcnn.pb") ||
          entry.path().extension() == ".tflite")
        files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

// A slow wave, in pixels where the input is a picture or looks like one.
std::vector<float> some_input(const mlq::Feature& input) {
  std::vector<float> values(static_cast<std::size_t>(*mlq::element_count(input.shape)));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = std::sin(0.01f * static_cast<float>(i));
  if (input.shape.size() == 4)
    for (float& value : values) value = 127 + 120 * value;
  return values;
}

std::vector<float> run(const mlq::Graph& graph) {
  auto model = mlq::Model::from_graph(prepare_for_runtime(graph));
  if (!model) throw std::runtime_error(model.error());
  const std::vector<float> values = some_input(graph.inputs.at(0));
  const mlq::View view{mlq::DataType::float32, graph.inputs.at(0).shape, values.data()};
  auto outputs = model->predict({&view, 1});
  if (!outputs) throw std::runtime_error(outputs.error());
  return {outputs->at(0).floats().begin(), outputs->at(0).floats().end()};
}

// Signal to noise of what 8 bits make of the first output, in decibels.
double decibels(const std::vector<float>& real, const std::vector<float>& quantized) {
  double signal = 0, noise = 0;
  for (std::size_t i = 0; i < real.size(); ++i) {
    signal += static_cast<double>(real[i]) * real[i];
    noise += std::pow(static_cast<double>(real[i]) - quantized.at(i), 2);
  }
  return 10 * std::log10(signal / std::max(noise, 1e-30));
}

TEST(SharedModels, EachLoadsRunsAndQuantizesOrSaysWhyNot) {
  MLQ_NEEDS_SHARED();
  const std::vector<fs::path> files = models();
  ASSERT_GE(files.size(), 10u);
  const Manifest manifest = parse_manifest(
      "m.mlq.yaml", "schema: 1\nmodel: { file: m.pb }\nquantize: { algorithm: kmeans_lut, bits: 8 }\n");
  int ran = 0;
  for (const fs::path& file : files) {
    try {
      const mlq::Graph graph = simplify(import_graph(read_source(file)));
      const mlq::Graph small = quantize(graph, plan(graph, manifest));
      const std::vector<float> real = run(graph);
      for (const float value : real) EXPECT_TRUE(std::isfinite(value)) << file;
      std::cout << file.filename().string() << ": " << graph.nodes.size() << " nodes, 8 bits give "
                << decibels(real, run(small)) << " dB\n";
      EXPECT_GT(decibels(real, run(small)), 0) << file;
      ++ran;
    } catch (const Error& error) {
      ADD_FAILURE() << file << ": " << error.diagnostic().what;
    }
  }
  EXPECT_EQ(ran, static_cast<int>(files.size()));
}

}  // namespace
}  // namespace mlqc
