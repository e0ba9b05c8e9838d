// The kernel library XNNPACK behind plain values. Every function returns null where the library is absent or
// refuses the case; callers then use their own loops.
#pragma once

#include <cstdint>
#include <memory>

#include "mlq/kernel.h"

namespace mlq::kernels {

// A convolution, or the pooling of each channel by itself, over images with channels last.
struct Plane2d {
  std::int64_t batch = 0, height = 0, width = 0, channels = 0;  // of the operand
  std::int64_t out_height = 0, out_width = 0, out_channels = 0;
  std::int64_t kernel[2] = {1, 1}, stride[2] = {1, 1}, dilation[2] = {1, 1};
  std::int64_t before[2] = {0, 0}, after[2] = {0, 0};  // pads
  std::int64_t groups = 1;
  float lowest = 0, highest = 0;  // the result is clamped to these
  std::int64_t out_stride = 0;    // floats from one result place to the next; 0: out_channels
};

struct Buffers {
  const float* x = nullptr;
  float* y = nullptr;
  void* threads = nullptr;

  Buffers moved(std::ptrdiff_t bytes) const { return {x + bytes / 4, y + bytes / 4, threads}; }
};

using PreparedOrNull = std::unique_ptr<Prepared>;

// Weights are [out_channels, height, width, channels / groups]; they and the bias are copied.
PreparedOrNull xnnpack_conv(const Plane2d& p, const float* weights, const float* bias, const Buffers& b);
PreparedOrNull xnnpack_conv_transpose(const Plane2d& p, const float* weights, const float* bias,
                                      const Buffers& b);
PreparedOrNull xnnpack_max_pool(const Plane2d& p, const Buffers& b);
// Divides by the number of cells inside of the image.
PreparedOrNull xnnpack_average_pool(const Plane2d& p, const Buffers& b);
PreparedOrNull xnnpack_global_average_pool(const Plane2d& p, const Buffers& b);

struct Rows {
  std::int64_t rows = 0, from = 0, to = 0;
  bool transposed = true;  // weights are [to, from]; otherwise [from, to]
  float lowest = 0, highest = 0;
};
PreparedOrNull xnnpack_dense(const Rows& r, const float* weights, const float* bias, const Buffers& b);

enum class Binary { add, subtract, multiply, divide, maximum, minimum };
PreparedOrNull xnnpack_binary(Binary kind, const Call& call, float lowest, float highest);

enum class Unary { sigmoid, hard_swish, clamp, elu, leaky_relu, square_root, absolute, negate, square };
// Parameters: clamp's bounds, alpha.
PreparedOrNull xnnpack_unary(Unary kind, const Call& call, float a = 0, float b = 0);

}  // namespace mlq::kernels
