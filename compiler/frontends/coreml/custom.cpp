// Layers, and whole models, whose computation the user brings.
#include "compiler/frontends/coreml/custom.h"

#include "compiler/frontends/coreml/model.pb.h"
#include "compiler/frontends/custom.h"

namespace mlqc::coreml {

namespace {

using Layer = NeuralNetworkLayer;

mlq::Parameter to_parameter(const CustomParameter& value) {
  switch (value.value_case()) {
    case CustomParameter::kDoubleValue:
      return value.double_value();
    case CustomParameter::kIntValue:
      return std::int64_t{value.int_value()};
    case CustomParameter::kLongValue:
      return std::int64_t{value.long_value()};
    case CustomParameter::kBoolValue:
      return value.bool_value();
    default:
      return value.string_value();
  }
}

// The format gives weights of custom layers no shape. Of fewer than eight bits there may be some more than
// the writer meant: the last byte is filled.
std::int64_t count_of(const Build& b, const Weights& message) {
  const std::size_t place = message.place();
  if (place == 0 || place > b.weights.blobs.size()) b.fail("has weights that cannot be read");
  const Blob& blob = b.weights.blobs[place - 1];
  if (blob.scattered_floats)
    return static_cast<std::int64_t>(gather_floats(b.source.bytes.bytes, b.weights, blob).size());
  if (blob.int8.size) return static_cast<std::int64_t>(blob.int8.size);
  if (blob.halves.size) return static_cast<std::int64_t>(blob.halves.size / 2);
  const auto bits = static_cast<std::size_t>(blob.bits);
  if (blob.raw.size) return static_cast<std::int64_t>(bits ? blob.raw.size * 8 / bits : blob.raw.size);
  return static_cast<std::int64_t>(blob.floats.size / sizeof(float));
}

void lower_custom(Build& b, const Layer& layer, const char*) {
  const Custom& custom = layer.custom();
  Ids weights;
  for (const Weights& message : custom.weights())
    weights.push_back(b.weight(message, {1, count_of(b, message)}));
  CustomLayerText text{layer.name(), custom.class_name(), custom.description(), {}};
  for (const auto& [name, value] : custom.parameters()) text.parameters[name] = to_parameter(value);
  const CustomEntry* entry = find_class(b.source, custom.class_name());
  if (!entry) b.fail("is of a class that nobody brings");  // check_supported has looked
  mlq::Node node = custom_node(b.source, *entry, std::move(text), b.ins(), std::move(weights));
  const Ids results =
      append_custom(b.source, b.graph, std::move(node), static_cast<std::size_t>(b.outputs()));
  for (int i = 0; i < b.outputs(); ++i) b.out(results[static_cast<std::size_t>(i)], i);
}

NeuralNetwork network_of(const Build& b, const Model& model) {
  NeuralNetwork network;
  network.set_array_input_shape_mapping(NeuralNetwork::EXACT_ARRAY_MAPPING);
  network.set_image_input_shape_mapping(NeuralNetwork::RANK4_IMAGE_MAPPING);
  NeuralNetworkLayer& layer = *network.add_layers();
  // The message of a custom model is that of a custom layer without weights.
  if (!layer.mutable_custom()->ParseFromString(model.custom_model()) || layer.custom().class_name().empty())
    b.fail("cannot be read: its custom model is damaged or names no class");
  layer.mutable_custom()->clear_weights();
  layer.set_name(layer.custom().class_name());
  for (const FeatureDescription& input : model.description().input()) layer.add_input(input.name());
  for (const FeatureDescription& output : model.description().output()) layer.add_output(output.name());
  return network;
}

Pipeline* pipeline_in(Model& model) {
  switch (model.kind_case()) {
    case Model::kPipeline:
      return model.mutable_pipeline();
    case Model::kPipelineClassifier:
      return model.mutable_pipeline_classifier()->mutable_pipeline();
    case Model::kPipelineRegressor:
      return model.mutable_pipeline_regressor()->mutable_pipeline();
    default:
      return nullptr;
  }
}

constexpr Row rows[] = {{Layer::kCustom, lower_custom}};

}  // namespace

std::span<const Row> custom_rows() { return rows; }

void expand_custom_models(const Build& b, Model& model) {
  if (model.kind_case() == Model::kCustomModel) *model.mutable_neural_network() = network_of(b, model);
  Pipeline* pipeline = pipeline_in(model);
  for (int i = 0; pipeline && i < pipeline->models_size(); ++i)
    expand_custom_models(b, *pipeline->mutable_models(i));
}

}  // namespace mlqc::coreml
