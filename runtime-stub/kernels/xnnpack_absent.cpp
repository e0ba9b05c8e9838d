// Built in place of xnnpack.cpp where the library is absent or not wanted.
#include "runtime-stub/kernels/xnnpack.h"

namespace mlq::kernels {

PreparedOrNull xnnpack_conv(const Plane2d&, const float*, const float*, const Buffers&) { return nullptr; }
PreparedOrNull xnnpack_conv_transpose(const Plane2d&, const float*, const float*, const Buffers&) {
  return nullptr;
}
PreparedOrNull xnnpack_max_pool(const Plane2d&, const Buffers&) { return nullptr; }
PreparedOrNull xnnpack_average_pool(const Plane2d&, const Buffers&) { return nullptr; }
PreparedOrNull xnnpack_global_average_pool(const Plane2d&, const Buffers&) { return nullptr; }
PreparedOrNull xnnpack_dense(const Rows&, const float*, const float*, const Buffers&) { return nullptr; }
PreparedOrNull xnnpack_binary(Binary, const Call&, float, float) { return nullptr; }
PreparedOrNull xnnpack_unary(Unary, const Call&, float, float) { return nullptr; }

}  // namespace mlq::kernels
