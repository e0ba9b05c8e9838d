// Keras networks with layers that Keras does not have: the spatial transformer of the examples, against the
// same trained network in Core ML's form, and what is written of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <set>

#include "compiler/backends/backend.h"
#include "compiler/frontends/coreml/model.pb.h"
#include "compiler/frontends/frontend.h"
#include "compiler/graph/rewrite.h"
#include "compiler/support/bytes.h"
#include "compiler/support/error.h"
#include "compiler/validate/image_file.h"
#include "examples/keras_transformer/bilinear_interpolation.h"
#include "examples/spatial_transformer/grid_sampler.h"
#include "mlq/model.h"
#include "tests/support/files.h"

namespace mlqc {
namespace {

namespace fs = std::filesystem;

fs::path examples() { return mlq::test::data_folder().parent_path().parent_path() / "examples"; }

const mlq::Parameters parameters = {{"output_height", std::int64_t{28}}, {"output_width", std::int64_t{28}}};
constexpr const char* description = "reads the picture at the points of a grid";

template <class T>
CustomEntry entry(const char* name) {
  return {name,        "",    parameters,
          description, false, std::make_shared<const mlq::CustomClass>(mlq::custom_class<T>(name))};
}

Source keras_source() {
  Source source = read_source(examples() / "keras_transformer/transformer.h5");
  source.custom_layers = {entry<app::BilinearInterpolation>("BilinearInterpolation")};
  return source;
}

mlq::Model open(const mlq::Graph& graph) {
  auto model = mlq::Model::from_graph(prepare_for_runtime(simplify(graph)));
  if (!model) throw std::runtime_error(model.error());
  return *model;
}

// The chances of the digits: the network's first output of ten numbers.
std::vector<float> run(const mlq::Model& model, const std::vector<float>& pixels) {
  const mlq::View view{mlq::DataType::float32, model.graph().inputs.at(0).shape, pixels.data()};
  auto outputs = model.predict({&view, 1});
  if (!outputs) throw std::runtime_error(outputs.error());
  for (const mlq::Array& output : *outputs)
    if (output.type == mlq::DataType::float32 && output.floats().size() == 10)
      return {output.floats().begin(), output.floats().end()};
  throw std::runtime_error("no output of ten numbers");
}

// The example's samples, 40 x 40 numbers of 0 to 255.
std::vector<std::vector<float>> pictures() {
  std::set<fs::path> files;
  for (const auto& file : fs::recursive_directory_iterator(examples() / "spatial_transformer/samples"))
    if (file.is_regular_file()) files.insert(file.path());
  std::vector<std::vector<float>> result;
  for (const fs::path& file : files) {
    const auto image = read_image(map_file(file).bytes);
    const auto array = mlq::to_tensor(image->view(), mlq::Color::gray, 40, 40);
    result.emplace_back(array->floats().begin(), array->floats().end());
  }
  return result;
}

std::vector<float> scaled(std::vector<float> pixels) {
  for (float& value : pixels) value /= 255;  // what the Core ML file says itself
  return pixels;
}

double apart(const std::vector<float>& a, const std::vector<float>& b) {
  double worst = 0;
  for (std::size_t i = 0; i < a.size(); ++i) worst = std::max<double>(worst, std::abs(a[i] - b[i]));
  return worst;
}

// The Core ML file has its grid as a matrix, channels first; the Keras file six numbers and channels last.
TEST(KerasCustomLayers, TheTransformerIsItsCoreMlTwin) {
  Source twin = read_source(examples() / "spatial_transformer/transformer.mlmodel");
  twin.custom_layers = {entry<app::GridSampler>("GridSampler")};
  const mlq::Model theirs = open(import_graph(twin)), ours = open(import_graph(keras_source()));
  double worst = 0;
  const auto all = pictures();
  for (const auto& pixels : all)
    worst = std::max(worst, apart(run(theirs, pixels), run(ours, scaled(pixels))));
  std::cout << "transformer.h5 and transformer.mlmodel: " << worst << " on " << all.size() << " pictures\n";
  EXPECT_EQ(all.size(), 200u);
  EXPECT_LT(worst, 1e-4);
}

const coreml::NeuralNetworkLayer* custom_layer_of(const coreml::NeuralNetwork& network) {
  const auto found = std::find_if(network.layers().begin(), network.layers().end(),
                                  [](const auto& layer) { return layer.has_custom(); });
  return found == network.layers().end() ? nullptr : &*found;
}

// Keras in, Core ML out: class, description and parameters are in the file, and the file means the same.
TEST(KerasCustomLayers, TheTransformerIsWrittenAsCoreMl) {
  const Source source = keras_source();
  const mlq::Graph graph = simplify(import_graph(source));
  const std::vector<std::byte> bytes = find_backend("coreml")->write(source, graph);
  coreml::Model model;
  ASSERT_TRUE(model.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())));
  const coreml::NeuralNetworkLayer* layer = custom_layer_of(model.neural_network());
  ASSERT_TRUE(layer);
  EXPECT_EQ(layer->name(), "look");
  EXPECT_EQ(layer->input_size(), 2);
  EXPECT_EQ(layer->custom().class_name(), "BilinearInterpolation");
  EXPECT_EQ(layer->custom().description(), description);
  EXPECT_EQ(layer->custom().parameters().at("output_height").int_value(), 28);
  EXPECT_EQ(layer->custom().parameters().at("output_width").int_value(), 28);
  EXPECT_EQ(layer->custom().parameters().size(), 2u);

  Source written{"written.mlmodel", mlq::copy_data(std::span<const std::byte>(bytes)), "", "coreml"};
  written.custom_layers = source.custom_layers;
  const mlq::Model before = open(graph), after = open(import_graph(written));
  double worst = 0;
  for (const auto& pixels : pictures())
    worst = std::max(worst, apart(run(before, scaled(pixels)), run(after, scaled(pixels))));
  std::cout << "transformer.h5 and what is written of it: " << worst << "\n";
  EXPECT_LT(worst, 1e-6);
}

TEST(KerasCustomLayers, WithoutCodeTheClassIsNamed) {
  try {
    import_graph(read_source(examples() / "keras_transformer/transformer.h5"));
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.diagnostic().code, "MLQ311");
    EXPECT_THAT(error.diagnostic().what,
                testing::HasSubstr("layer 'look' of class BilinearInterpolation is not supported"));
    EXPECT_THAT(error.diagnostic().hint,
                testing::HasSubstr("custom_layers: - { class: BilinearInterpolation"));
  }
}

}  // namespace
}  // namespace mlqc
