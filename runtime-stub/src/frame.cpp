#include "runtime-stub/src/frame.h"

#include <unordered_map>

namespace mlq {

namespace {

// Names of a graph, and of the graphs around it.
struct Scope {
  std::unordered_map<std::string_view, TensorId> ids;
  const Scope* outer = nullptr;
};

Scope scope_of(const Graph& graph, const Scope* outer) {
  Scope scope{{}, outer};
  for (std::size_t i = 0; i < graph.tensors.size(); ++i)
    scope.ids.emplace(graph.tensors[i].name, static_cast<TensorId>(i));
  return scope;
}

std::vector<bool> given_a_value(const Graph& graph) {
  std::vector<bool> given(graph.tensors.size());
  for (std::size_t i = 0; i < graph.tensors.size(); ++i) given[i] = graph.tensors[i].data.has_value();
  for (const Feature& feature : graph.inputs) given[feature.tensor] = true;
  for (const Node& node : graph.nodes)
    for (const TensorId id : node.outputs)
      if (id != no_tensor) given[id] = true;
  return given;
}

void capture(LinkedGraph& linked, TensorId inner, const std::string& name, const Scope* scope) {
  for (int levels = 1; scope; scope = scope->outer, ++levels)
    if (const auto found = scope->ids.find(name); found != scope->ids.end()) {
      linked.captures.push_back({inner, levels, found->second});
      return;
    }
}

void collect_captures(const LinkedGraph& linked, int levels, std::vector<TensorId>& ids) {
  for (const Capture& capture : linked.captures)
    if (capture.levels == levels) ids.push_back(capture.outer);
  for (const auto& [graph, inner] : linked.subgraphs) collect_captures(*inner, levels + 1, ids);
}

// What a node reads: its operands and what its subgraphs capture.
std::vector<TensorId> tensors_read(const LinkedGraph& linked, const Node& node) {
  std::vector<TensorId> ids;
  for (const TensorId id : node.inputs)
    if (id != no_tensor) ids.push_back(id);
  for (const auto& [key, attribute] : node.attributes)
    if (const auto* inner = std::get_if<std::shared_ptr<const Graph>>(&attribute))
      collect_captures(*linked.subgraphs.at(inner->get()), 1, ids);
  return ids;
}

// Fills read_last: each tensor goes to the node that touches it last.
void find_last_reads(LinkedGraph& linked) {
  const Graph& graph = *linked.graph;
  std::vector<std::size_t> last(graph.tensors.size(), SIZE_MAX);
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    for (const TensorId id : tensors_read(linked, graph.nodes[i])) last[id] = i;
    for (const TensorId id : graph.nodes[i].outputs)
      if (id != no_tensor) last[id] = i;
  }
  for (const Feature& feature : graph.outputs) last[feature.tensor] = SIZE_MAX;
  linked.read_last.resize(graph.nodes.size());
  for (std::size_t id = 0; id < last.size(); ++id)
    if (last[id] != SIZE_MAX && !graph.tensors[id].data)
      linked.read_last[last[id]].push_back(static_cast<TensorId>(id));
}

LinkedGraph link_in(const Graph& graph, const Scope* outer) {
  LinkedGraph linked{&graph, {}, {}, {}};
  const std::vector<bool> given = outer ? given_a_value(graph) : std::vector<bool>();
  for (std::size_t i = 0; i < given.size(); ++i)
    if (!given[i]) capture(linked, static_cast<TensorId>(i), graph.tensors[i].name, outer);
  std::optional<Scope> scope;  // costs as much as the graph has tensors, and few graphs need it
  for (const Node& node : graph.nodes)
    for (const auto& [key, attribute] : node.attributes)
      if (const auto* inner = std::get_if<std::shared_ptr<const Graph>>(&attribute)) {
        if (!scope) scope = scope_of(graph, outer);
        linked.subgraphs[inner->get()] = std::make_unique<LinkedGraph>(link_in(**inner, &*scope));
      }
  find_last_reads(linked);
  return linked;
}

const Frame* up(const Frame* frame, int levels) {
  for (; frame && levels > 1; --levels) frame = frame->outer;
  return frame;
}

}  // namespace

LinkedGraph link(const Graph& graph) { return link_in(graph, nullptr); }

Result<Frame> make_frame(const LinkedGraph& linked, const Frame* outer, Constants& constants, Load load) {
  const std::vector<Tensor>& tensors = linked.graph->tensors;
  Frame frame{linked, outer, std::vector<Value>(tensors.size()), {}, {}};
  frame.rounds = outer ? outer->rounds : std::make_shared<std::int64_t>(0);
  frame.owners.resize(tensors.size());
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const Tensor& tensor = tensors[i];
    Value& value = frame.values[i];
    value = {tensor.type, tensor.shape, nullptr, tensor.data.has_value()};
    if (!tensor.data) continue;
    value.type = type_in_kernels(tensor);
    if (load == Load::for_shapes && !matters_for_shapes(tensor)) continue;
    auto data = constants.get(tensor);
    if (!data) return Failure{data.error()};
    value.data = const_cast<std::byte*>(data->bytes.data());  // kernels only read constants
    frame.owners[i] = data->owner;
  }
  for (const Capture& capture : linked.captures)
    if (const Frame* from = up(outer, capture.levels)) {
      frame.values[capture.inner] = from->values[capture.outer];
      frame.owners[capture.inner] = from->owners[capture.outer];
    }
  return frame;
}

std::vector<Value> operands(const Frame& frame, const Node& node) {
  std::vector<Value> values(node.inputs.size());
  for (std::size_t i = 0; i < values.size(); ++i)
    if (node.inputs[i] != no_tensor) values[i] = frame.values[node.inputs[i]];
  return values;
}

std::optional<std::size_t> bytes_of(const Value& value) {
  const auto count = element_count(value.shape);
  std::size_t bytes = 0;
  if (!count || __builtin_mul_overflow(*count, size_of(value.type), &bytes)) return std::nullopt;
  return bytes;
}

Status allocate(Frame& frame, std::span<const TensorId> ids, std::size_t limit) {
  for (const TensorId id : ids) {
    if (id == no_tensor) continue;
    const auto bytes = bytes_of(frame.values[id]);
    const std::string who = "tensor '" + frame.graph().tensors[id].name + "'";
    if (!bytes) return Failure{who + " has the unknown shape " + to_string(frame.values[id].shape)};
    auto buffer = Buffer::make(*bytes, limit);
    if (!buffer) return Failure{who + ": " + buffer.error()};
    frame.values[id].data = (*buffer)->data();
    frame.owners[id] = *buffer;
  }
  return {};
}

std::string describe(const Node& node) { return "node '" + node.name + "' (" + node.op + ")"; }

}  // namespace mlq
