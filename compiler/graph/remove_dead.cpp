// Nodes whose results nobody needs, and nodes that only pass their operand on.
#include <algorithm>

#include "compiler/graph/edit.h"

namespace mlqc {

void remove_dead(mlq::Graph& graph) {
  Uses uses = uses_of(graph);
  std::vector<bool> needed = uses.kept;
  std::vector<mlq::Node> kept;
  for (std::size_t n = graph.nodes.size(); n-- > 0;) {
    mlq::Node& node = graph.nodes[n];
    bool wanted = std::any_of(node.outputs.begin(), node.outputs.end(),
                              [&](mlq::TensorId id) { return id != mlq::no_tensor && needed[id]; });
    if (!wanted) continue;
    for (mlq::TensorId id : node.inputs)
      if (id != mlq::no_tensor) needed[id] = true;
    kept.push_back(std::move(node));
  }
  std::reverse(kept.begin(), kept.end());
  graph.nodes = std::move(kept);
  compact(graph);
}

void remove_identities(mlq::Graph& graph) {
  Uses uses = uses_of(graph);
  std::vector<mlq::TensorId> stands_for(graph.tensors.size());
  for (std::size_t i = 0; i < stands_for.size(); ++i) stands_for[i] = static_cast<mlq::TensorId>(i);
  std::vector<mlq::Node> kept;
  for (auto& node : graph.nodes) {
    for (mlq::TensorId& id : node.inputs)
      if (id != mlq::no_tensor) id = stands_for[id];
    bool passes = (node.op == "Identity" || node.op == "Dropout") && node.inputs.size() >= 1 &&
                  (node.outputs.size() == 1 || uses.readers[node.outputs[1]].empty());
    // A result that users see keeps its node: what it would become may be an input.
    if (passes && !uses.kept[node.outputs[0]])
      stands_for[node.outputs[0]] = node.inputs[0];
    else
      kept.push_back(std::move(node));
  }
  graph.nodes = std::move(kept);
}

}  // namespace mlqc
