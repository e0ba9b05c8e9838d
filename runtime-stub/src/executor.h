// Runs a graph for one set of input shapes, one prediction at a time.
#pragma once

#include <mutex>

#include "mlq/model.h"
#include "runtime-stub/src/schedule.h"

namespace mlq {

// What an executor is made for.
struct ExecutorKey {
  std::vector<Shape> input_shapes;  // in the order of the graph's inputs
  std::vector<TensorId> kept;       // tensors besides the outputs whose values are wanted
  bool operator==(const ExecutorKey&) const = default;
};

class Executor {
 public:
  explicit Executor(ExecutorKey key) : key_(std::move(key)) {}
  virtual ~Executor() = default;
  const ExecutorKey& key() const { return key_; }

  // Views in the order of the graph's inputs, with as many elements as the key's shapes have.
  virtual Status run(std::span<const View> inputs) = 0;
  // After a good run: the value of an output's tensor, of a kept one or of a constant. Valid until the next
  // run.
  virtual Result<Value> value(TensorId id) = 0;

 private:
  ExecutorKey key_;
};

// What executors of one schedule share: its steps made ready for one arena, from which those of other arenas
// are copied with their weights. Held while the first is made, so that a second one waits instead of packing
// again.
struct ReadySteps {
  std::mutex mutex;
  const std::byte* arena = nullptr;
  std::vector<std::shared_ptr<const Prepared>> steps;  // null: each executor has its own
};

// With fixed addresses in one arena, where the schedule is static; else node by node.
Result<std::unique_ptr<Executor>> make_executor(const LinkedGraph& linked, Constants& constants,
                                                std::shared_ptr<const Schedule> schedule,
                                                std::shared_ptr<ReadySteps> ready, ExecutorKey key,
                                                int threads);

}  // namespace mlq
