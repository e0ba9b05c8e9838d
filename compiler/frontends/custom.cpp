#include "compiler/frontends/custom.h"

#include <algorithm>

#include "compiler/graph/edit.h"
#include "compiler/support/error.h"

namespace mlqc {

namespace {

[[noreturn]] void refuse_without_code(const Source& source, const CustomEntry& entry,
                                      const std::string& layer) {
  throw Error(
      Exit::model,
      {{source.path.string()},
       "layer '" + layer + "' of class " + entry.layer_class + " has no code to run here",
       "MLQ314",
       "give its source to the build, mlq_add_model(... CUSTOM_LAYERS file.cpp), or the built module to "
       "mlqc, --plugin FILE",
       {}});
}

}  // namespace

const CustomEntry* find_class(const Source& source, std::string_view layer_class) {
  const auto found =
      std::find_if(source.custom_layers.begin(), source.custom_layers.end(),
                   [&](const CustomEntry& e) { return e.op.empty() && e.layer_class == layer_class; });
  return found == source.custom_layers.end() ? nullptr : &*found;
}

const CustomEntry* find_op(const Source& source, std::string_view op) {
  const auto found = std::find_if(source.custom_layers.begin(), source.custom_layers.end(),
                                  [&](const CustomEntry& e) { return !op.empty() && e.op == op; });
  return found == source.custom_layers.end() ? nullptr : &*found;
}

mlq::Node custom_node(const Source& source, const CustomEntry& entry, CustomLayerText layer,
                      std::vector<mlq::TensorId> inputs, std::vector<mlq::TensorId> weights) {
  if (!entry.code) refuse_without_code(source, entry, layer.name);
  for (const auto& [name, value] : entry.parameters) layer.parameters.insert_or_assign(name, value);
  if (layer.layer_class.empty()) layer.layer_class = entry.layer_class;
  if (layer.description.empty()) layer.description = entry.description;
  mlq::Node node = mlq::custom_node(std::move(layer.name), layer.layer_class, layer.parameters,
                                    layer.description, std::move(inputs), std::move(weights));
  if (entry.quantize_weights) node.attributes["quantize"] = std::int64_t{1};
  node.code = entry.code;
  return node;
}

std::vector<mlq::TensorId> append_custom(const Source& source, mlq::Graph& graph, mlq::Node node,
                                         std::size_t outputs) {
  for (std::size_t i = 0; i < outputs; ++i) {
    mlq::Tensor result;
    result.name = node.name + ":result" + std::to_string(i);
    node.outputs.push_back(mlq::add_tensor(graph, std::move(result)));
  }
  if (const mlq::Status status = infer_node(graph, node); !status)
    throw Error(Exit::model, {{source.path.string()}, status.error(), "MLQ312", "", {}});
  graph.nodes.push_back(node);
  return node.outputs;
}

std::string custom_layers_line(std::string_view key, std::string_view name, std::string_view type) {
  const std::string line = "custom_layers: - { " + std::string(key) + ": " + std::string(name);
  return line + ", type: app::" + std::string(type) + ", header: ... }";
}

}  // namespace mlqc
