// A Concat over the channels of convolutions that nobody else reads: they write into its result side by side,
// and the copy is gone.
#include <algorithm>
#include <limits>

#include "compiler/graph/edit.h"

namespace mlqc {
namespace {

using mlq::Graph;
using mlq::Node;
using mlq::TensorId;

bool joinable(const Graph& graph, const Uses& uses, TensorId id) {
  int producer = uses.producer[id];
  if (producer < 0 || only_reader(uses, id) < 0) return false;
  const Node& node = graph.nodes[producer];
  if (node.op != "ConvNhwc" || node.get_string("auto_pad", "NOTSET") != "NOTSET") return false;
  return std::all_of(node.inputs.begin() + 1, node.inputs.end(), [&](TensorId operand) {
    return operand == mlq::no_tensor || is_constant(graph, operand);
  });
}

template <class T>
void append(Node& joined, const char* key, std::vector<T> values) {
  auto& list = joined.attributes[key];
  if (!std::holds_alternative<std::vector<T>>(list)) list = std::vector<T>{};
  auto& all = std::get<std::vector<T>>(list);
  all.insert(all.end(), values.begin(), values.end());
}

void add_part(Node& joined, const Node& part) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  for (std::size_t i = 0; i < 4; ++i) joined.inputs.push_back(operand(part, i));
  append<std::int64_t>(joined, "group", {part.get_int("group", 1)});
  append(joined, "strides", part.get_ints("strides", {1, 1}));
  append(joined, "dilations", part.get_ints("dilations", {1, 1}));
  append(joined, "pads", part.get_ints("pads", {0, 0, 0, 0}));
  append<float>(joined, "activation_min", {part.get_float("activation_min", -infinity)});
  append<float>(joined, "activation_max", {part.get_float("activation_max", infinity)});
}

}  // namespace

void join_convolutions(Graph& graph) {
  Uses uses = uses_of(graph);
  for (Node& node : graph.nodes) {
    if (node.op != "Concat" || graph.tensors[node.outputs[0]].shape.size() != 4) continue;
    std::int64_t axis = node.get_int("axis", 0);
    bool all =
        (axis == 3 || axis == -1) && std::all_of(node.inputs.begin(), node.inputs.end(),
                                                 [&](TensorId id) { return joinable(graph, uses, id); });
    if (!all) continue;
    Node joined{"JoinedConvNhwc", node.name, {}, node.outputs, {}};
    for (TensorId id : node.inputs) add_part(joined, graph.nodes[uses.producer[id]]);
    node = std::move(joined);
  }
}

}  // namespace mlqc
