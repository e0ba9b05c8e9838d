#include "runtime-stub/src/dynamic_executor.h"

#include <algorithm>

#include "runtime-stub/src/control.h"
#include "runtime-stub/src/convert.h"
#include "runtime-stub/src/shapes.h"
#include "runtime-stub/src/threads.h"

namespace mlq {

namespace {

Status compute(const Kernel& kernel, const Call& call) {
  if (kernel.evaluate) return kernel.evaluate(call);
  auto prepared = kernel.prepare(call);
  if (!prepared) return Failure{prepared.error()};
  if (!*prepared)
    return Failure{describe(call.node) + ": this runtime cannot compute it with these operands"};
  return (*prepared)->run(call.threads);
}

Status run_node(Frame& frame, const Node& node, Constants& constants, void* threads) {
  if (is_control_flow(node)) return run_control_flow(frame, node, constants, threads);
  auto results = infer_node(frame, node, constants);
  if (!results) return Failure{results.error()};
  for (std::size_t i = 0; i < results->size(); ++i)
    if (node.outputs[i] != no_tensor) frame.values[node.outputs[i]] = (*results)[i];
  if (Status status = allocate(frame, node.outputs, constants.memory_limit()); !status) return status;
  const std::vector<Value> inputs = operands(frame, node);
  for (std::size_t i = 0; i < results->size(); ++i)
    if (node.outputs[i] != no_tensor) (*results)[i] = frame.values[node.outputs[i]];
  return compute(*find_kernel(node.op), {node, inputs, *results, threads});
}

void hold_constants(const LinkedGraph& linked, Constants& constants,
                    std::vector<std::shared_ptr<const void>>& held) {
  for (const Tensor& tensor : linked.graph->tensors)
    if (tensor.data)
      if (auto data = constants.get(tensor)) held.push_back(data->owner);
  for (const auto& [graph, inner] : linked.subgraphs) hold_constants(*inner, constants, held);
}

class DynamicExecutor final : public Executor {
 public:
  DynamicExecutor(const LinkedGraph& linked, Constants& constants, ExecutorKey key, int threads)
      : Executor(std::move(key)), linked_(linked), constants_(constants), threads_(threads) {
    hold_constants(linked, constants, held_);
  }

  Status run(std::span<const View> inputs) override {
    frame_.reset();
    auto frame = make_frame(linked_, nullptr, constants_, Load::all);
    if (!frame) return Failure{frame.error()};
    if (Status status = set_inputs(*frame, inputs); !status) return status;
    if (Status status = run_frame(*frame, constants_, key().kept, threads_.pool()); !status) return status;
    frame_.emplace(std::move(*frame));
    return {};
  }

  Result<Value> value(TensorId id) override { return frame_->values[id]; }

 private:
  Status set_inputs(Frame& frame, std::span<const View> inputs) const {
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      const TensorId id = linked_.graph->inputs[i].tensor;
      frame.values[id].shape = key().input_shapes[i];
      if (Status status = allocate(frame, {&id, 1}, constants_.memory_limit()); !status) return status;
      const Value& target = frame.values[id];
      const auto count = static_cast<std::size_t>(*element_count(target.shape));
      convert(inputs[i].type, inputs[i].data, target.type, target.data, count);
    }
    return {};
  }

  const LinkedGraph& linked_;
  Constants& constants_;
  Threads threads_;
  std::vector<std::shared_ptr<const void>> held_;  // decoded constants, which frames of each run share
  std::optional<Frame> frame_;                     // of the last run
};

}  // namespace

Status run_frame(Frame& frame, Constants& constants, std::span<const TensorId> kept, void* threads) {
  const std::vector<Node>& nodes = frame.graph().nodes;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if (Status status = run_node(frame, nodes[i], constants, threads); !status) return status;
    for (const TensorId id : frame.linked.read_last[i])
      if (std::find(kept.begin(), kept.end(), id) == kept.end()) {
        frame.owners[id] = nullptr;
        frame.values[id].data = nullptr;
      }
  }
  return {};
}

Result<std::unique_ptr<Executor>> make_dynamic_executor(const LinkedGraph& linked, Constants& constants,
                                                        ExecutorKey key, int threads) {
  return std::unique_ptr<Executor>(
      std::make_unique<DynamicExecutor>(linked, constants, std::move(key), threads));
}

}  // namespace mlq
