// weight = scale * q + offset, with the least weight at q = 0 and the greatest at the last q. The arithmetic
// (in double, the results stored as float32) is that of Core ML Tools' quantize_weights, except that there a
// scale of 1e-6 or less turns the whole group into its minimum, and here it does not.
#include "compiler/quantize/algorithms.h"
#include "compiler/quantize/grid.h"

namespace mlqc {

Quantized linear(const Weights& weights, int bits) {
  std::vector<Grid> grids;
  for (const Range& range : ranges(weights)) grids.push_back(spanning_grid(range, bits));
  Quantized result;
  result.indices = nearest_levels(weights, grids, true);
  for (const Grid& grid : grids) {
    result.scale.push_back(static_cast<float>(grid.step));
    result.offset.push_back(static_cast<float>(grid.offset));
  }
  return result;
}

}  // namespace mlqc
