// A GRU that resets after the recurrent product, as Keras' does: the format's layer resets before it, so it
// becomes a loop over the steps, with the product of all operands in front.
#include <algorithm>
#include <cstring>

#include "compiler/backends/coreml_writer/rewrites.h"
#include "compiler/graph/edit.h"

namespace mlqc::coreml_writer {

namespace {

using mlq::DataType;
using mlq::Graph;
using mlq::Node;
using mlq::Shape;
using mlq::Tensor;
using mlq::TensorId;
using Ids = std::vector<TensorId>;
using Attributes = std::map<std::string, mlq::Attribute, std::less<>>;

// Nodes of one name, appended to a graph or to the graph of a body.
class Maker {
 public:
  Maker(Graph& graph, std::string name, std::vector<Node>& nodes)
      : graph_(graph), name_(std::move(name)), nodes_(nodes) {}

  TensorId value(const Shape& shape, DataType type = DataType::float32) {
    return mlq::add_tensor(graph_,
                           {name_ + "/step:" + std::to_string(graph_.tensors.size()), type, shape, {}, {}});
  }
  Ids nodes(const char* op, Ids inputs, const std::vector<Shape>& shapes, Attributes attributes = {}) {
    Node node{op, name_, std::move(inputs), {}, std::move(attributes)};
    for (const Shape& shape : shapes) node.outputs.push_back(value(shape));
    nodes_.push_back(node);
    return node.outputs;
  }
  TensorId node(const char* op, Ids inputs, const Shape& shape, Attributes attributes = {}) {
    return nodes(op, std::move(inputs), {shape}, std::move(attributes))[0];
  }
  TensorId ints(const std::vector<std::int64_t>& values) {
    return mlq::add_constant(graph_, name_ + "/number:" + std::to_string(graph_.tensors.size()),
                             {static_cast<std::int64_t>(values.size())},
                             std::span<const std::int64_t>(values));
  }
  TensorId scalar(std::int64_t value) {
    return mlq::add_constant(graph_, name_ + "/number:" + std::to_string(graph_.tensors.size()), {},
                             std::span<const std::int64_t>(&value, 1));
  }
  void feature(std::vector<mlq::Feature>& to, TensorId id) {
    const Tensor& tensor = graph_.tensors[static_cast<std::size_t>(id)];
    mlq::Feature feature;
    feature.name = tensor.name, feature.tensor = id, feature.shape = tensor.shape, feature.type = tensor.type;
    to.push_back(std::move(feature));
  }

