// Takes what follows a convolution or dense node into it: factors and terms per channel, then a clamp.
// Weights stay as they are, quantized or not: factors become an operand of their own, which the kernel
// multiplies in when it packs the weights. Also clamps after the binary operators that know how.
#include <algorithm>
#include <limits>

#include "compiler/graph/edit.h"

namespace mlqc {
namespace {

using mlq::Graph;
using mlq::Node;
using mlq::TensorId;

constexpr float infinity = std::numeric_limits<float>::infinity();

// A constant with one number per channel of a result whose channels lie `after` axes before the last.
std::optional<std::vector<float>> per_channel(const Graph& graph, TensorId id, std::int64_t channels,
                                              int after) {
  auto values = floats_of(graph, id);
  if (!values) return std::nullopt;
  if (values->size() == 1 && graph.tensors[id].shape.size() <= static_cast<std::size_t>(after) + 2)
    return std::vector<float>(channels, values->front());
  const mlq::Shape& shape = graph.tensors[id].shape;
  auto axis = static_cast<std::int64_t>(shape.size()) - 1 - after;
  if (axis < 0 || shape[axis] != channels) return std::nullopt;
  for (std::int64_t i = 0; i < static_cast<std::int64_t>(shape.size()); ++i)
    if (i != axis && shape[i] != 1) return std::nullopt;
  // More axes than the result has would change its rank.
  if (axis > 1) return std::nullopt;
  return values;
}

struct Folded {
  std::vector<float> scale, bias;
  bool scaled = false, shifted = false;
  float lowest = -infinity, highest = infinity;
  bool clamped = false;
};

// Takes `node`, whose operand `x` is the result so far, into f; false when it is not of the kind.
bool take_affine(const Graph& graph, const Node& node, TensorId x, int after, Folded& f) {
  if (node.inputs.size() != 2) return false;
  bool first = node.inputs[0] == x;
  auto values =
      per_channel(graph, node.inputs[first ? 1 : 0], static_cast<std::int64_t>(f.scale.size()), after);
  if (!values || (!first && (node.op == "Sub" || node.op == "Div"))) return false;
  bool multiplies = node.op == "Mul" || node.op == "Div";
  if (!multiplies && node.op != "Add" && node.op != "Sub") return false;
  for (std::size_t c = 0; c < values->size(); ++c) {
    float v = (*values)[c];
    if (node.op == "Div") v = 1.0f / v;
    if (multiplies)
      f.scale[c] *= v, f.bias[c] *= v;
    else
      f.bias[c] += node.op == "Sub" ? -v : v;
  }
  f.scaled |= multiplies;
  f.shifted |= !multiplies || std::any_of(f.bias.begin(), f.bias.end(), [](float b) { return b != 0; });
  return true;
}

bool take_clamp(const Graph& graph, const Node& node, Folded& f) {
  float low = -infinity, high = infinity;
  if (node.op == "Relu") {
    low = 0;
  } else if (node.op == "Clip") {
    low = node.get_float("min", low), high = node.get_float("max", high);
    for (std::size_t i = 1; i < 3; ++i) {
      if (operand(node, i) == mlq::no_tensor) continue;
      auto bound = floats_of(graph, node.inputs[i]);
      if (!bound || bound->size() != 1) return false;
      (i == 1 ? low : high) = bound->front();
    }
  } else {
    return false;
  }
  // Clamps after each other are one clamp only while their ranges overlap.
  if (std::max(low, f.lowest) >= std::min(high, f.highest)) return false;
  f.lowest = std::max(low, f.lowest), f.highest = std::min(high, f.highest);
  return f.clamped = true;
}

void store_clamp(Node& node, const Folded& f) {
  if (!f.clamped) return;
  if (f.lowest > -infinity) node.attributes["activation_min"] = f.lowest;
  if (f.highest < infinity) node.attributes["activation_max"] = f.highest;
}

void store_affine(Graph& graph, Node& node, const Folded& f) {
  auto channels = static_cast<std::int64_t>(f.scale.size());
  std::string name = node.name.empty() ? graph.tensors[node.outputs[0]].name : node.name;
  if (f.shifted) {
    node.inputs.resize(std::max<std::size_t>(node.inputs.size(), 3), mlq::no_tensor);
    node.inputs[2] = mlq::add_constant(graph, name + "/folded_bias", {channels}, f.bias);
  }
  if (f.scaled) {
    node.inputs.resize(4, mlq::no_tensor);
    node.inputs[3] = mlq::add_constant(graph, name + "/folded_scale", {channels}, f.scale);
  }
}

// Dense is Gemm with constant weights and one bias per output.
bool become_dense(const Graph& graph, Node& node) {
  if (node.op == "MatMul") {
    if (!is_constant(graph, node.inputs[1]) || graph.tensors[node.inputs[1]].shape.size() != 2 ||
        graph.tensors[node.inputs[0]].shape.size() < 2)
      return false;
    node.op = "Dense";
    node.attributes = {{"transB", std::int64_t{0}}};
    return true;
  }
  if (node.op != "Gemm" || node.get_int("transA", 0) || node.get_float("alpha", 1) != 1 ||
      !is_constant(graph, node.inputs[1]))
    return false;
  std::int64_t transposed = node.get_int("transB", 0);
  if (TensorId c = operand(node, 2); c != mlq::no_tensor) {
    const mlq::Shape& w = graph.tensors[node.inputs[1]].shape;
    if (node.get_float("beta", 1) != 1 || !is_constant(graph, c) ||
        graph.tensors[c].shape != mlq::Shape{w[transposed ? 0 : 1]})
      return false;
  }
  node.op = "Dense";
  node.attributes = {{"transB", transposed}};
  return true;
}

// Convolutions that channels_last makes its own; only those have the further operand and attributes.
std::int64_t foldable_channels(const Graph& graph, const Node& node) {
  if (node.op != "Conv" && node.op != "ConvTranspose" && node.op != "Dense") return 0;
  if (node.inputs.size() < 2 || !is_constant(graph, node.inputs[1])) return 0;
  if (TensorId bias = operand(node, 2); bias != mlq::no_tensor && !floats_of(graph, bias)) return 0;
  const mlq::Shape& w = graph.tensors[node.inputs[1]].shape;
  if (node.op == "Dense") return w[node.get_int("transB", 1) ? 0 : 1];
  if (w.size() != 4) return 0;
  return node.op == "Conv" ? w[0] : w[1] * node.get_int("group", 1);
}

class Fuser {
 public:
  explicit Fuser(Graph& graph) : graph_(graph), uses_(uses_of(graph)), gone_(graph.nodes.size(), false) {}

