// Where tensors of known size and lifetime lie in one block of memory.
#pragma once

#include <span>
#include <vector>

#include "mlq/result.h"

namespace mlq {

// A tensor is written at step `first` and read for the last time at step `last`, both inclusive.
struct Interval {
  std::size_t bytes;
  int first, last;
};

struct Placement {
  std::vector<std::size_t> offsets;  // multiples of `alignment`
  std::size_t bytes = 0;             // of the block
};

// No two intervals that share a step share a byte. Greedy by size: the largest tensor first, each into the
// smallest gap that holds it (Pisarchyk and Lee, "Efficient Memory Management for Deep Neural Net Inference",
// 2020). Fails when the block would be larger than `limit`.
Result<Placement> place(std::span<const Interval> intervals, std::size_t limit);

}  // namespace mlq
