#include "compiler/quantize/weights.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "mlq/custom_layer.h"

namespace mlqc {

namespace {

using mlq::DataType;
using mlq::Graph;
using mlq::Node;
using mlq::Tensor;
using mlq::TensorId;

// Of a weight: the output channels, and what each of them sums over.
struct Axes {
  int out, in;
};

// An operand that holds weights. Axes are counted from the end where they are negative.
struct Operand {
  std::string_view op;
  std::size_t input;
  Axes axes;
  std::string_view flip;  // the attribute that, when set, exchanges the two axes
};

// The axes of the output channels are those that Core ML's formats want scales for.
constexpr std::array operands = std::to_array<Operand>({
    {"Conv", 1, {0, 1}, ""},
    {"ConvTranspose", 1, {1, 0}, ""},
    {"DeformConv", 1, {0, 1}, ""},
    {"Gemm", 1, {-1, -2}, "transB"},
    {"Gemm", 0, {-2, -1}, "transA"},
    {"MatMul", 1, {-1, -2}, ""},
    {"MatMul", 0, {-2, -1}, ""},
    {"LSTM", 1, {1, 2}, ""},
    {"LSTM", 2, {1, 2}, ""},
    {"GRU", 1, {1, 2}, ""},
    {"GRU", 2, {1, 2}, ""},
    {"RNN", 1, {1, 2}, ""},
    {"RNN", 2, {1, 2}, ""},
    {"Gather", 0, {1, 0}, ""},  // an embedding: the axis that is not looked up in
});

class Finder {
 public:
  // `outer` is of the graph around a subgraph, whose constants a subgraph may read by their names.
  explicit Finder(const Graph& graph, Finder* outer = nullptr)
      : graph_(graph), outer_(outer), producer_(graph.tensors.size(), nullptr), entry_(graph.tensors.size()) {
    for (const Node& node : graph.nodes)
      for (const TensorId id : node.outputs)
        if (id != mlq::no_tensor) producer_[index(id)] = &node;
  }

  std::vector<Constant> run() {
    for (const Node& node : graph_.nodes) {
      for (std::size_t i = 0; i < node.inputs.size(); ++i)
        if (node.inputs[i] != mlq::no_tensor) visit(node, i);
      for (const auto& [key, value] : node.attributes)
        if (const auto* inner = std::get_if<std::shared_ptr<const Graph>>(&value))
          Finder(**inner, this).run();
    }
    return std::move(found_);
  }

 private:
  static std::size_t index(TensorId id) { return static_cast<std::size_t>(id); }
  const Tensor& tensor(TensorId id) const { return graph_.tensors[index(id)]; }

  void visit(const Node& node, std::size_t input) {
    const TensorId id = node.inputs[input];
    const std::optional<Axes> axes = axes_of(node, input);
    if (axes) {
      trace(node, id, *axes);
    } else if (is_float_constant(id)) {
      add(node, id);
    }
  }

  // A constant of a graph around, which a subgraph names.
  void add_named(const Node& reader, const std::string& name, Axes axes) {
    for (std::size_t i = 0; i < graph_.tensors.size(); ++i)
      if (graph_.tensors[i].name == name) {
        const auto id = static_cast<TensorId>(i);
        if (is_float_constant(id)) return add(reader, id, axes);
        if (tensor(id).data || producer_[i]) return;
      }
    if (outer_) outer_->add_named(reader, name, axes);
  }

  bool is_float_constant(TensorId id) const {
    const Tensor& t = tensor(id);
    return t.data && !t.shape.empty() && (t.type == DataType::float32 || t.type == DataType::float16);
  }

  // Nothing where the operand is no weight.
  std::optional<Axes> axes_of(const Node& node, std::size_t input) const {
    // Of a custom layer, the manifest says whether its weights, the last operands, may change.
    if (node.op == mlq::custom_op && input >= node.inputs.size() - custom_weights_of(node))
      return node.get_int("quantize", 0) != 0 ? std::optional(Axes{0, 1}) : std::nullopt;
    const auto row = std::find_if(operands.begin(), operands.end(), [&](const Operand& operand) {
      return operand.op == node.op && operand.input == input;
    });
    const int rank = static_cast<int>(tensor(node.inputs[input]).shape.size());
    if (row == operands.end() || rank < 2) return std::nullopt;
    Axes axes = row->axes;
    const bool flip = !row->flip.empty() && node.get_int(row->flip, 0) != 0;
    if (flip || (node.op == "Gather" && node.get_int("axis", 0) % rank != 0)) std::swap(axes.out, axes.in);
    for (int* axis : {&axes.out, &axes.in})
      if (*axis < 0) *axis += rank;
    return axes;
  }

  // Back through nodes that only rearrange: some front ends lay out a layer's matrices with them.
  void trace(const Node& reader, TensorId id, Axes axes) {
    if (is_float_constant(id)) return add(reader, id, axes);
    const Node* node = producer_[index(id)];
    if (!node && outer_) return outer_->add_named(reader, tensor(id).name, axes);
    if (!node || node->inputs.empty()) return;
    if (node->op == "Transpose") {
      const auto order = node->get_ints("perm");
      const int rank = static_cast<int>(tensor(id).shape.size());
      trace(reader, node->inputs[0], {before(axes.out, order, rank), before(axes.in, order, rank)});
    } else if (node->op == "Concat" || node->op == "Identity") {
      for (const TensorId input : node->inputs) trace(reader, input, axes);
    } else if (node->op == "Reshape" || node->op == "Unsqueeze" || node->op == "Squeeze") {
      trace(reader, node->inputs[0], {0, 1});
    }
  }

  // Where a transposition has an axis from.
  static int before(int axis, const std::vector<std::int64_t>& order, int rank) {
    if (order.empty()) return rank - 1 - axis;
    return axis < static_cast<int>(order.size()) ? static_cast<int>(order[static_cast<std::size_t>(axis)])
                                                 : 0;
  }

  void add(const Node& node, TensorId id, std::optional<Axes> axes = {}) {
    const auto rank = static_cast<int>(tensor(id).shape.size());
    const bool weight = axes && rank >= 2 && axes->out < rank && axes->in < rank;
    std::optional<std::size_t>& entry = entry_[index(id)];
    if (!entry) {
      entry = found_.size();
      found_.push_back({id, node.name, node.op, false, 0, 1});
    }
    Constant& constant = found_[*entry];
    if (weight && !constant.weight) constant = {id, node.name, node.op, true, axes->out, axes->in};
  }

  const Graph& graph_;
  Finder* outer_;
  std::vector<const Node*> producer_;
  std::vector<std::optional<std::size_t>> entry_;  // of each tensor, in found_
  std::vector<Constant> found_;
};

}  // namespace

std::vector<Constant> float_constants(const Graph& graph) { return Finder(graph).run(); }

}  // namespace mlqc
