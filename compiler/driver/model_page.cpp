#include "compiler/driver/model_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "compiler/driver/drawing.h"
#include "compiler/driver/page.h"

namespace mlqc {

using Json = nlohmann::ordered_json;

namespace {

constexpr std::size_t most_listed = 16;  // numbers of an attribute

template <class T>
std::string listed(const std::vector<T>& values) {
  std::string text = fmt::format(
      "{}",
      fmt::join(values.begin(),
                values.begin() + static_cast<std::ptrdiff_t>(std::min(most_listed, values.size())), ", "));
  return values.size() > most_listed ? text + fmt::format(", ... ({})", values.size()) : text;
}

std::string text_of(const mlq::Attribute& attribute) {
  struct Words {
    std::string operator()(std::int64_t value) const { return fmt::format("{}", value); }
    std::string operator()(float value) const { return fmt::format("{}", value); }
    std::string operator()(const std::string& value) const { return value; }
    std::string operator()(const std::vector<std::int64_t>& values) const { return listed(values); }
    std::string operator()(const std::vector<float>& values) const { return listed(values); }
    std::string operator()(const std::shared_ptr<const mlq::Graph>& graph) const {
      return fmt::format("a graph of {} layers", graph ? graph->nodes.size() : 0);
    }
  };
  return std::visit(Words{}, attribute);
}

double rounded(double value) { return std::isfinite(value) ? std::stod(fmt::format("{:.5g}", value)) : 0; }

// Least, greatest, mean, deviation and share of zeros of a constant.
Json statistics_of(const mlq::Tensor& tensor) {
  std::vector<float> values(static_cast<std::size_t>(mlq::element_count(tensor.shape).value_or(0)));
  Json json = {{"name", tensor.name},
               {"shape", mlq::to_string(tensor.shape)},
               {"type", tensor.quantization ? fmt::format("{} bit", tensor.quantization->bits)
                                            : mlq::name_of(tensor.type)},
               {"zeros", 0}};
  if (values.empty() || !mlq::dequantize(tensor, values)) return json;
  double sum = 0, squares = 0;
  for (const float value : values) sum += value, squares += static_cast<double>(value) * value;
  const auto count = static_cast<double>(values.size());
  const auto [low, high] = std::ranges::minmax(values);
  json["low"] = rounded(low);
  json["high"] = rounded(high);
  json["mean"] = rounded(sum / count);
  json["deviation"] = rounded(std::sqrt(std::max(0.0, squares / count - sum / count * (sum / count))));
  json["zeros"] = rounded(static_cast<double>(std::ranges::count(values, 0.0f)) / count);
  return json;
}

std::string name_of(const mlq::Graph& graph, mlq::TensorId id) {
  return id == mlq::no_tensor ? "-" : graph.tensors[static_cast<std::size_t>(id)].name;
}

void add_layer(Json& layer, const mlq::Graph& graph, std::size_t place) {
  const mlq::Node& node = graph.nodes[place];
  layer["id"] = fmt::format("n{}", place);
  layer["shape"] = layer.contains("shape") ? mlq::to_string(layer["shape"].get<mlq::Shape>()) : "";
  layer["attributes"] = Json::object();
  for (const auto& [key, value] : node.attributes) layer["attributes"][key] = text_of(value);
  // Front ends keep a custom layer's class in the operator's place.
  layer["custom"] = node.op.starts_with("Custom") || node.attributes.contains("class_name");
  layer["description"] = node.get_string("description", "");
  for (const char* list : {"inputs", "outputs", "tensors"}) layer[list] = Json::array();
  for (const mlq::TensorId id : node.inputs) {
    layer["inputs"].push_back(name_of(graph, id));
    if (id != mlq::no_tensor && graph.tensors[static_cast<std::size_t>(id)].data)
      layer["tensors"].push_back(statistics_of(graph.tensors[static_cast<std::size_t>(id)]));
  }
  for (const mlq::TensorId id : node.outputs) layer["outputs"].push_back(name_of(graph, id));
}

}  // namespace

std::string model_page(const ModelFile& file, const std::string& inspection) {
  Json json = Json::parse(inspection);
  for (const char* list : {"inputs", "outputs"})
    for (Json& feature : json[list]) feature["shape"] = mlq::to_string(feature["shape"].get<mlq::Shape>());
  for (std::size_t i = 0; i < file.graph.nodes.size(); ++i) add_layer(json["layers"][i], file.graph, i);
  json["drawings"] = Json::parse(drawings(file.graph));
  return html_page("model", std::filesystem::path(file.path).filename().string(),
                   json.dump(-1, ' ', false, Json::error_handler_t::replace));
}

}  // namespace mlqc
