// Custom layers as nodes of a graph. A parameter is a text that says its type, "double 0.1": the attributes
// of nodes know neither doubles nor truth values.
#include <algorithm>
#include <charconv>
#include <cmath>

#include "mlq/custom_layer.h"

namespace mlq {

namespace {

constexpr std::string_view prefix = "parameter ";

std::string to_text(double value) {
  char text[32];
  return {text, std::to_chars(text, text + sizeof text, value).ptr};  // the shortest that reads back the same
}

struct Writer {
  std::string operator()(std::int64_t value) const { return "int " + std::to_string(value); }
  std::string operator()(double value) const { return "double " + to_text(value); }
  std::string operator()(bool value) const { return value ? "bool true" : "bool false"; }
  std::string operator()(const std::string& value) const { return "text " + value; }
};

template <class T>
T parse(std::string_view text) {
  T value{};
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

Parameter read(std::string_view all) {
  const auto space = all.find(' ');
  const std::string_view type = all.substr(0, space);
  const std::string_view text = space == std::string_view::npos ? "" : all.substr(space + 1);
  if (type == "int") return parse<std::int64_t>(text);
  if (type == "double") return parse<double>(text);
  if (type == "bool") return text == "true";
  return std::string(text);
}

const Parameter* find(const Parameters& parameters, std::string_view name) {
  const auto found = parameters.find(name);
  return found == parameters.end() ? nullptr : &found->second;
}

}  // namespace

double number_of(const Parameters& parameters, std::string_view name, double otherwise) {
  const Parameter* parameter = find(parameters, name);
  if (!parameter) return otherwise;
  if (const auto* value = std::get_if<double>(parameter)) return *value;
  if (const auto* value = std::get_if<std::int64_t>(parameter)) return static_cast<double>(*value);
  if (const auto* value = std::get_if<bool>(parameter)) return *value ? 1 : 0;
  return otherwise;
}

std::int64_t integer_of(const Parameters& parameters, std::string_view name, std::int64_t otherwise) {
  const Parameter* parameter = find(parameters, name);
  if (!parameter) return otherwise;
  if (const auto* value = std::get_if<std::int64_t>(parameter)) return *value;
  const double value = number_of(parameters, name, static_cast<double>(otherwise));
  // Outside of this range, and for NaN, the conversion is undefined.
  return std::abs(value) < 9e18 ? static_cast<std::int64_t>(value) : otherwise;
}

std::string text_of(const Parameters& parameters, std::string_view name, std::string otherwise) {
  const Parameter* parameter = find(parameters, name);
  const auto* text = parameter ? std::get_if<std::string>(parameter) : nullptr;
  return text ? *text : otherwise;
}

Node custom_node(std::string name, std::string_view class_name, const Parameters& parameters,
                 std::string_view description, std::vector<TensorId> inputs, std::vector<TensorId> weights) {
  Node node{std::string(custom_op), std::move(name), std::move(inputs), {}, {}};
  node.inputs.insert(node.inputs.end(), weights.begin(), weights.end());
  node.attributes["class"] = std::string(class_name);
  if (!description.empty()) node.attributes["description"] = std::string(description);
  if (!weights.empty()) node.attributes["weights"] = static_cast<std::int64_t>(weights.size());
  for (const auto& [key, value] : parameters)
    node.attributes[std::string(prefix) + key] = std::visit(Writer(), value);
  return node;
}

std::string custom_class_of(const Node& node) { return node.get_string("class", ""); }

Parameters custom_parameters_of(const Node& node) {
  Parameters parameters;
  for (const auto& [key, attribute] : node.attributes)
    if (const auto* text = std::get_if<std::string>(&attribute); text && key.starts_with(prefix))
      parameters[key.substr(prefix.size())] = read(*text);
  return parameters;
}

// Whatever an artifact says, no more than there are.
std::size_t custom_weights_of(const Node& node) {
  const std::int64_t all = static_cast<std::int64_t>(node.inputs.size());
  return static_cast<std::size_t>(std::clamp(node.get_int("weights", 0), std::int64_t{0}, all));
}

std::string describe_custom(const Node& node) {
  return "layer '" + node.name + "' of class " + custom_class_of(node);
}

}  // namespace mlq
