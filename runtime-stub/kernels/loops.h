// Nested loops over the positions of a shape that keep an offset into each of several operands: what
// broadcasting, transposing, slicing and padding have in common.
#pragma once

#include <cstdint>
#include <vector>

#include "mlq/graph.h"

namespace mlq::kernels {

struct Loops {
  Shape extents;               // outermost first; empty only when a single position is visited
  std::vector<Shape> strides;  // per operand, one step per extent
};

// Drops extents of 1 and merges neighbours that all operands pass as one, so that the innermost loop is long.
Loops make_loops(const Shape& extents, std::vector<Shape> strides);

// Advances the odometer of all extents but the innermost; false when it has gone round.
bool next_run(const Loops& loops, Shape& position, std::vector<std::int64_t>& offsets);

// Calls body(offsets, length, steps) for each run of the innermost loop, in row-major order: element i of
// the run is at offsets[k] + i * steps[k] of operand k.
template <class Body>
void for_each_run(const Loops& loops, Body body) {
  for (std::int64_t extent : loops.extents)
    if (extent == 0) return;
  std::vector<std::int64_t> offsets(loops.strides.size(), 0), steps(loops.strides.size(), 0);
  Shape position(loops.extents.size(), 0);
  std::int64_t length = loops.extents.empty() ? 1 : loops.extents.back();
  if (!loops.extents.empty())
    for (std::size_t k = 0; k < steps.size(); ++k) steps[k] = loops.strides[k].back();
  do body(offsets.data(), length, steps.data());
  while (next_run(loops, position, offsets));
}

// Copies elements of `size` bytes (1, 2, 4 or 8) between strided places: strides[0] of `to`, [1] of `from`.
void copy_strided(const Loops& loops, void* to, const void* from, std::size_t size);

}  // namespace mlq::kernels
