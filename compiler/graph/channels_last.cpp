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
  node.inputs[0] = layout.last(node.inputs[0]);
  for (std::size_t i = 1; i < node.inputs.size(); ++i) node.inputs[i] = layout.first(node.inputs[i]);
  node.outputs.resize(1);
  node.outputs[0] = layout.make_last(node.outputs[0]);
  layout.nodes.push_back(std::move(node));
}

void keep_first(Layout& layout, Node node) {
  for (TensorId& id : node.inputs) id = layout.first(id);
  for (TensorId& id : node.outputs) id = layout.make_first(id);
  layout.nodes.push_back(std::move(node));
}

// A Transpose of an image that lives channels-last reads it there.
bool merge_transpose(Layout& layout, const Node& node) {
  if (node.op != "Transpose" || !layout.lives_last(node.inputs[0])) return false;
  auto perm = node.get_ints("perm");
  if (perm.size() != 4) return false;
  for (auto& axis : perm) axis = axis_last[axis];
  Node merged{
      "Transpose", node.name, {layout.last(node.inputs[0])}, {layout.make_first(node.outputs[0])}, {}};
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
  Layout layout(graph);
  std::vector<Node> nodes = std::move(graph.nodes);
  for (Node& node : nodes) {
    bool image = !node.inputs.empty() && layout.is_image(node.inputs[0]);
    bool lives_last = std::any_of(node.inputs.begin(), node.inputs.end(),
                                  [&](TensorId id) { return layout.lives_last(id); });
    if (image && is_spatial(node))
      move_spatial(layout, std::move(node));
    else if (merge_transpose(layout, node))
      continue;
    else if (lives_last && move_indifferent(graph, layout, node))
      continue;
    else
      keep_first(layout, std::move(node));
  }
  for (std::size_t i = 0; i < uses.kept.size(); ++i)
    if (uses.kept[i]) layout.first(static_cast<TensorId>(i));
  graph.nodes = std::move(layout.nodes);
}

}  // namespace mlqc
