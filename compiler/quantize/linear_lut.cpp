// The grid of `linear`, written out as a table: for formats and layers that take tables only.
#include "compiler/quantize/algorithms.h"
#include "compiler/quantize/grid.h"

namespace mlqc {

Quantized linear_lut(const Weights& weights, int bits) {
  OnGrids fitted = on_grids(weights, bits, spanning_grid, true);
  Quantized result;
  result.indices = std::move(fitted.indices);
  for (const Grid& grid : fitted.grids)
    for (int i = 0; i < 1 << bits; ++i)
      result.table.push_back(static_cast<float>(i * grid.step + grid.offset));
  return result;
}

}  // namespace mlqc
