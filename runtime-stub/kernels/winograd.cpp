#include "runtime-stub/kernels/winograd.h"

#include <memory>

#include "runtime-stub/src/buffer.h"

namespace mlq::kernels::winograd {
namespace {

// For the points 0, 1, -1, 2, -2 and infinity.
constexpr double g[6][3] = {{1.0 / 4, 0, 0},
                            {-1.0 / 6, -1.0 / 6, -1.0 / 6},
                            {-1.0 / 6, 1.0 / 6, -1.0 / 6},
                            {1.0 / 24, 1.0 / 12, 1.0 / 6},
                            {1.0 / 24, -1.0 / 12, 1.0 / 6},
                            {0, 0, 1}};

}  // namespace

void transform_filter(const float* taps, std::size_t stride, float* to) {
  double half[6][3];
  for (int i = 0; i < 6; ++i)
    for (std::size_t j = 0; j < 3; ++j)
      half[i][j] =
          g[i][0] * taps[j * stride] + g[i][1] * taps[(3 + j) * stride] + g[i][2] * taps[(6 + j) * stride];
  for (int i = 0; i < 6; ++i)
    for (int j = 0; j < 6; ++j)
      *to++ = static_cast<float>(half[i][0] * g[j][0] + half[i][1] * g[j][1] + half[i][2] * g[j][2]);
}

float* scratch(int which, std::size_t floats) {
  thread_local std::shared_ptr<Buffer> buffers[2];
  std::shared_ptr<Buffer>& buffer = buffers[which];
  if (!buffer || buffer->size() < floats * sizeof(float)) {
    buffer.reset();
    auto made = Buffer::make(floats * sizeof(float), SIZE_MAX);
    if (!made) return nullptr;
    buffer = *made;
  }
  return reinterpret_cast<float*>(buffer->data());
}

}  // namespace mlq::kernels::winograd
