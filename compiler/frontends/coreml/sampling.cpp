#include "compiler/frontends/coreml/sampling.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "compiler/frontends/coreml/layers.pb.h"

namespace mlqc::coreml {

GridLine grid_line(int method, std::int64_t points) {
  GridLine line;
  const auto n = static_cast<float>(points);
  for (std::int64_t i = 0; i < points; ++i) {
    const auto at = static_cast<float>(i);
    switch (method) {
      case SamplingMode::UPSAMPLE_MODE:
        line.factor.push_back(at / n);
        break;
      case SamplingMode::ROI_ALIGN_MODE:
        line.factor.push_back((at + 0.5f) / n);
        break;
      case SamplingMode::ALIGN_ENDPOINTS_MODE:
        line.factor.push_back(points == 1 ? 0.5f : at / (n - 1));
        break;
      default:
        line.factor.push_back(points == 1 ? 0.0f : at / (n - 1));
    }
  }
  if (method == SamplingMode::UPSAMPLE_MODE) line.more = 1;
  if (method == SamplingMode::ROI_ALIGN_MODE) line.least = 1;
  return line;
}

TensorId sample(Build& b, TensorId x, const Interval& rows, const Interval& columns) {
  const TensorId across = b.node("MatMul", {tents(b, rows, b.dimension(x, -2)), x});
  TensorId weights = tents(b, columns, b.dimension(x, -1));
  const auto rank = static_cast<std::int64_t>(b.rank(weights));
  Ints order;
  for (std::int64_t i = 0; i < rank; ++i) order.push_back(i);
  std::swap(order[static_cast<std::size_t>(rank - 1)], order[static_cast<std::size_t>(rank - 2)]);
  return b.node("MatMul", {across, b.transpose(weights, order)});
}

TensorId tents(Build& b, const Interval& interval, std::int64_t cells) {
  b.require(cells > 0, "needs to know the size of its input");
  const auto points = static_cast<std::int64_t>(interval.line.factor.size());
  const TensorId length = b.subtract(interval.end, interval.start);
  TensorId stretch = b.add(length, b.number(interval.line.more));
  if (interval.line.least > 0) stretch = b.node("Max", {stretch, b.number(interval.line.least)});
  // No point lies beyond the interval's end, nor outside of the picture.
  const TensorId offset =
      b.node("Min", {b.multiply(stretch, b.floats({points, 1}, interval.line.factor)), length});
  const TensorId at =
      b.node("Clip", {b.add(interval.start, offset), b.number(0), b.number(static_cast<float>(cells - 1))});
  std::vector<float> cell(static_cast<std::size_t>(cells));
  for (std::size_t i = 0; i < cell.size(); ++i) cell[i] = static_cast<float>(i);
  const TensorId away = b.node("Abs", {b.subtract(at, b.floats({1, cells}, cell))});
  return b.node("Relu", {b.subtract(b.number(1), away)});
}

}  // namespace mlqc::coreml
