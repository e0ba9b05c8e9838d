// The sliding window of convolution and pooling: its attributes, and the arithmetic of positions.
#pragma once

#include <vector>

#include "runtime-stub/kernels/support.h"

namespace mlq::kernels {

struct Window {
  std::vector<std::int64_t> kernel, strides, dilations, begins, ends;
  bool ceil = false;

  std::size_t axes() const { return kernel.size(); }
  // Cells from the first tap to the last.
  std::int64_t extent(std::size_t axis) const { return (kernel[axis] - 1) * dilations[axis] + 1; }
};

// Attributes strides, dilations, pads, auto_pad and ceil_mode for operands of these spatial dimensions.
// Automatic pads are worked out where the dimension is known.
Result<Window> read_window(const Call& call, const std::vector<std::int64_t>& kernel, const Shape& spatial);

// How many positions the window takes along each axis; fails when it does not fit once.
Result<Shape> window_positions(const Call& call, const Window& window, const Shape& spatial);

// Pads of a transposed convolution, and the dimensions of its result (attributes output_shape,
// output_padding, auto_pad).
Result<Shape> transposed_positions(const Call& call, Window& window, const Shape& spatial);

}  // namespace mlq::kernels
