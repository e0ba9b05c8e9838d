// Bilinear sampling of a picture on a grid, as two products of matrices: a row of a matrix holds, for one
// point of the grid, the weights of the picture's rows (or columns), at most two of which are not zero.
#pragma once

#include "compiler/frontends/coreml/build.h"

namespace mlqc::coreml {

// Where N points lie in an interval of length L: min(L, factor * max(least, L + more)) after its start. The
// format's four sampling methods differ in these numbers alone.
struct GridLine {
  std::vector<float> factor;  // of each point
  float more = 0, least = 0;
};
// `method` is a SamplingMode::Method.
GridLine grid_line(int method, std::int64_t points);

// Positions of cells, both included; tensors that broadcast against [points, cells].
struct Interval {
  TensorId start, end;
  GridLine line;
};

// [..., points, cells]: max(0, 1 - |point - cell|), which is bilinear interpolation between cells.
TensorId tents(Build& b, const Interval& interval, std::int64_t cells);

// x [..., H, W] at the points of rows times those of columns.
TensorId sample(Build& b, TensorId x, const Interval& rows, const Interval& columns);

}  // namespace mlqc::coreml
