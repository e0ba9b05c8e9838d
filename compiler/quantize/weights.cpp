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

// An operand that holds weights. Axes are counted from the end where they are negative.
struct Operand {
  std::string_view op;
  std::size_t input;
  int axis;
  std::string_view flip;  // the attribute that, when set, exchanges the last two axes
};

// The axes of the output channels are those that Core ML's formats want scales for.
constexpr std::array operands = std::to_array<Operand>({
    {"Conv", 1, 0, ""},
    {"ConvTranspose", 1, 1, ""},
    {"DeformConv", 1, 0, ""},
    {"Gemm", 1, -1, "transB"},
    {"Gemm", 0, -2, "transA"},
    {"MatMul", 1, -1, ""},
    {"MatMul", 0, -2, ""},
    {"LSTM", 1, 1, ""},
    {"LSTM", 2, 1, ""},
    {"GRU", 1, 1, ""},
    {"GRU", 2, 1, ""},
    {"RNN", 1, 1, ""},
    {"RNN", 2, 1, ""},
    {"Gather", 0, 1, ""},  // an embedding: the axis that is not looked up in
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
    const std::optional<int> axis = channel_axis(node, input);
    if (axis) {
      trace(node, id, *axis);
    } else if (is_float_constant(id)) {
      add(node, id);
    }
  }

  // A constant of a graph around, which a subgraph names.
  void add_named(const Node& reader, const std::string& name, int axis) {
    for (std::size_t i = 0; i < graph_.tensors.size(); ++i)
      if (graph_.tensors[i].name == name) {
        const auto id = static_cast<TensorId>(i);
        if (is_float_constant(id)) return add(reader, id, axis);
        if (tensor(id).data || producer_[i]) return;
      }
    if (outer_) outer_->add_named(reader, name, axis);
  }

  bool is_float_constant(TensorId id) const {
    const Tensor& t = tensor(id);
    return t.data && !t.shape.empty() && (t.type == DataType::float32 || t.type == DataType::float16);
  }

  // Nothing where the operand is no weight.
  std::optional<int> channel_axis(const Node& node, std::size_t input) const {
    // Of a custom layer, the manifest says whether its weights, the last operands, may change.
    if (node.op == mlq::custom_op && input >= node.inputs.size() - custom_weights_of(node))
      return node.get_int("quantize", 0) != 0 ? std::optional(0) : std::nullopt;
    const auto row = std::find_if(operands.begin(), operands.end(), [&](const Operand& operand) {
      return operand.op == node.op && operand.input == input;
    });
    const int rank = static_cast<int>(tensor(node.inputs[input]).shape.size());
    if (row == operands.end() || rank < 2) return std::nullopt;
    if (node.op == "Gather") return node.get_int("axis", 0) % rank == 0 ? 1 : 0;
    int axis = row->axis;
    if (!row->flip.empty() && node.get_int(row->flip, 0) != 0) axis = -3 - axis;
    return axis < 0 ? axis + rank : axis;
  }

  // Back through nodes that only rearrange: some front ends lay out a layer's matrices with them.
  void trace(const Node& reader, TensorId id, int axis) {
    if (is_float_constant(id)) return add(reader, id, axis);
    const Node* node = producer_[index(id)];
    if (!node && outer_) return outer_->add_named(reader, tensor(id).name, axis);
    if (!node || node->inputs.empty()) return;
    if (node->op == "Transpose") {
      const std::vector<std::int64_t> order = node->get_ints("perm");
      const int rank = static_cast<int>(tensor(id).shape.size());
      const int from = order.empty() ? rank - 1 - axis
                       : axis < static_cast<int>(order.size())
                           ? static_cast<int>(order[static_cast<std::size_t>(axis)])
                           : 0;
      trace(reader, node->inputs[0], from);
    } else if (node->op == "Concat" || node->op == "Identity") {
      for (const TensorId input : node->inputs) trace(reader, input, axis);
    } else if (node->op == "Reshape" || node->op == "Unsqueeze" || node->op == "Squeeze") {
      trace(reader, node->inputs[0], 0);
    }
  }

  void add(const Node& node, TensorId id, std::optional<int> axis = {}) {
    const bool weight =
        axis && *axis < static_cast<int>(tensor(id).shape.size()) && tensor(id).shape.size() >= 2;
    std::optional<std::size_t>& entry = entry_[index(id)];
    if (!entry) {
      entry = found_.size();
      found_.push_back({id, node.name, node.op, false, 0});
    }
    Constant& constant = found_[*entry];
    if (weight && !constant.weight) constant = {id, node.name, node.op, true, *axis};
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
