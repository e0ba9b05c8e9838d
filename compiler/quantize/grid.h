// Evenly spaced levels: what linear, linear_symmetric and linear_lut have in common.
#pragma once

#include <vector>

#include "compiler/quantize/quantize.h"

namespace mlqc {

// The least and the greatest weight of a group.
struct Range {
  float low, high;
};

// Levels offset + i * step, in double.
struct Grid {
  double offset, step;
};

// One Range per group; a group is never empty.
std::vector<Range> ranges(const Weights& weights);

// 2^bits levels from low to high, both included.
Grid spanning_grid(Range range, int bits);

// A step that float32 can hold: as it is, unless it is so small that storing it would lose its precision;
// then the next denormal above, so that the grid still reaches the other end.
double storable_step(double step);

// What linear makes of weights: a grid for each group, and the index of each weight's nearest level on it.
struct OnGrids {
  std::vector<Grid> grids;
  std::vector<std::uint8_t> indices;
};

// Halves go to even. `grid_of` sees to it that indices fit into 8 bits. A step of 0 has index 0.
//   by_inverse: (w - offset) * (1 / step), else (w - offset) / step; Core ML Tools does one here, one there,
//   and the two differ in the last bit.
OnGrids on_grids(const Weights& weights, int bits, Grid (*grid_of)(Range range, int bits), bool by_inverse);

// The same as scales and offsets.
Quantized as_linear(OnGrids result);

}  // namespace mlqc
