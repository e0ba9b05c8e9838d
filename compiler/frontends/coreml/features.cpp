#include "compiler/frontends/coreml/features.h"

#include <algorithm>

#include "compiler/frontends/coreml/flexible.h"
#include "compiler/frontends/coreml/model.pb.h"
#include "compiler/frontends/coreml/preprocess.h"

namespace mlqc::coreml {

using mlq::Color;
using mlq::Feature;
using mlq::FeatureKind;

namespace {

Color color_of(const Build& b, const FeatureDescription& feature) {
  switch (feature.type().image_type().color_space()) {
    case ImageType::GRAYSCALE:
    case ImageType::GRAYSCALE_FLOAT16:
      return Color::gray;
    case ImageType::RGB:
      return Color::rgb;
    case ImageType::BGR:
      return Color::bgr;
    default:
      b.fail("has the image '" + feature.name() + "' of an unknown colour space");
  }
}

std::int64_t dimension(const Build& b, const FeatureDescription& feature, std::int64_t value) {
  if (value <= 0 || value >= std::int64_t{1} << 31)
    b.fail("has the feature '" + feature.name() + "' of the impossible size " + std::to_string(value));
  return value;
}

// Flexible images without a size of their own start from the first or smallest that they allow.
std::pair<std::int64_t, std::int64_t> default_size(const ImageType& image) {
  if (image.width() > 0 && image.height() > 0) return {image.height(), image.width()};
  if (image.has_enumerated_sizes() && image.enumerated_sizes().sizes_size() > 0) {
    const ImageSize& first = image.enumerated_sizes().sizes(0);
    return {static_cast<std::int64_t>(first.height()), static_cast<std::int64_t>(first.width())};
  }
  const ImageSizeRange& range = image.image_size_range();
  return {static_cast<std::int64_t>(range.height_range().lower_bound()),
          static_cast<std::int64_t>(range.width_range().lower_bound())};
}

Shape image_shape(const Build& b, const FeatureDescription& feature, Color color) {
  const auto [height, width] = default_size(feature.type().image_type());
  return {1, color == Color::gray ? 1 : 3, dimension(b, feature, height), dimension(b, feature, width)};
}

// The declared shape, or what flexible shapes start from.
Shape default_shape(const ArrayType& array) {
  if (array.shape_size() > 0) return to_ints(array.shape());
  if (array.has_enumerated_shapes() && array.enumerated_shapes().shapes_size() > 0)
    return to_ints(array.enumerated_shapes().shapes(0).shape());
  Shape shape;
  for (const SizeRange& range : array.shape_range().size_ranges())
    shape.push_back(static_cast<std::int64_t>(range.lower_bound()));
  return shape;
}

// A tensor that an earlier model gives, in the network's own shape.
TensorId given(Build& b, TensorId id, const Shape& shape) {
  return b.shape(id) == shape || !mlq::element_count(shape) ? id : b.reshape(id, shape);
}

// RANK5 networks: [C] is [N, C, 1, 1], [C, H, W] is [N, C, H, W].
Shape inner_shape(const Build& b, const FeatureDescription& feature, Shape shape) {
  if (!b.rank5) return shape;
  if (shape.size() == 1) return {1, shape[0], 1, 1};
  if (shape.size() != 3)
    b.fail("has the array '" + feature.name() + "' of " + std::to_string(shape.size()) +
           " dimensions, where its shape mapping allows one or three");
  shape.insert(shape.begin(), 1);
  return shape;
}

TensorId add_input_tensor(Build& b, const std::string& name, const Shape& shape) {
  mlq::Tensor tensor;
  tensor.name = name;
  tensor.shape = shape;
  return mlq::add_tensor(b.graph, std::move(tensor));
}

void add_image_input(Build& b, const FeatureDescription& feature, const NeuralNetwork& network, int images) {
  Feature input = image_feature(b, feature);
  const auto earlier = b.given.find(feature.name());
  input.tensor = earlier == b.given.end() ? add_input_tensor(b, feature.name(), tensor_shape(b, feature))
                                          : earlier->second;
  TensorId x = preprocess(b, network, feature.name(), input.color, input.tensor, images);
  // Networks of free rank that still see images as [Sequence, Batch, C, H, W].
  if (!b.rank5 && network.image_input_shape_mapping() == NeuralNetwork::RANK5_IMAGE_MAPPING)
    x = b.node("Unsqueeze", {x, b.ints({0})});
  b.blobs[feature.name()] = x;
  if (earlier != b.given.end()) return;
  note_sizes(b, input, feature);
  b.graph.inputs.push_back(std::move(input));
}

void add_array_input(Build& b, const FeatureDescription& feature) {
  const Shape shape = inner_shape(b, feature, tensor_shape(b, feature));
  if (const auto earlier = b.given.find(feature.name()); earlier != b.given.end()) {
    b.blobs[feature.name()] = given(b, earlier->second, shape);
    return;
  }
  Feature input = array_feature(b, feature);
  input.tensor = add_input_tensor(b, feature.name(), shape);
  b.blobs[feature.name()] = input.tensor;
  note_sizes(b, input, feature);
  b.graph.inputs.push_back(std::move(input));
}

bool is_label(const ModelDescription& description, const FeatureDescription& feature) {
  const auto kind = feature.type().kind_case();
  return kind == FeatureType::kStringType || kind == FeatureType::kInt64Type ||
         (!description.predicted_feature_name().empty() &&
          feature.name() == description.predicted_feature_name() && kind != FeatureType::kMultiArrayType &&
          kind != FeatureType::kDoubleType);
}

void add_labels(Build& b, const NeuralNetwork& network) {
  for (const std::string& label : network.string_class_labels().vector()) b.graph.labels.push_back(label);
  for (const std::int64_t label : network.int64_class_labels().vector())
    b.graph.labels.push_back(std::to_string(label));
  b.graph.integer_labels = network.has_int64_class_labels();
}

TensorId blob(const Build& b, const std::string& name) {
  const auto found = b.blobs.find(name);
  if (found == b.blobs.end()) b.fail("has the output '" + name + "', which no layer makes");
  return found->second;
}

// The blob that is named to hold them, or what the last layer makes.
TensorId scores(const Build& b, const NeuralNetwork& network) {
  const std::string& named = network.label_probability_layer_name();
  if (!named.empty()) return blob(b, named);
  if (network.layers_size() == 0) b.fail("is a classifier without layers");
  const NeuralNetworkLayer& last = network.layers(network.layers_size() - 1);
  if (last.output_size() == 0) b.fail("is a classifier whose last layer has no output");
  return blob(b, last.output(last.output_size() - 1));
}

void add_class_output(Build& b, const FeatureDescription& feature, FeatureKind kind,
                      const NeuralNetwork& network) {
  const auto count = static_cast<std::int64_t>(b.graph.labels.size());
  Feature output{feature.name(), feature.short_description(), kind, scores(b, network), {}};
  const auto elements = mlq::element_count(b.shape(output.tensor));
  if (elements && *elements != count)
    b.fail("has " + std::to_string(count) + " class labels and " + std::to_string(*elements) + " scores");
  output.shape = {kind == FeatureKind::label ? 1 : count};
  if (kind == FeatureKind::label) output.type = mlq::DataType::int64;
  b.graph.outputs.push_back(std::move(output));
}

void add_image_output(Build& b, const FeatureDescription& feature) {
  Feature output{
      feature.name(), feature.short_description(), FeatureKind::image, blob(b, feature.name()), {}};
  output.color = color_of(b, feature);
  const std::int64_t channels = output.color == Color::gray ? 1 : 3;
  output.tensor = b.rank(output.tensor) == 4 ? output.tensor : b.reshape(output.tensor, [&] {
    Shape shape = b.shape(output.tensor);
    if (shape.size() < 2)
      b.fail("has the image output '" + feature.name() + "' of fewer than two dimensions");
    return Shape{1, channels, shape[shape.size() - 2], shape.back()};
  }());
  output.shape = b.shape(output.tensor);
  if (output.shape[1] != channels)
    b.fail("has the image output '" + feature.name() + "' with " + std::to_string(output.shape[1]) +
           " channels");
  b.graph.outputs.push_back(std::move(output));
}

// Files often declare no shape, or a wrong one: then the network's own, without the leading ones of RANK5.
Shape output_shape(const Build& b, const Shape& declared, const Shape& actual) {
  const auto count = mlq::element_count(actual);
  if (!declared.empty() && (!count || mlq::element_count(declared) == count)) return declared;
  Shape shape = actual;
  if (b.rank5 && shape.size() == 4 && shape[0] == 1) {
    shape.erase(shape.begin());
    if (shape[1] == 1 && shape[2] == 1) shape.resize(1);
  }
  return shape;
}

void add_array_output(Build& b, const FeatureDescription& feature) {
  Feature output{
      feature.name(), feature.short_description(), FeatureKind::tensor, blob(b, feature.name()), {}};
  const Shape& actual = b.shape(output.tensor);
  const bool known = mlq::element_count(actual).has_value();
  output.shape =
      known || b.rank5 ? output_shape(b, to_ints(feature.type().multi_array_type().shape()), actual) : actual;
  b.graph.outputs.push_back(std::move(output));
}

}  // namespace

mlq::Feature image_feature(const Build& b, const FeatureDescription& feature) {
  Feature input{feature.name(), feature.short_description(), FeatureKind::image, mlq::no_tensor, {}};
  input.color = color_of(b, feature);
  input.shape = open_dimensions(allowed_sizes(feature), image_shape(b, feature, input.color));
  return input;
}

mlq::Feature array_feature(const Build& b, const FeatureDescription& feature) {
  const Shape shape = default_shape(feature.type().multi_array_type());
  if (shape.empty()) b.fail("has the input '" + feature.name() + "' without a shape");
  for (const std::int64_t n : shape) dimension(b, feature, n);
  return {feature.name(), feature.short_description(), FeatureKind::tensor, mlq::no_tensor,
          open_dimensions(allowed_sizes(feature), shape)};
}

void note_sizes(Build& b, const mlq::Feature& input, const FeatureDescription& feature) {
  if (std::count(input.shape.begin(), input.shape.end(), -1) == 0) return;
  b.graph.metadata.emplace_back(mlq::sizes_key(input.name), mlq::to_string(allowed_sizes(feature)));
}

Shape tensor_shape(const Build& b, const FeatureDescription& feature) {
  if (feature.type().has_image_type()) return image_feature(b, feature).shape;
  if (!feature.type().has_multi_array_type()) return {1};
  return array_feature(b, feature).shape;
}

void add_inputs(Build& b, const ModelDescription& description, const NeuralNetwork& network) {
  const auto& features = description.input();
  const auto images = std::count_if(features.begin(), features.end(),
                                    [](const FeatureDescription& f) { return f.type().has_image_type(); });
  for (const FeatureDescription& feature : features) {
    if (b.blobs.count(feature.name())) b.fail("has two inputs named '" + feature.name() + "'");
    if (feature.type().has_image_type())
      add_image_input(b, feature, network, static_cast<int>(images));
    else if (feature.type().has_multi_array_type())
      add_array_input(b, feature);
    else
      b.fail("has the input '" + feature.name() + "', which is neither an image nor an array");
  }
  if (features.empty()) b.fail("has no inputs");
}

void add_outputs(Build& b, const ModelDescription& description, const NeuralNetwork& network) {
  add_labels(b, network);
  for (const FeatureDescription& feature : description.output()) {
    const bool classes = !b.graph.labels.empty();
    if (classes && is_label(description, feature))
      add_class_output(b, feature, FeatureKind::label, network);
    else if (classes && feature.type().has_dictionary_type())
      add_class_output(b, feature, FeatureKind::scores, network);
    else if (feature.type().has_image_type())
      add_image_output(b, feature);
    else if (feature.type().has_multi_array_type() || feature.type().has_double_type())
      add_array_output(b, feature);
    else
      b.fail("has the output '" + feature.name() + "' of a type that no network makes");
  }
  if (description.output().empty()) b.fail("has no outputs");
}

}  // namespace mlqc::coreml
