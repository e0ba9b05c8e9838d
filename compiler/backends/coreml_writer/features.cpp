// What the model's users see: arrays and images in, arrays, images, scores and a label out.
#include <algorithm>

#include "compiler/backends/coreml_writer/writer.h"
#include "compiler/frontends/coreml/model.pb.h"

namespace mlqc::coreml_writer {

using mlq::Feature;
using mlq::FeatureKind;

namespace {

void describe_image(const Feature& feature, coreml::ImageType& image) {
  image.set_height(feature.shape.at(2));
  image.set_width(feature.shape.at(3));
  image.set_color_space(feature.color == mlq::Color::gray  ? coreml::ImageType::GRAYSCALE
                        : feature.color == mlq::Color::rgb ? coreml::ImageType::RGB
                                                           : coreml::ImageType::BGR);
}

// An open size is declared as 1, with a range from there on.
void describe_array(const Feature& feature, coreml::ArrayType& array) {
  const bool open = std::count(feature.shape.begin(), feature.shape.end(), -1) > 0;
  for (const std::int64_t size : feature.shape) {
    array.add_shape(size < 0 ? 1 : size);
    if (!open) continue;
    auto& range = *array.mutable_shape_range()->add_size_ranges();
    range.set_lower_bound(static_cast<std::uint64_t>(size < 0 ? 1 : size));
    range.set_upper_bound(size);
  }
  if (feature.shape.empty()) array.add_shape(1);
  const bool whole = feature.type == mlq::DataType::int32 || feature.type == mlq::DataType::int64;
  array.set_data_type(whole ? coreml::ArrayType::INT32 : coreml::ArrayType::FLOAT32);
}

void describe(const Feature& feature, coreml::FeatureDescription& to) {
  to.set_name(feature.name);
  to.set_short_description(feature.description);
  if (feature.kind == FeatureKind::image)
    describe_image(feature, *to.mutable_type()->mutable_image_type());
  else
    describe_array(feature, *to.mutable_type()->mutable_multi_array_type());
}

void reshape(Writer& w, const std::string& from, const std::string& to, const Shape& shape) {
  auto& target = *w.layer({from}, {to}).mutable_reshape_static()->mutable_target_shape();
  target.Add(shape.begin(), shape.end());
}

const Feature* find_kind(const mlq::Graph& graph, FeatureKind kind) {
  const auto found = std::find_if(graph.outputs.begin(), graph.outputs.end(),
                                  [&](const Feature& feature) { return feature.kind == kind; });
  return found == graph.outputs.end() ? nullptr : &*found;
}

void write_labels(const mlq::Graph& graph, coreml::NeuralNetwork& network) {
  for (const std::string& label : graph.labels)
    if (graph.integer_labels)
      network.mutable_int64_class_labels()->add_vector(std::stoll(label));
    else
      network.mutable_string_class_labels()->add_vector(label);
}

void describe_key(const mlq::Graph& graph, coreml::DictionaryType& dictionary) {
  graph.integer_labels ? dictionary.mutable_int64_key_type() : dictionary.mutable_string_key_type();
}

// A name for what a classifier must give although the source does not.
std::string free_name(const mlq::Graph& graph, std::string name) {
  const auto taken = [&] {
    return std::any_of(graph.outputs.begin(), graph.outputs.end(),
                       [&](const Feature& f) { return f.name == name; });
  };
  while (taken()) name += "_";
  return name;
}

// The scores are a vector of one number per label; the label itself is what the system makes of it.
void write_classes(Writer& w, coreml::ModelDescription& description, coreml::NeuralNetwork& network) {
  const mlq::Graph& graph = w.graph;
  const Feature *scores = find_kind(graph, FeatureKind::scores),
                *label = find_kind(graph, FeatureKind::label);
  const std::string label_name = label ? label->name : free_name(graph, "classLabel");
  const std::string scores_name = scores ? scores->name : free_name(graph, "classLabelProbs");
  const std::string vector = w.fresh();
  reshape(w, w.blob((scores ? scores : label)->tensor), vector,
          {static_cast<std::int64_t>(graph.labels.size())});
  write_labels(graph, network);
  network.set_label_probability_layer_name(vector);
  description.set_predicted_feature_name(label_name);
  description.set_predicted_probabilities_name(scores_name);
  coreml::FeatureDescription& one = *description.add_output();
  one.set_name(label_name);
  graph.integer_labels ? one.mutable_type()->mutable_int64_type() : one.mutable_type()->mutable_string_type();
  coreml::FeatureDescription& all = *description.add_output();
  all.set_name(scores_name);
  if (scores) all.set_short_description(scores->description);
  describe_key(graph, *all.mutable_type()->mutable_dictionary_type());
}

}  // namespace

void write_inputs(Writer& w, coreml::Model& model) {
  w.require(!w.graph.inputs.empty(), "has no inputs");
  for (const Feature& feature : w.graph.inputs) {
    w.require(std::count(feature.shape.begin(), feature.shape.end(), 0) == 0,
              "has an input without elements");
    describe(feature, *model.mutable_description()->add_input());
    w.name_blob(feature.tensor, feature.name);
    const Shape& inner = w.tensor(feature.tensor).shape;
    if (inner == feature.shape) continue;
    const std::string reshaped = w.fresh();
    reshape(w, feature.name, reshaped, inner);
    w.name_blob(feature.tensor, reshaped);
  }
}

void write_outputs(Writer& w, coreml::Model& model, coreml::NeuralNetwork& network) {
  bool classes = false;
  for (const Feature& feature : w.graph.outputs) {
    if (feature.kind == FeatureKind::scores || feature.kind == FeatureKind::label) {
      classes = true;
      continue;
    }
    describe(feature, *model.mutable_description()->add_output());
    const std::string made = w.blob(feature.tensor);
    const Shape& inner = w.tensor(feature.tensor).shape;
    if (made == feature.name && inner == feature.shape) continue;
    w.require(made != feature.name, "has an output of the same name as an input");
    if (inner == feature.shape || std::count(feature.shape.begin(), feature.shape.end(), -1) > 1 ||
        feature.shape.empty())
      w.copy(made, feature.name);
    else
      reshape(w, made, feature.name, feature.shape);
  }
  if (classes && !w.graph.labels.empty()) write_classes(w, *model.mutable_description(), network);
}

}  // namespace mlqc::coreml_writer
