// Moves images to channels last, which the kernel library wants. One pass forward in the order of the nodes:
// spatial operators are always moved; operators that do not care run on whatever form their operands have;
// all others get channel-first operands. Transpositions appear only where the two meet.
#include <algorithm>

#include "compiler/graph/edit.h"
#include "compiler/graph/layout.h"
#include "compiler/graph/remap.h"

namespace mlqc {
namespace {

using mlq::Graph;
using mlq::Node;
using mlq::TensorId;

bool is_spatial(const Node& node) {
  static constexpr std::string_view ops[] = {
      "Conv",          "ConvTranspose",         "MaxPool", "AveragePool", "LpPool", "GlobalAveragePool",
      "GlobalMaxPool", "InstanceNormalization", "LRN"};
  if (std::find(std::begin(ops), std::end(ops), node.op) == std::end(ops)) return false;
  // Positions of maxima are numbered channel-first; other norms than the Euclidean have no fast form.
  if (node.outputs.size() > 1 && node.outputs[1] != mlq::no_tensor) return false;
  return node.op != "LpPool" || node.get_int("p", 2) == 2;
}

void move_spatial(Layout& layout, Node node) {
  node.op += "Nhwc";
  node.inputs[0] = layout.twin(node.inputs[0]);
  for (std::size_t i = 1; i < node.inputs.size(); ++i) node.inputs[i] = layout.plain(node.inputs[i]);
  node.outputs.resize(1);
  node.outputs[0] = layout.make_twin(node.outputs[0]);
  layout.nodes.push_back(std::move(node));
}

void keep_first(Layout& layout, Node node) {
  for (TensorId& id : node.inputs) id = layout.plain(id);
  for (TensorId& id : node.outputs) id = layout.make_plain(id);
  layout.nodes.push_back(std::move(node));
}

// A Transpose of an image that lives channels-last reads it there; one that makes a channels-last image of
// the source channel-first needs not be done for those who want it channels-last.
bool merge_transpose(Layout& layout, const Node& node) {
  if (node.op != "Transpose") return false;
  auto perm = node.get_ints("perm");
  if (perm == layout.from_twin() && !layout.lives_as_twin(node.inputs[0])) {
    layout.adopt_twin(node.outputs[0], node.inputs[0]);
    return true;
  }
  if (perm.size() != 4 || !layout.lives_as_twin(node.inputs[0])) return false;
  for (auto& axis : perm) axis = layout.moved_axis(axis);
  Node merged{
      "Transpose", node.name, {layout.twin(node.inputs[0])}, {layout.make_plain(node.outputs[0])}, {}};
  if (perm == std::vector<std::int64_t>{0, 1, 2, 3})
    merged.op = "Identity";
  else
    merged.attributes["perm"] = perm;
  layout.nodes.push_back(std::move(merged));
  return true;
}

}  // namespace

void channels_last(Graph& graph) {
  Uses uses = uses_of(graph);
  Layout layout(graph, first_to_last, last_to_first);
  std::vector<Node> nodes = std::move(graph.nodes);
  for (Node& node : nodes) {
    bool image = !node.inputs.empty() && layout.is_image(node.inputs[0]);
    bool lives_as_twin = std::any_of(node.inputs.begin(), node.inputs.end(),
                                     [&](TensorId id) { return layout.lives_as_twin(id); });
    if (image && is_spatial(node))
      move_spatial(layout, std::move(node));
    else if (merge_transpose(layout, node))
      continue;
    else if (lives_as_twin && move_indifferent(graph, layout, node))
      continue;
    else
      keep_first(layout, std::move(node));
  }
  for (std::size_t i = 0; i < uses.kept.size(); ++i)
    if (uses.kept[i]) layout.plain(static_cast<TensorId>(i));
  graph.nodes = std::move(layout.nodes);
}

}  // namespace mlqc
