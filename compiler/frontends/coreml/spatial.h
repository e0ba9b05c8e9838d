// What convolution and pooling say in the same words: kernels, strides, padding.
#pragma once

#include "compiler/frontends/coreml/build.h"

namespace mlqc::coreml {

class BorderAmounts;
class SamePadding;

// Spatial axes, outermost first: H and W, or D, H and W.
struct Window {
  Ints kernel, stride, dilation;
  std::int64_t reach(std::size_t axis) const { return (kernel[axis] - 1) * dilation[axis] + 1; }
};

struct Pads {
  Ints begin, end;
};

// An empty list takes the default; fails on another length than `axes` and on zeros.
Ints per_axis(const Build& build, const Ints& given, std::size_t axes, std::int64_t otherwise);

// [H {start, end}, W {start, end}]; nothing given is zeros.
Pads border(const Build& build, const BorderAmounts& amounts);

// Output = ceil(input / stride); the odd element of the padding goes to the end, or to the begin.
Pads same_pads(const Build& build, const Ints& input, const Window& window, bool begin_heavy);

// The attributes kernel_shape, strides, dilations, pads.
Attributes attributes(const Window& window, const Pads& pads);

// Those attributes for that padding; the operator itself finds the amounts where sizes are not known yet.
Attributes same_attributes(const Build& build, TensorId x, const Window& window, bool begin_heavy);

// Whether all of the last `axes` dimensions are known.
bool knows_sizes(const Build& build, TensorId id, std::size_t axes);
// The sizes of the last `axes` dimensions; fails where one is not known.
Ints spatial_sizes(const Build& build, TensorId id, std::size_t axes);

// Calls `body` with x as a blob of exactly `rank` dimensions: leading ones are added or merged before, and
// restored afterwards.
template <class Body>
TensorId at_rank(Build& build, TensorId x, int rank, Body body);

// The two halves of at_rank.
TensorId to_rank(Build& build, TensorId x, int rank);
TensorId from_rank(Build& build, TensorId y, const Shape& original, int rank);

template <class Body>
TensorId at_rank(Build& build, TensorId x, int rank, Body body) {
  const Shape original = build.shape(x);
  return from_rank(build, body(to_rank(build, x, rank)), original, rank);
}

}  // namespace mlqc::coreml
