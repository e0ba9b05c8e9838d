#include "runtime-stub/src/shapes.h"

#include <algorithm>

#include "mlq/model.h"
#include "runtime-stub/src/control.h"

namespace mlq {

namespace {

// Shapes, axes and scales are small; larger results are better computed into planned memory.
constexpr std::size_t max_folded_bytes = 64 * 1024;

void store(Frame& frame, const Node& node, std::span<const Value> results) {
  for (std::size_t i = 0; i < node.outputs.size(); ++i)
    if (node.outputs[i] != no_tensor) frame.values[node.outputs[i]] = results[i];
}

bool known(const Call& call) {
  if (call.node.op.starts_with("Random")) return false;
  // The two operators that look at a shape and never at data.
  if (call.node.op == "Shape" || call.node.op == "Size")
    return element_count(call.inputs[0].shape).has_value();
  for (std::size_t i = 0; i < call.inputs.size(); ++i)
    if (call.given(i) && !call.inputs[i].data) return false;
  return true;
}

bool small(std::span<const Value> results) {
  return std::all_of(results.begin(), results.end(), [](const Value& value) {
    const auto bytes = bytes_of(value);
    return bytes && *bytes <= max_folded_bytes;
  });
}

// Computes the node now when that is possible; its results then have data.
Status try_to_fold(Frame& frame, const Node& node, Constants& constants) {
  const Kernel* kernel = find_kernel(node.op);
  if (!kernel || !kernel->evaluate) return {};
  std::vector<Value> inputs = operands(frame, node), results(node.outputs.size());
  for (std::size_t i = 0; i < results.size(); ++i) {
    if (node.outputs[i] == no_tensor) return {};
    results[i] = frame.values[node.outputs[i]];
  }
  if (!known({node, inputs, results}) || !small(results)) return {};
  if (Status status = allocate(frame, node.outputs, constants.memory_limit()); !status) return status;
  for (std::size_t i = 0; i < results.size(); ++i) results[i].data = frame.values[node.outputs[i]].data;
  if (Status status = kernel->evaluate({node, inputs, results}); !status) return status;
  for (const TensorId id : node.outputs) frame.values[id].constant = true;
  return {};
}

Status infer_into(Frame& frame, const Node& node, Constants& constants) {
  auto results = infer_node(frame, node, constants);
  if (!results) return Failure{results.error()};
  store(frame, node, *results);
  return {};
}

}  // namespace

Result<std::vector<Value>> infer_node(const Frame& frame, const Node& node, Constants& constants) {
  if (is_control_flow(node)) return infer_control_flow(frame, node, constants);
  const Kernel* kernel = find_kernel(node.op);
  if (!kernel) return Failure{describe(node) + ": this runtime has no such operator"};
  const std::vector<Value> inputs = operands(frame, node);
  std::vector<Value> results(node.outputs.size());
  Call call{node, inputs, results};
  if (Status status = kernel->infer(call); !status) return Failure{status.error()};
  for (Value& value : results) value.data = nullptr;
  return results;
}

Status infer_frame(Frame& frame, Constants& constants) {
  for (const Node& node : frame.graph().nodes)
    if (Status status = infer_into(frame, node, constants); !status) return status;
  return {};
}

Status infer_and_fold(Frame& frame, Constants& constants) {
  for (const Node& node : frame.graph().nodes) {
    if (Status status = infer_into(frame, node, constants); !status) return status;
    if (Status status = try_to_fold(frame, node, constants); !status) return status;
  }
  return {};
}

Status merge(Value& value, const Value& other) {
  if (value.type != other.type)
    return Failure{std::string("gives ") + name_of(value.type) + " or " + name_of(other.type)};
  if (value.shape.size() != other.shape.size())
    return Failure{"gives a value of shape " + to_string(value.shape) + " or " + to_string(other.shape)};
  for (std::size_t d = 0; d < value.shape.size(); ++d)
    if (value.shape[d] != other.shape[d]) value.shape[d] = -1;
  return {};
}

Status infer_shapes(Graph& graph) {
  Constants constants(default_memory_limit);
  const LinkedGraph linked = link(graph);
  auto frame = make_frame(linked, nullptr, constants, Load::for_shapes);
  if (!frame) return Failure{frame.error()};
  if (Status status = infer_frame(*frame, constants); !status) return status;
  for (const Node& node : graph.nodes)
    for (const TensorId id : node.outputs)
      if (id != no_tensor) {
        graph.tensors[id].type = frame->values[id].type;
        graph.tensors[id].shape = frame->values[id].shape;
      }
  return {};
}

}  // namespace mlq
