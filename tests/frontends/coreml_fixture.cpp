#include "tests/frontends/coreml_fixture.h"

#include <stdexcept>

#include "mlq/model.h"

namespace mlqc::test {

using namespace coreml;

Source source_of(const std::string& bytes) {
  const auto view = std::as_bytes(std::span(bytes));
  return {"test.mlmodel", mlq::copy_data(view), "", "coreml"};
}

Source source_of(const Model& model) { return source_of(model.SerializeAsString()); }

void set_floats(Weights& weights, const std::vector<float>& values) {
  weights.mutable_float_value()->Assign(values.begin(), values.end());
}

void add_array(google::protobuf::RepeatedPtrField<FeatureDescription>& features, const std::string& name,
               const std::vector<std::int64_t>& shape) {
  FeatureDescription& feature = *features.Add();
  feature.set_name(name);
  ArrayType& array = *feature.mutable_type()->mutable_multi_array_type();
  array.set_data_type(ArrayType::DOUBLE);
  array.mutable_shape()->Assign(shape.begin(), shape.end());
}

void add_image(google::protobuf::RepeatedPtrField<FeatureDescription>& features, const std::string& name,
               int width, int height, ImageType::ColorSpace color) {
  FeatureDescription& feature = *features.Add();
  feature.set_name(name);
  ImageType& image = *feature.mutable_type()->mutable_image_type();
  image.set_width(width);
  image.set_height(height);
  image.set_color_space(color);
}

NeuralNetworkLayer& add_layer(NeuralNetwork& network, const std::string& name, const std::string& input,
                              const std::string& output) {
  NeuralNetworkLayer& layer = *network.add_layers();
  layer.set_name(name);
  if (!input.empty()) layer.add_input(input);
  if (!output.empty()) layer.add_output(output);
  return layer;
}

namespace {

std::vector<float> wave(std::size_t count) {
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i) values[i] = static_cast<float>((i * 37 + 11) % 64) / 32.0f - 1.0f;
  return values;
}

void add_layers(NeuralNetwork& network) {
  Convolution& conv = *add_layer(network, "conv", "image", "conv").mutable_convolution();
  conv.set_output_channels(2);
  conv.set_kernel_channels(3);
  conv.mutable_valid();
  conv.set_with_bias(true);
  set_floats(*conv.mutable_weights(), wave(54));
  set_floats(*conv.mutable_bias(), {0.5f, -0.25f});
  add_layer(network, "relu", "conv", "relu").mutable_activation()->mutable_relu();
  Pooling& pool = *add_layer(network, "pool", "relu", "pool").mutable_pooling();
  pool.set_type(Pooling::AVERAGE);
  pool.set_global_pooling(true);
  InnerProduct& dense = *add_layer(network, "dense", "pool", "dense").mutable_inner_product();
  dense.set_input_channels(2);
  dense.set_output_channels(3);
  set_floats(*dense.mutable_weights(), wave(6));
  add_layer(network, "softmax", "dense", "scores").mutable_softmax();
}

}  // namespace

Model classifier() {
  Model model;
  model.set_specification_version(1);
  ModelDescription& description = *model.mutable_description();
  description.mutable_metadata()->set_author("somebody");
  description.set_predicted_feature_name("label");
  description.set_predicted_probabilities_name("probabilities");
  add_image(*description.mutable_input(), "image", 8, 6, ImageType::BGR);
  FeatureDescription& scores = *description.add_output();
  scores.set_name("probabilities");
  scores.mutable_type()->mutable_dictionary_type()->mutable_string_key_type();
  FeatureDescription& label = *description.add_output();
  label.set_name("label");
  label.mutable_type()->mutable_string_type();
  NeuralNetwork& network = *model.mutable_neural_network_classifier();
  add_layers(network);
  for (const char* name : {"cat", "dog", "owl"}) network.mutable_string_class_labels()->add_vector(name);
  return model;
}

std::vector<std::vector<float>> run(const Source& source, const std::vector<std::vector<float>>& inputs) {
  const mlq::Result<mlq::Model> model = mlq::Model::from_graph(import_graph(source));
  if (!model) throw std::runtime_error(model.error());
  std::vector<mlq::View> views;
  for (std::size_t i = 0; i < inputs.size(); ++i)
    views.push_back({mlq::DataType::float32, model->graph().inputs.at(i).shape, inputs[i].data()});
  const auto outputs = model->predict(views);
  if (!outputs) throw std::runtime_error(outputs.error());
  std::vector<std::vector<float>> values;
  for (const mlq::Array& output : *outputs)
    values.emplace_back(output.floats().begin(), output.floats().end());
  return values;
}

}  // namespace mlqc::test