 private:
  Graph& graph_;
  std::string name_;
  std::vector<Node>& nodes_;
};

struct Gru {
  std::int64_t steps, batch, units;
  bool backwards;
  TensorId matrix, bias, recurrent, recurrent_bias;  // [3 units, vector], [3 units], gates as ONNX has them
};

const Tensor& tensor(const Graph& graph, TensorId id) { return graph.tensors[static_cast<std::size_t>(id)]; }

// [1, rows, columns] as [rows, columns], packed as it is.
TensorId without_directions(Graph& graph, TensorId id) {
  Tensor matrix = tensor(graph, id);
  matrix.name += ".rows";
  matrix.shape.erase(matrix.shape.begin());
  if (auto& q = matrix.quantization; q && !q->blocks.empty()) q->blocks.erase(q->blocks.begin());
  return mlq::add_tensor(graph, std::move(matrix));
}

// Half of [1, 2 * count]; none are zeros.
TensorId half_of(Graph& graph, const Node& node, std::int64_t which, std::int64_t count) {
  std::vector<float> values(static_cast<std::size_t>(count), 0);
  if (const TensorId id = operand(node, 3); id != mlq::no_tensor)
    if (const auto both = floats_of(graph, id, 2 * count))
      std::copy_n(both->begin() + static_cast<std::ptrdiff_t>(which * count), values.size(), values.begin());
  return mlq::add_constant(graph, node.name + "/bias." + std::to_string(which), {count}, values);
}

std::optional<Gru> late_reset(Graph& graph, const Node& node) {
  const std::string direction = node.get_string("direction", "forward");
  const std::string functions = node.get_string("activations", "Sigmoid,Tanh");
  if (node.op != "GRU" || !node.get_int("linear_before_reset", 0) || node.get_int("layout", 0) != 0)
    return {};
  if (direction == "bidirectional" || (functions != "Sigmoid,Tanh" && !functions.empty())) return {};
  if (operand(node, 4) != mlq::no_tensor || node.get_float("clip", 0) > 0) return {};
  for (const std::size_t i : {1, 2, 3})
    if (operand(node, i) != mlq::no_tensor && !is_constant(graph, operand(node, i))) return {};
  const Shape x = tensor(graph, node.inputs[0]).shape, r = tensor(graph, node.inputs[2]).shape;
  if (x.size() != 3 || r.size() != 3 || x[0] <= 0 || x[1] <= 0) return {};
  Gru gru{x[0], x[1], r[2], direction == "reverse", 0, 0, 0, 0};
  if (operand(node, 3) != mlq::no_tensor && !floats_of(graph, node.inputs[3], 6 * gru.units)) return {};
  gru.matrix = without_directions(graph, node.inputs[1]),
  gru.recurrent = without_directions(graph, node.inputs[2]);
  gru.bias = half_of(graph, node, 0, 3 * gru.units),
  gru.recurrent_bias = half_of(graph, node, 1, 3 * gru.units);
  return gru;
}

// Round, condition and state in; condition, state and state again, which is stacked, out.
std::shared_ptr<const Graph> body_of(const Graph& graph, const Node& node, const Gru& gru,
                                     TensorId products) {
  auto body = std::make_shared<Graph>();
  Maker m(*body, node.name + "/round", body->nodes);
  const Shape state{gru.batch, gru.units}, gates{gru.batch, 3 * gru.units};
  const auto around = [&](TensorId id) {
    const Tensor& outer = tensor(graph, id);
    return mlq::add_tensor(*body, {outer.name, DataType::float32, outer.shape, {}, {}});
  };
  TensorId round = m.value({}, DataType::int64);
  const TensorId go_on = m.value({}, DataType::boolean), h = m.value(state);
  for (const TensorId id : {round, go_on, h}) m.feature(body->inputs, id);
  if (gru.backwards) {
    const TensorId last = m.scalar(gru.steps - 1);
    round = m.node("Sub", {last, round}, {});
  }
  const TensorId x = m.node("Gather", {around(products), round}, gates, {{"axis", std::int64_t{0}}});
  const TensorId u = m.node("Gemm", {h, around(gru.recurrent), around(gru.recurrent_bias)}, gates,
                            {{"transB", std::int64_t{1}}});
  const TensorId sizes = m.ints({gru.units, gru.units, gru.units});
  const Ids of_x = m.nodes("Split", {x, sizes}, {state, state, state}, {{"axis", std::int64_t{1}}});
  const Ids of_h = m.nodes("Split", {u, sizes}, {state, state, state}, {{"axis", std::int64_t{1}}});
  const auto gate = [&](std::size_t i) {
    return m.node("Sigmoid", {m.node("Add", {of_x[i], of_h[i]}, state)}, state);
  };
  const TensorId update = gate(0), reset = gate(1);
  const TensorId late = m.node("Mul", {reset, of_h[2]}, state);
  const TensorId fresh = m.node("Tanh", {m.node("Add", {of_x[2], late}, state)}, state);
  const TensorId kept = m.node("Mul", {update, m.node("Sub", {h, fresh}, state)}, state);
  const TensorId next = m.node("Add", {fresh, kept}, state);
  for (const TensorId id : {go_on, next, next}) m.feature(body->outputs, id);
  return body;
}

void write_loop(Graph& graph, const Node& node, const Gru& gru, std::vector<Node>& nodes) {
  Maker m(graph, node.name, nodes);
  const std::int64_t rows = gru.steps * gru.batch, vector = tensor(graph, node.inputs[0]).shape[2];
  const Shape state{gru.batch, gru.units};
  const TensorId flat = m.node("Reshape", {node.inputs[0], m.ints({rows, vector})}, {rows, vector});
  const TensorId product =
      m.node("Gemm", {flat, gru.matrix, gru.bias}, {rows, 3 * gru.units}, {{"transB", std::int64_t{1}}});
  const Shape all{gru.steps, gru.batch, 3 * gru.units};
  const TensorId products = m.node("Reshape", {product, m.ints({all[0], all[1], all[2]})}, all);
  TensorId first = mlq::no_tensor;
  if (operand(node, 5) != mlq::no_tensor) {
    first = m.node("Reshape", {node.inputs[5], m.ints({gru.batch, gru.units})}, state);
  } else {
    const std::vector<float> zeros(static_cast<std::size_t>(gru.batch * gru.units), 0);
    first = mlq::add_constant(graph, node.name + "/state", state, zeros);
  }
  const Ids results =
      m.nodes("Loop", {m.scalar(gru.steps), mlq::no_tensor, first},
              {state, {gru.steps, gru.batch, gru.units}}, {{"body", body_of(graph, node, gru, products)}});
  TensorId sequence = results[1];
  if (gru.backwards)
    sequence = m.node("Slice", {sequence, m.ints({-1}), m.ints({INT32_MIN}), m.ints({0}), m.ints({-1})},
                      {gru.steps, gru.batch, gru.units});
  const auto give = [&](std::size_t i, TensorId from, std::int64_t axis) {
    if (i < node.outputs.size() && node.outputs[i] != mlq::no_tensor)
      nodes.push_back({"Unsqueeze", node.name, {from, m.ints({axis})}, {node.outputs[i]}, {}});
  };
  give(0, sequence, 1);
  give(1, results[0], 0);
}

}  // namespace

void loop_late_resets(Graph& graph) {
  std::vector<Node> nodes;
  for (const Node& node : graph.nodes) {
    if (const auto gru = late_reset(graph, node))
      write_loop(graph, node, *gru, nodes);
    else
      nodes.push_back(node);
  }
  graph.nodes = std::move(nodes);
}

}  // namespace mlqc::coreml_writer
