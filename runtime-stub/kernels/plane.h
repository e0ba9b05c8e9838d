// What the channels-last operators share: reading a node as a Plane2d.
#pragma once

#include "runtime-stub/kernels/support.h"
#include "runtime-stub/kernels/xnnpack.h"

namespace mlq::kernels {

// Bounds of the fused activation, attributes activation_min and activation_max.
void read_bounds(const Node& node, float& lowest, float& highest);

// For x [N, H, W, C]; the out_* dimensions are unknown where the operand's are.
Result<Plane2d> conv_plane(const Call& call);
Result<Plane2d> conv_transpose_plane(const Call& call);
Result<Plane2d> pool_plane(const Call& call);

// Pads behind that give exactly the known number of positions (rounding up and automatic pads included).
void settle_ends(Plane2d& p);

Buffers buffers_of(const Call& call);
Shape result_shape(const Plane2d& p);

// Clamps the result in place, unless the bounds are infinite.
void clamp(float* y, std::int64_t n, float lowest, float highest);

}  // namespace mlq::kernels
