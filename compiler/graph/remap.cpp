#include "compiler/graph/remap.h"

#include <algorithm>

namespace mlqc {
namespace {

using mlq::Graph;
using mlq::Node;
using mlq::TensorId;
using Ints = std::vector<std::int64_t>;

template <std::size_t n>
bool one_of(const Node& node, const std::string_view (&ops)[n]) {
  return std::find(std::begin(ops), std::end(ops), node.op) != std::end(ops);
}

bool is_unary(const Node& node) {
  static constexpr std::string_view ops[] = {
      "Relu",       "LeakyRelu", "Sigmoid",     "Tanh",      "Exp",   "Log",   "Sqrt",
      "Rsqrt",      "Abs",       "Neg",         "Ceil",      "Floor", "Round", "Sign",
      "Reciprocal", "Erf",       "Sin",         "Cos",       "Elu",   "Celu",  "Selu",
      "Softsign",   "Softplus",  "HardSigmoid", "HardSwish", "Mish",  "Gelu",  "ThresholdedRelu",
      "Clip",       "Square",    "Identity",    "Dropout",   "Cast",  "Trunc", "Exp2"};
  return one_of(node, ops);
}
bool is_broadcasting(const Node& node) {
  static constexpr std::string_view ops[] = {"Add",
                                             "Sub",
                                             "Mul",
                                             "Div",
                                             "Pow",
                                             "Min",
                                             "Max",
                                             "Sum",
                                             "Mean",
                                             "PRelu",
                                             "SquaredDifference",
                                             "Greater",
                                             "GreaterOrEqual",
                                             "Less",
                                             "LessOrEqual",
                                             "Equal",
                                             "Where",
                                             "And",
                                             "Or",
                                             "Mod"};
  return one_of(node, ops);
}
bool is_reduction(const Node& node) { return node.op.starts_with("Reduce"); }

std::optional<std::int64_t> moved_axis(const Layout& layout, std::int64_t axis) {
  if (axis < -4 || axis > 3) return std::nullopt;
  return layout.moved_axis(axis < 0 ? axis + 4 : axis);
}
std::optional<Ints> moved_axes(const Layout& layout, const Ints& axes) {
  Ints result;
  for (std::int64_t axis : axes) {
    auto moved = moved_axis(layout, axis);
    if (!moved) return std::nullopt;
    result.push_back(*moved);
  }
  return result;
}

TensorId integers(Graph& graph, const Node& node, const char* what, const Ints& values) {
  return mlq::add_constant(graph, node.name + "/" + what + ":moved",
                           {static_cast<std::int64_t>(values.size())}, std::span<const std::int64_t>(values));
}

// Images as twins, constants moved, single numbers as they are.
std::optional<std::vector<TensorId>> broadcast_operands(Graph& graph, Layout& layout, const Node& node) {
  for (TensorId id : node.inputs) {
    if (id == mlq::no_tensor) return std::nullopt;
    auto count = mlq::element_count(graph.tensors[id].shape);
    bool single = count && *count == 1 && graph.tensors[id].shape.size() <= 4;
    if (is_constant(graph, id) ? layout.constant_twin(id) == mlq::no_tensor : !layout.is_image(id) && !single)
      return std::nullopt;
  }
  std::vector<TensorId> operands;
  for (TensorId id : node.inputs) {
    if (is_constant(graph, id))
      operands.push_back(layout.constant_twin(id));
    else
      operands.push_back(layout.is_image(id) ? layout.twin(id) : layout.plain(id));
  }
  return operands;
}

// Renames the axes of a node on one image; false when it cannot be. Operands but the first are set here.
bool rename_reduction(Graph& graph, const Layout& layout, Node& node) {
  auto axes = node.get_ints("axes");
  if (TensorId id = operand(node, 1); id != mlq::no_tensor) {
    auto values = integers_of(graph, id);
    if (!values) return false;
    axes = *values;
  }
  if (axes.empty() && node.get_int("noop_with_empty_axes", 0)) return false;
  auto moved = axes.empty() ? Ints{0, 1, 2, 3} : moved_axes(layout, axes);
  if (!moved) return false;
  node.attributes.erase("axes");
  node.inputs.resize(1);
  node.inputs.push_back(integers(graph, node, "axes", *moved));
  return true;
}

// Without the reduced axes (of the twin), what is left must come in the same order in both forms.
bool same_order_without(const Layout& layout, const Ints& reduced) {
  Ints left;
  for (std::int64_t axis = 0; axis < 4; ++axis)
    if (std::find(reduced.begin(), reduced.end(), axis) == reduced.end())
      left.push_back(layout.to_twin()[static_cast<std::size_t>(axis)]);
  return std::is_sorted(left.begin(), left.end());
}

bool rename_slice(Graph& graph, const Layout& layout, Node& node) {
  if (node.inputs.size() < 3) return false;
  Ints axes{0, 1, 2, 3};
  auto starts = integers_of(graph, node.inputs[1]);
  if (TensorId id = operand(node, 3); id != mlq::no_tensor) {
    auto values = integers_of(graph, id);
    if (!values) return false;
    axes = *values;
  } else if (!starts || starts->size() > 4) {
    return false;
  } else {
    axes.resize(starts->size());
  }
  auto moved = moved_axes(layout, axes);
  if (!moved) return false;
  node.inputs.resize(std::max<std::size_t>(4, node.inputs.size()), mlq::no_tensor);
  node.inputs[3] = integers(graph, node, "axes", *moved);
  return true;
}

bool rename_pad(Graph& graph, const Layout& layout, Node& node) {
  if (operand(node, 3) != mlq::no_tensor) return false;
  auto pads = operand(node, 1) == mlq::no_tensor ? std::optional(node.get_ints("pads"))
                                                 : integers_of(graph, node.inputs[1]);
  if (!pads || pads->size() != 8) return false;
  Ints begins = layout.moved(Ints(pads->begin(), pads->begin() + 4)),
       ends = layout.moved(Ints(pads->begin() + 4, pads->end()));
  begins.insert(begins.end(), ends.begin(), ends.end());
  node.attributes.erase("pads");
  node.inputs.resize(std::max<std::size_t>(2, node.inputs.size()), mlq::no_tensor);
  node.inputs[1] = integers(graph, node, "pads", begins);
  return true;
}

bool rename_resize(Graph& graph, const Layout& layout, Node& node) {
  // A region of interest would have to be renamed as well; it is rare.
  if (TensorId roi = operand(node, 1);
      node.op == "Resize" && roi != mlq::no_tensor && graph.tensors[roi].shape != mlq::Shape{0})
    return false;
  std::size_t at = node.op == "Upsample" ? 1 : 2;
  if (auto list = node.get_floats("scales"); !list.empty()) {
    if (list.size() != 4) return false;
    node.attributes["scales"] = layout.moved(list);
  }
  if (auto list = node.get_ints("sizes"); !list.empty()) {
    if (list.size() != 4) return false;
    node.attributes["sizes"] = layout.moved(list);
  }
  if (TensorId id = operand(node, at); id != mlq::no_tensor && graph.tensors[id].shape != mlq::Shape{0}) {
    auto scales = floats_of(graph, id);
    if (!scales || scales->size() != 4) return false;
    node.inputs[at] = mlq::add_constant(graph, node.name + "/scales:moved", {4}, layout.moved(*scales));
  }
  if (TensorId id = operand(node, 3); node.op == "Resize" && id != mlq::no_tensor) {
    auto sizes = integers_of(graph, id);
    if (!sizes || sizes->size() != 4) return false;
    node.inputs[3] = integers(graph, node, "sizes", layout.moved(*sizes));
  }
  return true;
}

bool rename_axis(const Layout& layout, Node& node, std::int64_t otherwise) {
  auto axis = moved_axis(layout, node.get_int("axis", otherwise));
  if (axis) node.attributes["axis"] = *axis;
  return axis.has_value();
}

enum class Moved { no, all_images, one_image };

// How the node's operands are to be taken once its axes are renamed.
Moved rename(Graph& graph, const Layout& layout, Node& node) {
  if (node.op == "Concat") return rename_axis(layout, node, 0) ? Moved::all_images : Moved::no;
  bool done = false;
  if (is_unary(node))
    done = true;
  else if (node.op == "Split")
    done = rename_axis(layout, node, 0);
  else if (node.op == "Softmax" || node.op == "LogSoftmax" || node.op == "LpNormalization")
    done = rename_axis(layout, node, -1);
  else if (node.op == "ArgMax" || node.op == "ArgMin")
    done = node.get_int("keepdims", 1) && rename_axis(layout, node, 0);
  else if (node.op == "Slice")
    done = rename_slice(graph, layout, node);
  else if (node.op == "Pad")
    done = rename_pad(graph, layout, node);
  else if (node.op == "Resize" || node.op == "Upsample")
    done = rename_resize(graph, layout, node);
  else if (is_reduction(node))
    done = rename_reduction(graph, layout, node);
  return done ? Moved::one_image : Moved::no;
}

void append(Layout& layout, Node node) {
  for (TensorId& id : node.outputs)
    if (id != mlq::no_tensor) id = layout.is_image(id) ? layout.make_twin(id) : layout.make_plain(id);
  layout.nodes.push_back(std::move(node));
}

}  // namespace

bool move_indifferent(Graph& graph, Layout& layout, const Node& original) {
  Node node = original;
  if (is_broadcasting(node)) {
    auto operands = broadcast_operands(graph, layout, node);
    if (!operands || !layout.is_image(node.outputs[0])) return false;
    node.inputs = *operands;
    append(layout, std::move(node));
    return true;
  }
  Moved moved = rename(graph, layout, node);
  if (moved == Moved::no) return false;
  std::size_t images = moved == Moved::all_images ? node.inputs.size() : 1;
  for (std::size_t i = 0; i < images; ++i)
    if (!layout.is_image(node.inputs[i])) return false;
  if (is_reduction(node) && node.get_int("keepdims", 1) == 0 &&
      !same_order_without(layout, *integers_of(graph, node.inputs[1])))
    return false;
  for (std::size_t i = 0; i < node.inputs.size(); ++i)
    node.inputs[i] = i < images ? layout.twin(node.inputs[i]) : layout.plain(node.inputs[i]);
  append(layout, std::move(node));
  return true;
}

}  // namespace mlqc
