// Runs a graph node by node: infers with the values at hand, allocates, evaluates. For shapes that depend on
// values, and for branches and loops.
#pragma once

#include "runtime-stub/src/executor.h"

namespace mlq {

Result<std::unique_ptr<Executor>> make_dynamic_executor(const LinkedGraph& linked, Constants& constants,
                                                        ExecutorKey key, int threads);

// Runs the nodes of a frame whose inputs have their values. Frees what no later node reads, except outputs
// and `kept`.
Status run_frame(Frame& frame, Constants& constants, std::span<const TensorId> kept, void* threads);

}  // namespace mlq
