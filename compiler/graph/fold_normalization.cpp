// BatchNormalization with constant statistics becomes a multiplication and an addition per channel.
#include <cmath>

#include "compiler/graph/edit.h"

namespace mlqc {
namespace {

using mlq::Graph;
using mlq::Node;
using mlq::TensorId;

struct Affine {
  std::vector<float> scale, shift;
};

std::optional<Affine> affine_of(const Graph& graph, const Node& node) {
  if (node.op != "BatchNormalization" || node.inputs.size() < 5 || node.outputs.empty()) return std::nullopt;
  for (std::size_t i = 1; i < node.outputs.size(); ++i)
    if (node.outputs[i] != mlq::no_tensor) return std::nullopt;
  std::vector<float> v[4];
  for (std::size_t i = 0; i < 4; ++i) {
    auto values = floats_of(graph, node.inputs[i + 1]);
    if (!values || (i > 0 && values->size() != v[0].size())) return std::nullopt;
    v[i] = *values;
  }
  Affine a;
  double epsilon = node.get_float("epsilon", 1e-5f);
  for (std::size_t c = 0; c < v[0].size(); ++c) {
    double scale = v[0][c] / std::sqrt(static_cast<double>(v[3][c]) + epsilon);
    a.scale.push_back(static_cast<float>(scale));
    a.shift.push_back(static_cast<float>(v[1][c] - v[2][c] * scale));
  }
  return a;
}

Node binary(std::string op, const std::string& name, TensorId a, TensorId b, TensorId y) {
  return {std::move(op), name, {a, b}, {y}, {}};
}

}  // namespace

void fold_normalization(Graph& graph) {
  std::vector<Node> nodes;
  for (auto& node : graph.nodes) {
    auto affine = affine_of(graph, node);
    if (!affine) {
      nodes.push_back(std::move(node));
      continue;
    }
    const mlq::Tensor x = graph.tensors[node.inputs[0]];
    mlq::Shape shape(x.shape.size() > 1 ? x.shape.size() - 1 : 1, 1);
    shape[0] = static_cast<std::int64_t>(affine->scale.size());
    TensorId scale = mlq::add_constant(graph, node.name + "/scale", shape, affine->scale);
    TensorId shift = mlq::add_constant(graph, node.name + "/shift", shape, affine->shift);
    TensorId scaled = mlq::add_tensor(graph, {node.name + "/scaled", x.type, x.shape, {}, {}});
    nodes.push_back(binary("Mul", node.name, node.inputs[0], scale, scaled));
    nodes.push_back(binary("Add", node.name, scaled, shift, node.outputs[0]));
  }
  graph.nodes = std::move(nodes);
}

}  // namespace mlqc
