// The grid of `linear`, written out as a table: for formats and layers that take tables only.
#include "compiler/quantize/algorithms.h"
#include "compiler/quantize/grid.h"

namespace mlqc {

Quantized linear_lut(const Weights& weights, int bits) {
  std::vector<Grid> grids;
  for (const Range& range : ranges(weights)) grids.push_back(spanning_grid(range, bits));
  Quantized result;
  result.indices = nearest_levels(weights, grids, true);
  for (const Grid& grid : grids)
    for (int i = 0; i < 1 << bits; ++i)
      result.table.push_back(static_cast<float>(i * grid.step + grid.offset));
  return result;
}

}  // namespace mlqc
