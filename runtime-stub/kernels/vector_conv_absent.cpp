// Built in place of direct_conv.cpp and winograd_conv.cpp where Highway is absent or not wanted.
#include "runtime-stub/kernels/vector_conv.h"

namespace mlq::kernels {

PreparedOrNull direct_conv(const Plane2d&, const float*, const float*, const Buffers&) { return nullptr; }
PreparedOrNull winograd_conv(const Plane2d&, const float*, const float*, const Buffers&) { return nullptr; }

}  // namespace mlq::kernels
