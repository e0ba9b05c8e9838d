// weight = scale * q + offset, with the least weight at q = 0 and the greatest at the last q. The arithmetic
// (in double, the results stored as float32) is that of Core ML Tools' quantize_weights, except that there a
// scale of 1e-6 or less turns the whole group into its minimum, and here it does not.
#include "compiler/quantize/algorithms.h"
#include "compiler/quantize/grid.h"

namespace mlqc {

Quantized linear(const Weights& weights, int bits) {
  return as_linear(on_grids(weights, bits, spanning_grid, true));
}

}  // namespace mlqc
