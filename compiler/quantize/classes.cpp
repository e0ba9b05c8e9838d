#include "compiler/quantize/classes.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "compiler/graph/edit.h"
#include "compiler/quantize/weights.h"

namespace mlqc {

namespace {

using mlq::Graph;
using mlq::Node;
using mlq::TensorId;

// What keeps channels apart, in whatever shape. Where the count of scores is that of channels, no shape can
// mix them.
constexpr std::array<std::string_view, 17> apart = {
    "Softmax", "LogSoftmax", "Identity",          "Dropout",     "Flatten",      "Reshape",
    "Squeeze", "Unsqueeze",  "GlobalAveragePool", "AveragePool", "ReduceMean",   "Relu",
    "Clip",    "LeakyRelu",  "Sigmoid",           "Cast",        "GlobalMaxPool"};

const Node* producer(const Graph& graph, const Uses& uses, TensorId id) {
  const int node = id == mlq::no_tensor ? -1 : uses.producer[static_cast<std::size_t>(id)];
  return node < 0 ? nullptr : &graph.nodes[static_cast<std::size_t>(node)];
}

const mlq::Tensor& tensor(const Graph& graph, TensorId id) {
  return graph.tensors[static_cast<std::size_t>(id)];
}

// The scores of one sample; 0 where the shape leaves them open.
std::int64_t scores(const mlq::Shape& shape) {
  std::int64_t count = shape.empty() ? 0 : 1;
  for (std::size_t d = 0; d < shape.size(); ++d)
    if (d > 0 || shape.size() == 1 || shape[0] > 1) count *= std::max<std::int64_t>(shape[d], 0);
  return count;
}

std::optional<TensorId> weights_of(const Graph& graph, const Node& node) {
  if (node.op == "Conv" && node.get_int("group", 1) != 1) return std::nullopt;
  if (node.op != "Conv" && node.op != "Gemm" && node.op != "MatMul") return std::nullopt;
  const TensorId id = node.inputs[1];
  if (!tensor(graph, id).data) return std::nullopt;
  return id;
}

std::optional<TensorId> weights_behind(const Graph& graph, const Uses& uses, TensorId id) {
  const Node* node = producer(graph, uses, id);
  while (node && std::ranges::find(apart, node->op) != apart.end())
    node = producer(graph, uses, operand(*node, 0));
  // A bias added to a product.
  if (node && node->op == "Add" && node->inputs.size() == 2 && tensor(graph, node->inputs[1]).data)
    node = producer(graph, uses, operand(*node, 0));
  if (!node || node->inputs.size() < 2) return std::nullopt;
  return weights_of(graph, *node);
}

}  // namespace

std::optional<ClassLayer> class_layer(const Graph& graph) {
  const std::vector<Constant> constants = float_constants(graph);
  const Uses uses = uses_of(graph);
  for (std::size_t i = 0; i < graph.outputs.size(); ++i) {
    if (graph.outputs[i].kind == mlq::FeatureKind::label)
      continue;  // the best of scores that another output has
    const std::int64_t count = scores(graph.outputs[i].shape);
    const auto id = count > 1 ? weights_behind(graph, uses, graph.outputs[i].tensor) : std::nullopt;
    if (!id) continue;
    for (const Constant& constant : constants)
      if (constant.tensor == *id && constant.weight &&
          tensor(graph, *id).shape[static_cast<std::size_t>(constant.axis)] == count)
        return ClassLayer{*id, i};
  }
  return std::nullopt;
}

}  // namespace mlqc
