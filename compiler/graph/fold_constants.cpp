// Computes now what depends on nothing but small constants and known shapes.
#include <algorithm>
#include <cstring>

#include "compiler/graph/edit.h"
#include "compiler/support/error.h"
#include "mlq/kernel.h"

namespace mlqc {
namespace {

using mlq::DataType;
using mlq::Graph;
using mlq::Node;
using mlq::Tensor;
using mlq::TensorId;
using mlq::Value;

// Anything larger is a weight, which is to be found under its name (and quantized), or not worth the space.
constexpr std::int64_t largest_float = 1024;
constexpr std::int64_t largest_bytes = 1 << 16;

// Memory as kernels want it: on a cache line, with room behind.
struct Buffer {
  std::vector<std::byte> bytes;
  explicit Buffer(std::size_t n) : bytes(n + 2 * mlq::padding_after) {}
  void* data() {
    auto address = reinterpret_cast<std::uintptr_t>(bytes.data());
    return bytes.data() + (mlq::padding_after - address % mlq::padding_after) % mlq::padding_after;
  }
};

bool is_float(const Tensor& tensor) {
  return tensor.type == DataType::float32 || tensor.type == DataType::float16;
}

bool small_constant(const Tensor& tensor) {
  auto count = mlq::element_count(tensor.shape);
  if (!tensor.data || tensor.quantization || !count) return false;
  return is_float(tensor) ? *count <= largest_float
                          : *count * static_cast<std::int64_t>(mlq::size_of(tensor.type)) <= largest_bytes;
}

bool foldable(const Graph& graph, const Node& node) {
  if (node.op.starts_with("Random") || node.op == "Bernoulli" || node.op == "Multinomial" ||
      node.inputs.empty())
    return false;
  if (node.op == "Shape" || node.op == "Size")
    return mlq::element_count(graph.tensors[node.inputs[0]].shape).has_value();
  return std::all_of(node.inputs.begin(), node.inputs.end(),
                     [&](TensorId id) { return id == mlq::no_tensor || small_constant(graph.tensors[id]); });
}

Value load(const Tensor& tensor, Buffer& buffer) {
  Value value{tensor.type, tensor.shape, nullptr, true};
  if (!tensor.data) return value;  // of Shape and Size, which do not look at it
  value.data = buffer.data();
  if (is_float(tensor)) {
    value.type = DataType::float32;
    auto count = static_cast<std::size_t>(*mlq::element_count(tensor.shape));
    if (!mlq::dequantize(tensor, {static_cast<float*>(value.data), count})) value.data = nullptr;
  } else if (!tensor.data->bytes.empty()) {
    std::memcpy(value.data, tensor.data->bytes.data(), tensor.data->bytes.size());
  }
  return value;
}

std::size_t room(const Tensor& tensor) {
  return tensor.data ? static_cast<std::size_t>(*mlq::element_count(tensor.shape)) *
                           std::max<std::size_t>(4, mlq::size_of(tensor.type))
                     : 0;
}

}  // namespace

bool fold_node(Graph& graph, const Node& node) {
  const mlq::Kernel* kernel = mlq::find_kernel(node.op);
  if (!kernel || !kernel->evaluate || !foldable(graph, node)) return false;
  std::vector<Buffer> buffers;
  std::vector<Value> inputs, outputs(node.outputs.size());
  for (TensorId id : node.inputs) {
    buffers.emplace_back(id == mlq::no_tensor ? 0 : room(graph.tensors[id]));
    inputs.push_back(id == mlq::no_tensor ? Value{} : load(graph.tensors[id], buffers.back()));
  }
  mlq::Call call{node, inputs, outputs};
  if (!kernel->infer(call)) return false;
  for (Value& value : outputs) {
    auto count = mlq::element_count(value.shape);
    if (!count || *count > largest_bytes / static_cast<std::int64_t>(mlq::size_of(value.type))) return false;
    buffers.emplace_back(*count * mlq::size_of(value.type));
    value.data = buffers.back().data();
  }
  if (!kernel->evaluate(call)) return false;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (node.outputs[i] == mlq::no_tensor) continue;
    Tensor& tensor = graph.tensors[node.outputs[i]];
    auto bytes =
        static_cast<std::size_t>(*mlq::element_count(outputs[i].shape)) * mlq::size_of(outputs[i].type);
    tensor.type = outputs[i].type;
    tensor.shape = outputs[i].shape;
    tensor.data = mlq::copy_data(std::span(static_cast<const std::byte*>(outputs[i].data), bytes));
  }
  return true;
}

namespace {

void infer(Graph& graph) {
  if (mlq::Status s = mlq::infer_shapes(graph); !s)
    throw Error(Exit::model, {{}, s.error(), "MLQ308", "the layers' shapes do not fit each other", {}});
}

// One pass; true when something was folded.
bool fold_all(Graph& graph) {
  Uses uses = uses_of(graph);
  std::vector<Node> kept;
  for (auto& node : graph.nodes) {
    bool seen = std::any_of(node.outputs.begin(), node.outputs.end(),
                            [&](TensorId id) { return id == mlq::no_tensor || uses.kept[id]; });
    if (seen || !fold_node(graph, node)) kept.push_back(std::move(node));
  }
  bool changed = kept.size() < graph.nodes.size();
  graph.nodes = std::move(kept);
  return changed;
}

}  // namespace

// A folded shape makes further shapes known, which may be folded in turn.
void fold_constants(Graph& graph) {
  infer(graph);
  while (fold_all(graph)) infer(graph);
}

}  // namespace mlqc
