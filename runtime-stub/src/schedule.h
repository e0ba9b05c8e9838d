// What one set of input shapes leads to: the nodes to run, and where each tensor lies.
#pragma once

#include "runtime-stub/src/frame.h"

namespace mlq {

// Immutable; shared by all executors of these input shapes.
struct Schedule {
  // False when some shape depends on values, or on a branch or loop: then the rest is empty.
  bool is_static = false;
  std::vector<const Node*> steps;
  std::vector<Value> values;                        // by TensorId; data only where it is known already
  std::vector<std::shared_ptr<const void>> owners;  // of that data
  std::vector<std::size_t> offsets;                 // of the others, by TensorId
  std::size_t arena_bytes = 0;
};

// `input_shapes` are in the order of the graph's inputs. The tensors `kept`, and those of the graph's
// outputs, have their values at the end; others may be overwritten on the way.
Result<Schedule> make_schedule(const LinkedGraph& linked, Constants& constants,
                               std::span<const Shape> input_shapes, std::span<const TensorId> kept);

}  // namespace mlq
