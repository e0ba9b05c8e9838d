#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "compiler/driver/commands.h"
#include "compiler/driver/layers.h"
#include "compiler/driver/model_file.h"
#include "compiler/driver/model_page.h"
#include "compiler/driver/values.h"
#include "compiler/plugins/plugins.h"
#include "compiler/support/bytes.h"

namespace mlqc {

using Json = nlohmann::ordered_json;

namespace {

// "float32", or of quantized weights "4 bit".
std::string type_of(const mlq::Tensor& tensor) {
  return tensor.quantization ? fmt::format("{} bit", tensor.quantization->bits) : mlq::name_of(tensor.type);
}

Json feature_json(const mlq::Feature& feature) {
  Json json = {{"name", feature.name},
               {"kind", word_of(feature.kind)},
               {"type", mlq::name_of(feature.type)},
               {"shape", feature.shape}};
  if (feature.kind == mlq::FeatureKind::image) json["color"] = word_of(feature.color);
  if (!feature.description.empty()) json["description"] = feature.description;
  return json;
}

Json features_json(const std::vector<mlq::Feature>& features) {
  Json json = Json::array();
  for (const mlq::Feature& feature : features) json.push_back(feature_json(feature));
  return json;
}

Json layer_json(const mlq::Graph& graph, const mlq::Node& node) {
  std::int64_t weights = 0;
  std::size_t bytes = 0;
  std::string type;
  for (const mlq::TensorId id : node.inputs) {
    if (id == mlq::no_tensor || !graph.tensors[static_cast<std::size_t>(id)].data) continue;
    const mlq::Tensor& tensor = graph.tensors[static_cast<std::size_t>(id)];
    if (type.empty()) type = type_of(tensor);  // of the weights proper, which come first
    weights += mlq::element_count(tensor.shape).value_or(0);
    bytes += stored_bytes(tensor);
  }
  Json json = {{"name", node.name}, {"op", node.op}};
  if (!node.outputs.empty() && node.outputs[0] != mlq::no_tensor)
    json["shape"] = graph.tensors[static_cast<std::size_t>(node.outputs[0])].shape;
  json["weights"] = weights;
  json["bytes"] = bytes;
  json["type"] = type;
  return json;
}

Json totals_json(const mlq::Graph& graph) {
  std::map<std::string, std::size_t> bytes;
  std::int64_t weights = 0;
  for (const mlq::Tensor& tensor : graph.tensors) {
    if (!tensor.data) continue;
    bytes[type_of(tensor)] += stored_bytes(tensor);
    weights += mlq::element_count(tensor.shape).value_or(0);
  }
  return {{"layers", graph.nodes.size()},
          {"weights", weights},
          {"bytes", weight_bytes(graph)},
          {"bytes_by_type", bytes}};
}

Json inspection(const ModelFile& file) {
  const mlq::Graph& graph = file.graph;
  Json json = {{"schema", 1},
               {"file", file.path},
               {"format", file.format},
               {"sha256", file.sha256},
               {"bytes", file.bytes}};
  json["inputs"] = features_json(graph.inputs);
  json["outputs"] = features_json(graph.outputs);
  json["labels"] = graph.labels.size();
  json["metadata"] = Json::object();
  for (const auto& [key, value] : graph.metadata) json["metadata"][key] = value;
  json["totals"] = totals_json(graph);
  json["layers"] = Json::array();
  for (const mlq::Node& node : graph.nodes) json["layers"].push_back(layer_json(graph, node));
  return json;
}

std::string shape_of(const Json& shape) {
  return shape.is_null() ? "" : mlq::to_string(shape.get<mlq::Shape>());
}

void print_features(const char* title, const Json& features) {
  fmt::print("{}\n", title);
  for (const Json& f : features)
    fmt::print("  {:<24} {:<7} {} {}{}\n", f["name"].get<std::string>(), f["kind"].get<std::string>(),
               f["type"].get<std::string>(), shape_of(f["shape"]),
               f.contains("color") ? " " + f["color"].get<std::string>() : "");
}

void print(const Json& json) {
  fmt::print("{}: {}, {} bytes\n", json["file"].get<std::string>(), json["format"].get<std::string>(),
             json["bytes"].get<std::size_t>());
  for (const auto& [key, value] : json["metadata"].items())
    fmt::print("  {}: {}\n", key, value.get<std::string>());
  print_features("inputs", json["inputs"]);
  print_features("outputs", json["outputs"]);
  if (json["labels"] != 0) fmt::print("  {} labels\n", json["labels"].get<std::size_t>());
  fmt::print("layers\n");
  for (const Json& l : json["layers"])
    fmt::print("  {:<32} {:<20} {:<16} {:>10} {}\n", l["name"].get<std::string>(), l["op"].get<std::string>(),
               shape_of(l.value("shape", Json())),
               l["weights"] == 0 ? "" : fmt::format("{}", l["weights"].get<std::int64_t>()),
               l["type"].get<std::string>());
  const Json& totals = json["totals"];
  fmt::print("{} layers, {} weights, {} bytes:\n", totals["layers"].get<std::size_t>(),
             totals["weights"].get<std::int64_t>(), totals["bytes"].get<std::size_t>());
  for (const auto& [type, bytes] : totals["bytes_by_type"].items())
    fmt::print("  {:<10} {:>12}\n", type, bytes.get<std::size_t>());
}

}  // namespace

Exit run_inspect(const Options& options) {
  const ModelFile file = open_model(options.arguments[0], load_plugins(options.plugins).classes);
  const Json json = inspection(file);
  print(json);
  const std::string text = json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
  if (!options.json.empty()) write_if_changed(options.json, text);
  if (!options.html.empty()) write_if_changed(options.html, model_page(file, text));
  return Exit::good;
}

}  // namespace mlqc