  void run() {
    for (std::size_t n = 0; n < gone_.size(); ++n) {
      if (gone_[n]) continue;
      Node& node = graph_.nodes[n];
      if (node.op == "Gemm" || node.op == "MatMul") become_dense(graph_, node);
      if (std::int64_t channels = foldable_channels(graph_, node); channels > 0)
        fuse_weights(n, channels);
      else if (node.op == "Add" || node.op == "Sub" || node.op == "Mul" || node.op == "Div")
        fuse_clamp(n);
    }
    std::vector<Node> kept;
    for (std::size_t n = 0; n < gone_.size(); ++n)
      if (!gone_[n]) kept.push_back(std::move(graph_.nodes[n]));
    graph_.nodes = std::move(kept);
  }

 private:
  // Takes readers into node n as long as `take` accepts them.
  template <class Take>
  bool absorb(std::size_t n, Take take) {
    bool any = false;
    while (true) {
      TensorId result = graph_.nodes[n].outputs[0];
      int reader = only_reader(uses_, result);
      if (reader < 0 || graph_.nodes[reader].outputs.size() != 1 || !take(graph_.nodes[reader], result))
        return any;
      graph_.nodes[n].outputs[0] = graph_.nodes[reader].outputs[0];
      gone_[reader] = any = true;
    }
  }

  void fuse_weights(std::size_t n, std::int64_t channels) {
    Folded f;
    f.scale.assign(channels, 1.0f);
    auto bias = floats_of(graph_, operand(graph_.nodes[n], 2));
    f.bias = bias && static_cast<std::int64_t>(bias->size()) == channels ? *bias
                                                                         : std::vector<float>(channels, 0.0f);
    // Channels are the last axis of Dense and the third but last of images.
    int after = graph_.nodes[n].op == "Dense" ? 0 : 2;
    bool any = absorb(n, [&](const Node& node, TensorId x) {
      return (!f.clamped && take_affine(graph_, node, x, after, f)) || take_clamp(graph_, node, f);
    });
    if (!any) return;
    store_affine(graph_, graph_.nodes[n], f);
    store_clamp(graph_.nodes[n], f);
  }

  void fuse_clamp(std::size_t n) {
    if (graph_.tensors[graph_.nodes[n].outputs[0]].type != mlq::DataType::float32) return;
    Folded f;
    if (absorb(n, [&](const Node& node, TensorId) { return take_clamp(graph_, node, f); }))
      store_clamp(graph_.nodes[n], f);
  }

  Graph& graph_;
  Uses uses_;
  std::vector<bool> gone_;
};

}  // namespace

void fuse(Graph& graph) { Fuser(graph).run(); }

}  // namespace mlqc
