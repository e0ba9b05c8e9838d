// Networks that were written channels-last arrive with every spatial operator between two transpositions.
// Here those that cancel go: one pass forward in the order of the nodes, in which operators that do not care
// about the order of axes run on whatever form their operands have.
#include <algorithm>

#include "compiler/graph/edit.h"
#include "compiler/graph/layout.h"
#include "compiler/graph/remap.h"

namespace mlqc {
namespace {

using mlq::Graph;
using mlq::Node;
using mlq::TensorId;

// The transposition itself says that both forms are the same image.
bool merge_transpose(Layout& layout, const Node& node) {
  if (node.op != "Transpose" || !layout.is_image(node.inputs[0])) return false;
  const Permutation perm = node.get_ints("perm");
  if (perm == layout.from_twin() && !layout.lives_as_twin(node.inputs[0])) {
    layout.adopt_twin(node.outputs[0], node.inputs[0]);
    return true;
  }
  if (perm != layout.to_twin()) return false;
  const TensorId image = layout.twin(node.inputs[0]);
  layout.nodes.push_back({"Identity", node.name, {image}, {layout.make_plain(node.outputs[0])}, {}});
  return true;
}

void keep(Layout& layout, Node node) {
  for (TensorId& id : node.inputs) id = layout.plain(id);
  for (TensorId& id : node.outputs) id = layout.make_plain(id);
  layout.nodes.push_back(std::move(node));
}

bool has_subgraph(const Node& node) {
  return std::any_of(node.attributes.begin(), node.attributes.end(), [](const auto& attribute) {
    return std::holds_alternative<std::shared_ptr<const Graph>>(attribute.second);
  });
}

}  // namespace

void channels_first(Graph& graph) {
  // Without a transposition there is nothing to cancel; subgraphs read tensors by name in the plain form.
  const bool worth = std::any_of(graph.nodes.begin(), graph.nodes.end(),
                                 [](const Node& node) { return node.op == "Transpose"; }) &&
                     std::none_of(graph.nodes.begin(), graph.nodes.end(), has_subgraph);
  if (!worth) return;
  const Uses uses = uses_of(graph);
  Layout layout(graph, last_to_first, first_to_last);
  std::vector<Node> nodes = std::move(graph.nodes);
  for (Node& node : nodes) {
    const bool moved = std::any_of(node.inputs.begin(), node.inputs.end(),
                                   [&](TensorId id) { return layout.lives_as_twin(id); });
    if (merge_transpose(layout, node) || (moved && move_indifferent(graph, layout, node))) continue;
    keep(layout, std::move(node));
  }
  for (std::size_t i = 0; i < uses.kept.size(); ++i)
    if (uses.kept[i]) layout.plain(static_cast<TensorId>(i));
  graph.nodes = std::move(layout.nodes);
  remove_identities(graph);
}

}  // namespace mlqc
