// Convolutions in our own vector code, where that is faster than the kernel library. Every function returns
// null where the machine or the shape is not one that it is for; callers then go on to the library.
#pragma once

#include "runtime-stub/kernels/xnnpack.h"

namespace mlq::kernels {

// A sum over all taps, as a matrix product whose left side is never built: groups = 1. Weights are
// [out_channels, height, width, channels]; they and the bias (or null) are copied. Each result is one chain
// of multiply-adds in the order of the weights, whatever the number of threads.
PreparedOrNull direct_conv(const Plane2d& p, const float* weights, const float* bias, const Buffers& b);

// Winograd's F(4x4, 3x3) (Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2015): 36
// products for 16 results of 9 taps each. For 3x3 windows with stride 1, no dilation and groups = 1; operands
// as in direct_conv. Errors are some ten times those of the plain sum: about 1e-5 of the largest result.
// An infinity or a NaN spreads over the 4x4 results that are computed together.
PreparedOrNull winograd_conv(const Plane2d& p, const float* weights, const float* bias, const Buffers& b);

}  // namespace mlq::kernels
