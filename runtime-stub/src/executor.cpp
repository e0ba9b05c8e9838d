#include "runtime-stub/src/executor.h"

#include "runtime-stub/src/convert.h"
#include "runtime-stub/src/dynamic_executor.h"
#include "runtime-stub/src/threads.h"

namespace mlq {

namespace {

// Dropping a page costs about as much as reading some kilobytes.
constexpr std::size_t worth_dropping = 64 * 1024;

// A node with its operands at their final addresses.
struct Step {
  const Node* node;
  const Kernel* kernel;
  std::vector<Value> inputs, outputs;
  std::shared_ptr<Prepared> prepared;             // or null: then evaluate
  std::vector<std::shared_ptr<const void>> held;  // decoded constants that evaluate reads
};

class StaticExecutor final : public Executor {
 public:
  StaticExecutor(const LinkedGraph& linked, Constants& constants, std::shared_ptr<const Schedule> schedule,
                 std::shared_ptr<ReadySteps> ready, ExecutorKey key, int threads)
      : Executor(std::move(key)),
        graph_(*linked.graph),
        constants_(constants),
        schedule_(std::move(schedule)),
        ready_(std::move(ready)),
        threads_(threads) {}

  Status prepare() {
    auto arena = Buffer::make(schedule_->arena_bytes, constants_.memory_limit());
    if (!arena) return Failure{arena.error()};
    arena_ = *arena;
    steps_.reserve(schedule_->steps.size());
    std::unique_lock lock(ready_->mutex);
    const bool first = !ready_->arena;
    if (!first) lock.unlock();
    for (const Node* node : schedule_->steps)
      if (Status status = add_step(*node); !status) return status;
    if (first) share();
    return {};
  }

  Status run(std::span<const View> inputs) override {
    observed_.clear();
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      const Value target = operand(graph_.inputs[i].tensor);
      const auto count = static_cast<std::size_t>(*element_count(target.shape));
      convert(inputs[i].type, inputs[i].data, target.type, target.data, count);
    }
    for (Step& step : steps_) {
      Status status = step.prepared
                          ? step.prepared->run(threads_.pool())
                          : step.kernel->evaluate({*step.node, step.inputs, step.outputs, threads_.pool()});
      if (!status) return status;
    }
    return {};
  }

  Result<Value> value(TensorId id) override {
    Value value = operand(id);
    if (value.data) return value;
    auto data = constants_.get(graph_.tensors[id]);
    if (!data) return Failure{data.error()};
    value.data = const_cast<std::byte*>(data->bytes.data());
    observed_.push_back(data->owner);
    return value;
  }

 private:
  // At its final address; without data when it is a constant not yet decoded.
  Value operand(TensorId id) const {
    if (id == no_tensor) return {};
    Value value = schedule_->values[id];
    if (!value.constant) value.data = arena_->data() + schedule_->offsets[id];
    return value;
  }

  void share() {
    for (const Step& step : steps_) {
      // What lies outside of the arena does not move with it.
      const bool movable = !step.inputs.empty() && !step.inputs[0].constant;
      ready_->steps.push_back(movable ? step.prepared : nullptr);
    }
    ready_->arena = arena_->data();
  }

  // The step as another executor has it, for this arena.
  std::unique_ptr<Prepared> copied() const {
    if (!ready_->arena || !ready_->steps[steps_.size()]) return nullptr;
    return ready_->steps[steps_.size()]->moved(arena_->data() - ready_->arena);
  }

  Status add_step(const Node& node) {
    Step step{&node, find_kernel(node.op), {}, {}, copied(), {}};
    if (step.prepared) {
      steps_.push_back(std::move(step));
      return {};
    }
    for (const TensorId id : node.inputs) {
      step.inputs.push_back(operand(id));
      if (id == no_tensor || step.inputs.back().data) continue;
      auto data = constants_.get(graph_.tensors[id]);
      if (!data) return Failure{data.error()};
      step.inputs.back().data = const_cast<std::byte*>(data->bytes.data());
      step.held.push_back(data->owner);
    }
    for (const TensorId id : node.outputs) step.outputs.push_back(operand(id));
    if (Status status = bind(step); !status) return status;
    // Weights are read once, to be packed or decoded; a mapped file need not stay in memory for that.
    for (const TensorId id : node.inputs)
      if (id != no_tensor && graph_.tensors[id].data &&
          graph_.tensors[id].data->bytes.size() >= worth_dropping)
        if (step.prepared || graph_.tensors[id].quantization) drop_pages(*graph_.tensors[id].data);
    steps_.push_back(std::move(step));
    return {};
  }

  Status bind(Step& step) {
    if (step.kernel->prepare) {
      auto prepared = step.kernel->prepare({*step.node, step.inputs, step.outputs, threads_.pool()});
      if (!prepared) return Failure{prepared.error()};
      step.prepared = std::move(*prepared);
      if (step.prepared) step.held.clear();
    }
    if (!step.prepared && !step.kernel->evaluate)
      return Failure{describe(*step.node) + ": this runtime cannot compute it with these operands"};
    return {};
  }

  const Graph& graph_;
  Constants& constants_;
  std::shared_ptr<const Schedule> schedule_;
  std::shared_ptr<ReadySteps> ready_;
  Threads threads_;
  std::shared_ptr<Buffer> arena_;
  std::vector<Step> steps_;
  std::vector<std::shared_ptr<const void>> observed_;
};

}  // namespace

Result<std::unique_ptr<Executor>> make_executor(const LinkedGraph& linked, Constants& constants,
                                                std::shared_ptr<const Schedule> schedule,
                                                std::shared_ptr<ReadySteps> ready, ExecutorKey key,
                                                int threads) {
  if (!schedule->is_static) return make_dynamic_executor(linked, constants, std::move(key), threads);
  auto executor = std::make_unique<StaticExecutor>(linked, constants, std::move(schedule), std::move(ready),
                                                   std::move(key), threads);
  if (Status status = executor->prepare(); !status) return Failure{status.error()};
  return std::unique_ptr<Executor>(std::move(executor));
}

}  // namespace mlq
