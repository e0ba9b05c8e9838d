// weight = scale * (q - 2^(bits-1)): a grid with a level at exactly 0 and as many levels below as above it,
// so q = 0 stays unused. At 8 bits it is bit for bit Core ML Tools' linear_symmetric, which has no other
// width.
//
// One bit leaves no room for 0: the levels are -s and +s, and s = mean |w| is the one with the least squared
// error (Rastegari et al., XNOR-Net, 2016).
#include <algorithm>
#include <cmath>

#include "compiler/quantize/algorithms.h"
#include "compiler/quantize/grid.h"

namespace mlqc {

namespace {

Grid symmetric_grid(Range range, int bits) {
  const double half = static_cast<double>(1 << bits) / 2;
  const double reach =
      std::max(std::abs(static_cast<double>(range.low)), std::abs(static_cast<double>(range.high)));
  const double step = storable_step(reach / (half - 1));
  return {-half * step, step};
}

Quantized signs(const Weights& weights) {
  const auto groups = static_cast<std::size_t>(weights.groups),
             inner = static_cast<std::size_t>(weights.inner);
  std::vector<double> sum(groups);
  Quantized result;
  result.indices.resize(weights.values.size());
  for (std::size_t i = 0; i < weights.values.size(); ++i) {
    sum[i / inner % groups] += std::abs(static_cast<double>(weights.values[i]));
    result.indices[i] = weights.values[i] >= 0;
  }
  const auto size = static_cast<double>(weights.values.size()) / static_cast<double>(groups);
  for (double total : sum) {
    result.scale.push_back(static_cast<float>(2 * total / size));
    result.offset.push_back(static_cast<float>(-total / size));
  }
  return result;
}

}  // namespace

Quantized linear_symmetric(const Weights& weights, int bits) {
  return bits == 1 ? signs(weights) : as_linear(on_grids(weights, bits, symmetric_grid, false));
}

}  // namespace mlqc
