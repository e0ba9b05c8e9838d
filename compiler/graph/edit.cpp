#include "compiler/graph/edit.h"

#include <cstring>
#include <set>

namespace mlqc {
namespace {

using mlq::DataType;
using mlq::Graph;
using mlq::TensorId;

// All names inside of a subgraph; those it takes from outside are among them.
void collect_names(const Graph& graph, std::set<std::string>& names) {
  for (const auto& tensor : graph.tensors) names.insert(tensor.name);
  for (const auto& node : graph.nodes)
    for (const auto& [key, value] : node.attributes)
      if (auto sub = std::get_if<std::shared_ptr<const Graph>>(&value)) collect_names(**sub, names);
}

std::set<std::string> captured_names(const Graph& graph) {
  std::set<std::string> names;
  for (const auto& node : graph.nodes)
    for (const auto& [key, value] : node.attributes)
      if (auto sub = std::get_if<std::shared_ptr<const Graph>>(&value)) collect_names(**sub, names);
  return names;
}

void renumber(std::vector<TensorId>& ids, const std::vector<TensorId>& map) {
  for (TensorId& id : ids)
    if (id != mlq::no_tensor) id = map[id];
}

}  // namespace

Uses uses_of(const Graph& graph) {
  Uses uses{std::vector<int>(graph.tensors.size(), -1), {}, std::vector<bool>(graph.tensors.size(), false)};
  uses.readers.resize(graph.tensors.size());
  for (int n = 0; n < static_cast<int>(graph.nodes.size()); ++n) {
    for (TensorId id : graph.nodes[n].inputs)
      if (id != mlq::no_tensor) uses.readers[id].push_back(n);
    for (TensorId id : graph.nodes[n].outputs)
      if (id != mlq::no_tensor) uses.producer[id] = n;
  }
  for (const auto& output : graph.outputs) uses.kept[output.tensor] = true;
  if (auto names = captured_names(graph); !names.empty())
    for (std::size_t i = 0; i < graph.tensors.size(); ++i)
      if (names.count(graph.tensors[i].name)) uses.kept[i] = true;
  return uses;
}

int only_reader(const Uses& uses, TensorId id) {
  return uses.kept[id] || uses.readers[id].size() != 1 ? -1 : uses.readers[id][0];
}

bool is_constant(const Graph& graph, TensorId id) {
  return id != mlq::no_tensor && graph.tensors[id].data.has_value();
}

std::optional<std::vector<float>> floats_of(const Graph& graph, TensorId id, std::int64_t limit) {
  if (!is_constant(graph, id)) return std::nullopt;
  const auto& tensor = graph.tensors[id];
  auto count = mlq::element_count(tensor.shape);
  if (!count || *count > limit) return std::nullopt;
  if (tensor.type != DataType::float32 && tensor.type != DataType::float16) return std::nullopt;
  std::vector<float> values(*count);
  if (!mlq::dequantize(tensor, values)) return std::nullopt;
  return values;
}

std::optional<std::vector<std::int64_t>> integers_of(const Graph& graph, TensorId id) {
  if (!is_constant(graph, id)) return std::nullopt;
  const auto& tensor = graph.tensors[id];
  auto count = mlq::element_count(tensor.shape);
  if (!count || *count > 1 << 16 || tensor.data->bytes.size() < *count * mlq::size_of(tensor.type))
    return std::nullopt;
  std::vector<std::int64_t> values(*count);
  if (tensor.type == DataType::int64) {
    if (*count > 0) std::memcpy(values.data(), tensor.data->bytes.data(), *count * sizeof(std::int64_t));
    return values;
  }
  if (tensor.type != DataType::int32) return std::nullopt;
  for (std::int64_t i = 0; i < *count; ++i) {
    std::int32_t value = 0;
    std::memcpy(&value, tensor.data->bytes.data() + i * sizeof value, sizeof value);
    values[i] = value;
  }
  return values;
}

TensorId operand(const mlq::Node& node, std::size_t i) {
  return i < node.inputs.size() ? node.inputs[i] : mlq::no_tensor;
}

void compact(Graph& graph) {
  std::vector<bool> used(graph.tensors.size(), false);
  auto use = [&](TensorId id) {
    if (id != mlq::no_tensor) used[id] = true;
  };
  for (const auto& node : graph.nodes) {
    for (TensorId id : node.inputs) use(id);
    for (TensorId id : node.outputs) use(id);
  }
  for (const auto& feature : graph.inputs) use(feature.tensor);
  for (const auto& feature : graph.outputs) use(feature.tensor);
  // A constant may be read by a subgraph only.
  Uses uses = uses_of(graph);
  for (std::size_t i = 0; i < used.size(); ++i) used[i] = used[i] || uses.kept[i];
  std::vector<TensorId> map(graph.tensors.size(), mlq::no_tensor);
  std::vector<mlq::Tensor> tensors;
  for (std::size_t i = 0; i < graph.tensors.size(); ++i) {
    if (!used[i]) continue;
    map[i] = static_cast<TensorId>(tensors.size());
    tensors.push_back(std::move(graph.tensors[i]));
  }
  graph.tensors = std::move(tensors);
  for (auto& node : graph.nodes) renumber(node.inputs, map), renumber(node.outputs, map);
  for (auto& feature : graph.inputs) feature.tensor = map[feature.tensor];
  for (auto& feature : graph.outputs) feature.tensor = map[feature.tensor];
}

}  // namespace mlqc
