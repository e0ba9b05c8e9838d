#include "runtime-stub/kernels/unfold.h"

#include <algorithm>

namespace mlq::kernels {
namespace {

// Positions of the last axis whose cell under tap k lies inside: [first, last).
void inside(const Window& w, std::size_t axis, std::int64_t tap, std::int64_t size, std::int64_t positions,
            std::int64_t& first, std::int64_t& last) {
  std::int64_t shift = tap * w.dilations[axis] - w.begins[axis], stride = w.strides[axis];
  first = shift >= 0 ? 0 : std::min(positions, (-shift + stride - 1) / stride);
  last = size <= shift ? 0 : std::min(positions, (size - shift - 1) / stride + 1);
  last = std::max(first, last);
}

// Steps a multi-dimensional index; false after the last one.
bool step(Shape& index, const Shape& extents) {
  for (std::size_t d = extents.size(); d-- > 0;) {
    if (++index[d] < extents[d]) return true;
    index[d] = 0;
  }
  return false;
}

// Calls line(image offset of position 0, column offset, first, last) for each channel, tap and line of
// positions along the last axis; first == last when the whole line lies outside.
template <class Line>
void for_each_line(std::int64_t channels, const Shape& spatial, const Window& w, const Shape& positions,
                   Line line) {
  std::size_t n = spatial.size();
  Shape strides = strides_of(spatial), outer(positions.begin(), positions.end() - 1);
  std::int64_t width = positions.back(), column = 0, plane = product(spatial);
  if (product(positions) == 0) return;
  for (std::int64_t c = 0; c < channels; ++c) {
    Shape tap(n, 0);
    do {
      std::int64_t first = 0, last = 0;
      inside(w, n - 1, tap[n - 1], spatial[n - 1], width, first, last);
      Shape at(n - 1, 0);
      do {
        std::int64_t offset = c * plane + tap[n - 1] * w.dilations[n - 1] - w.begins[n - 1];
        bool outside = false;
        for (std::size_t d = 0; d + 1 < n; ++d) {
          std::int64_t cell = at[d] * w.strides[d] + tap[d] * w.dilations[d] - w.begins[d];
          outside |= cell < 0 || cell >= spatial[d];
          offset += cell * strides[d];
        }
        line(offset, column, outside ? 0 : first, outside ? 0 : last);
        column += width;
      } while (step(at, outer));
    } while (step(tap, w.kernel));
  }
}

}  // namespace

void unfold(const float* image, std::int64_t channels, const Shape& spatial, const Window& w,
            const Shape& positions, float* columns) {
  std::int64_t width = positions.back(), stride = w.strides.back();
  for_each_line(channels, spatial, w, positions,
                [&](std::int64_t offset, std::int64_t column, std::int64_t first, std::int64_t last) {
                  float* to = columns + column;
                  std::fill(to, to + first, 0.0f);
                  for (std::int64_t i = first; i < last; ++i) to[i] = image[offset + i * stride];
                  std::fill(to + last, to + width, 0.0f);
                });
}

void fold_add(float* image, std::int64_t channels, const Shape& spatial, const Window& w,
              const Shape& positions, const float* columns) {
  std::int64_t stride = w.strides.back();
  for_each_line(channels, spatial, w, positions,
                [&](std::int64_t offset, std::int64_t column, std::int64_t first, std::int64_t last) {
                  for (std::int64_t i = first; i < last; ++i)
                    image[offset + i * stride] += columns[column + i];
                });
}

}  // namespace mlq::kernels
