// What a Model is inside.
#pragma once

#include <mutex>

#include "mlq/model.h"
#include "runtime-stub/src/executor.h"

namespace mlq {

struct Model::State {
  // The graph has passed `check`.
  State(Graph checked, const LoadOptions& options)
      : graph(std::move(checked)),
        linked(link(graph)),
        threads(options.threads),
        constants(options.memory_limit) {}
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  const Graph graph;
  const LinkedGraph linked;                     // of `graph`
  std::string interface_digest, source_sha256;  // as the artifact says; empty for a graph in memory
  int threads;

  // An idle executor for the key, or a new one.
  Result<std::unique_ptr<Executor>> take(ExecutorKey key) const;
  void give_back(std::unique_ptr<Executor> executor) const;

  mutable Constants constants;

 private:
  struct Planned {
    ExecutorKey key;
    std::shared_ptr<const Schedule> schedule;
    std::shared_ptr<ReadySteps> ready;
  };
  Result<Planned> plan_for(const ExecutorKey& key) const;

  // Held only to take and give, never while something runs.
  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<Executor>> idle_;  // the latest used last
  mutable std::vector<Planned> planned_;                 // the latest made last
};

// One prediction that also hands out the values of `tensors`, any of the graph's, in that order.
Result<std::vector<Array>> observe(const Model& model, std::span<const View> inputs,
                                   std::span<const TensorId> tensors);

}  // namespace mlq
