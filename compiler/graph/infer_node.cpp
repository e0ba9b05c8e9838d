// One node at a time, for front ends that need a result's shape before they go on.
#include <cstdint>

#include "compiler/graph/edit.h"
#include "mlq/kernel.h"

namespace mlqc {
namespace {

// The operand as a kernel's inference sees it: with its numbers where they may be shapes, axes or the like.
mlq::Value value_of(const mlq::Tensor& tensor) {
  const bool half = tensor.type == mlq::DataType::float16;
  mlq::Value value{half ? mlq::DataType::float32 : tensor.type, tensor.shape, nullptr,
                   tensor.data.has_value()};
  const bool plain = tensor.data && !tensor.quantization && !half;
  if (plain && reinterpret_cast<std::uintptr_t>(tensor.data->bytes.data()) % alignof(std::int64_t) == 0)
    value.data = const_cast<std::byte*>(tensor.data->bytes.data());
  return value;
}

}  // namespace

mlq::Status infer_node(mlq::Graph& graph, const mlq::Node& node) {
  const mlq::Kernel* kernel = mlq::find_kernel(node.op);
  if (!kernel) return mlq::Failure{"this build of mlq has no kernel for the operator " + node.op};
  std::vector<mlq::Value> inputs, outputs(node.outputs.size());
  for (const mlq::TensorId id : node.inputs)
    inputs.push_back(id == mlq::no_tensor ? mlq::Value{} : value_of(graph.tensors[id]));
  mlq::Call call{node, inputs, outputs};
  if (mlq::Status status = kernel->infer(call); !status) return status;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (node.outputs[i] == mlq::no_tensor) continue;
    graph.tensors[node.outputs[i]].type = outputs[i].type;
    graph.tensors[node.outputs[i]].shape = outputs[i].shape;
  }
  return {};
}

}  // namespace mlqc
