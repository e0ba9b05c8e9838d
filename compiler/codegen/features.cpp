#include "compiler/codegen/features.h"

#include <fmt/format.h>

#include <optional>
#include <vector>

#include "compiler/codegen/text.h"
#include "mlq/sizes.h"

namespace mlqc {

namespace {

using mlq::DataType;
using mlq::Feature;
using mlq::FeatureKind;

const char* cpp_type(DataType type) {
  switch (type) {
    case DataType::float32:
      return "float";
    case DataType::float16:
      return "::mlq::Half";
    case DataType::float64:
      return "double";
    case DataType::int8:
      return "::std::int8_t";
    case DataType::int16:
      return "::std::int16_t";
    case DataType::int32:
      return "::std::int32_t";
    case DataType::int64:
      return "::std::int64_t";
    case DataType::uint8:
      return "::std::uint8_t";
    case DataType::uint16:
      return "::std::uint16_t";
    case DataType::uint32:
      return "::std::uint32_t";
    case DataType::uint64:
      return "::std::uint64_t";
    case DataType::boolean:
      return "bool";
  }
  return "float";
}

const char* color_word(mlq::Color color) {
  return color == mlq::Color::gray ? "gray" : color == mlq::Color::rgb ? "rgb" : "bgr";
}

// A model without labels cannot name any: its label is the index, its scores are numbers.
FeatureKind kind_of(const Feature& feature, Labels labels) {
  const bool named = feature.kind == FeatureKind::scores || feature.kind == FeatureKind::label;
  return named && labels == Labels::none ? FeatureKind::tensor : feature.kind;
}

// A label leaves the runtime as one index.
DataType type_of(const Feature& feature) {
  return feature.kind == FeatureKind::label ? DataType::int64 : feature.type;
}
mlq::Shape shape_of(const Feature& feature) {
  return feature.kind == FeatureKind::label ? mlq::Shape{1} : feature.shape;
}

std::string dimension(std::int64_t size) { return size < 0 ? "::mlq::dynamic" : std::to_string(size); }

std::string tensor_type(const char* name, const char* constness, const Feature& feature) {
  std::string type = fmt::format("::mlq::{}<{}{}", name, constness, cpp_type(type_of(feature)));
  for (std::int64_t size : shape_of(feature)) type += ", " + dimension(size);
  return type + ">";
}

std::string size_words(const mlq::Shape& shape) {
  std::vector<std::string> sizes;
  for (std::int64_t size : shape) sizes.push_back(size < 0 ? "any" : std::to_string(size));
  return fmt::format("{}", fmt::join(sizes, " x "));
}

std::string image_sentence(const Feature& feature, bool is_input) {
  const std::size_t rank = feature.shape.size();
  const mlq::Shape size =
      rank < 2 ? mlq::Shape{} : mlq::Shape{feature.shape[rank - 1], feature.shape[rank - 2]};
  const std::string color = feature.color == mlq::Color::gray
                                ? "gray image"
                                : fmt::format("color image ({})", color_word(feature.color));
  return fmt::format("{}, {} pixels{}", color, size_words(size),
                     is_input ? "; images of other sizes and colors are converted" : "");
}

}  // namespace

Labels labels_of(const mlq::Graph& graph) {
  if (graph.labels.empty()) return Labels::none;
  return graph.integer_labels ? Labels::integer : Labels::text;
}

std::string input_type(const Feature& feature) {
  return feature.kind == FeatureKind::image ? "::mlq::ImageView"
                                            : tensor_type("TensorView", "const ", feature);
}

std::string output_type(const Feature& feature, Labels labels) {
  const bool text = labels == Labels::text;
  switch (kind_of(feature, labels)) {
    case FeatureKind::image:
      return "::mlq::Image";
    case FeatureKind::scores:
      return text ? "::mlq::Scores" : "::mlq::IntegerScores";
    case FeatureKind::label:
      return text ? "::std::string_view" : "::std::int64_t";
    case FeatureKind::tensor:
      break;
  }
  return tensor_type("TensorValue", "", feature);
}

std::size_t feature_rank(const Feature& feature, Labels) { return shape_of(feature).size(); }

std::string feature_info(const Feature& feature, Labels labels) {
  constexpr const char* kinds[] = {"tensor", "image", "scores", "label"};
  std::vector<std::string> sizes;
  for (std::int64_t size : shape_of(feature)) sizes.push_back(dimension(size));
  // A literal without a length would end at a zero byte.
  const bool zero = feature.name.find('\0') != std::string::npos;
  const std::string name = string_literal(feature.name);
  return fmt::format("{}, ::mlq::FeatureKind::{}, ::mlq::DataType::{}, {{{}}}, ::mlq::Color::{}",
                     zero ? fmt::format("{{{}, {}}}", name, feature.name.size()) : name,
                     kinds[static_cast<std::size_t>(kind_of(feature, labels))],
                     mlq::name_of(type_of(feature)), fmt::join(sizes, ", "), color_word(feature.color));
}

std::string take_arguments(const Feature& feature, Labels labels, std::optional<int> top_k) {
  const FeatureKind kind = kind_of(feature, labels);
  if (kind == FeatureKind::label) return ", labels()";
  return kind == FeatureKind::scores ? fmt::format(", labels(), {}", top_k.value_or(5)) : "";
}

std::string type_sentence(const Feature& feature, const mlq::Graph& graph, bool is_input) {
  const Labels labels = labels_of(graph);
  const FeatureKind kind =
      is_input && feature.kind != FeatureKind::image ? FeatureKind::tensor : kind_of(feature, labels);
  switch (kind) {
    case FeatureKind::image:
      return image_sentence(feature, is_input);
    case FeatureKind::scores:
      return fmt::format("a score for each of {} labels", graph.labels.size());
    case FeatureKind::label:
      return fmt::format("the best of {} labels", graph.labels.size());
    case FeatureKind::tensor:
      break;
  }
  const mlq::Shape shape = shape_of(feature);
  const char* type = mlq::name_of(type_of(feature));
  if (shape.empty()) return fmt::format("one {}", type);
  const std::optional<mlq::Sizes> sizes = is_input ? mlq::sizes_of(graph, feature) : std::nullopt;
  return fmt::format("array of {}, {}", type, sizes ? mlq::to_string(*sizes) : size_words(shape));
}

}  // namespace mlqc
