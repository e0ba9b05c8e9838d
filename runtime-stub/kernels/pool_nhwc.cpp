// Pooling with channels last: x [N, H, W, C], attributes as in the channel-first operators.
#include <algorithm>
#include <cmath>
#include <limits>

#include "runtime-stub/kernels/families.h"
#include "runtime-stub/kernels/plane.h"

namespace mlq::kernels {
namespace {

Status infer(Call& call) {
  auto plane = pool_plane(call);
  if (!plane) return plane.status();
  set_output(call, 0, DataType::float32, result_shape(*plane));
  return {};
}

// Taps of one axis inside of the image and, for the divisor, inside of image and pads.
struct Span {
  std::int64_t start, inside, padded;
};
Span span_of(const Plane2d& p, int d, std::int64_t at) {
  std::int64_t size = d == 0 ? p.height : p.width, start = at * p.stride[d] - p.before[d],
               step = p.dilation[d];
  std::int64_t first = start >= 0 ? 0 : (-start + step - 1) / step;
  std::int64_t last = std::min(p.kernel[d], start >= size ? 0 : (size - start + step - 1) / step);
  std::int64_t room = size + p.after[d] - start;
  return {start + first * step, std::max<std::int64_t>(0, last - first),
          std::min(p.kernel[d], (room + step - 1) / step)};
}

// start, then fold(result, cell) for each cell, then finish(result, taps inside, taps padded), channel by
// channel.
template <class Fold, class Finish>
Status pool(const Call& call, float start, Fold fold, Finish finish) {
  auto plane = pool_plane(call);
  if (!plane) return plane.status();
  const Plane2d& p = *plane;
  float* y = out<float>(call);
  for (std::int64_t r = 0; r < p.batch * p.out_height; ++r)
    for (std::int64_t c = 0; c < p.out_width; ++c, y += p.channels) {
      Span rows = span_of(p, 0, r % p.out_height), columns = span_of(p, 1, c);
      const float* image = in<float>(call, 0) + r / p.out_height * p.height * p.width * p.channels;
      std::fill_n(y, p.channels, start);
      for (std::int64_t i = 0; i < rows.inside; ++i)
        for (std::int64_t j = 0; j < columns.inside; ++j) {
          const float* cell =
              image +
              ((rows.start + i * p.dilation[0]) * p.width + columns.start + j * p.dilation[1]) * p.channels;
          for (std::int64_t k = 0; k < p.channels; ++k) y[k] = fold(y[k], cell[k]);
        }
      auto inside = static_cast<float>(rows.inside * columns.inside);
      auto padded = static_cast<float>(rows.padded * columns.padded);
      for (std::int64_t k = 0; k < p.channels; ++k) y[k] = finish(y[k], inside, padded);
    }
  return {};
}

Status max_pool(const Call& call) {
  return pool(
      call, -std::numeric_limits<float>::infinity(), [](float a, float v) { return v > a || v != v ? v : a; },
      [](float a, float, float) { return a; });
}
Status average_pool(const Call& call) {
  bool include = call.node.get_int("count_include_pad", 0) != 0;
  return pool(
      call, 0.0f, [](float a, float v) { return a + v; },
      [include](float a, float inside, float padded) {
        float n = include ? padded : inside;
        return n > 0 ? a / n : 0.0f;
      });
}
Status lp_pool(const Call& call) {
  if (call.node.get_int("p", 2) != 2) return fail(call, "only p = 2 is supported with channels last");
  return pool(
      call, 0.0f, [](float a, float v) { return a + v * v; },
      [](float a, float, float) { return std::sqrt(a); });
}

Result<std::unique_ptr<Prepared>> prepare_max(const Call& call) {
  auto plane = pool_plane(call);
  if (!plane) return Failure{plane.error()};
  settle_ends(*plane);
  return xnnpack_max_pool(*plane, buffers_of(call));
}

// The library divides by the cells inside; where pads count as cells, only a pool without pads is the same.
Result<std::unique_ptr<Prepared>> prepare_average(const Call& call) {
  auto plane = pool_plane(call);
  if (!plane) return Failure{plane.error()};
  bool padded = plane->before[0] + plane->before[1] + plane->after[0] + plane->after[1] > 0;
  if (padded && call.node.get_int("count_include_pad", 0) != 0) return std::unique_ptr<Prepared>();
  settle_ends(*plane);
  return xnnpack_average_pool(*plane, buffers_of(call));
}

Result<Plane2d> whole_plane(const Call& call) {
  if (!has_operands(call, 1) || call.inputs[0].type != DataType::float32 || call.inputs[0].shape.size() != 4)
    return fail(call, "needs a float32 image [N, H, W, C]");
  const Shape& x = call.inputs[0].shape;
  Plane2d p;
  p.batch = x[0], p.height = x[1], p.width = x[2], p.channels = p.out_channels = x[3];
  p.out_height = p.out_width = 1;
  read_bounds(call.node, p.lowest, p.highest);
  return p;
}
Status infer_global(Call& call) {
  auto plane = whole_plane(call);
  if (!plane) return plane.status();
  set_output(call, 0, DataType::float32, result_shape(*plane));
  return {};
}

template <class Fold>
void fold_all(const Call& call, float start, Fold fold) {
  const Shape& x = call.inputs[0].shape;
  std::int64_t cells = x[1] * x[2], channels = x[3];
  for (std::int64_t n = 0; n < x[0]; ++n) {
    float* y = out<float>(call) + n * channels;
    std::fill_n(y, channels, start);
    for (std::int64_t i = 0; i < cells; ++i) {
      const float* cell = in<float>(call, 0) + (n * cells + i) * channels;
      for (std::int64_t k = 0; k < channels; ++k) y[k] = fold(y[k], cell[k]);
    }
  }
}
Status global_average(const Call& call) {
  const Shape& x = call.inputs[0].shape;
  auto n = static_cast<float>(x[1] * x[2]);
  fold_all(call, 0.0f, [](float a, float v) { return a + v; });
  for (std::int64_t i = 0; i < x[0] * x[3]; ++i) out<float>(call)[i] /= n;
  return {};
}
Status global_max(const Call& call) {
  fold_all(call, -std::numeric_limits<float>::infinity(),
           [](float a, float v) { return v > a || v != v ? v : a; });
  return {};
}
Result<std::unique_ptr<Prepared>> prepare_global(const Call& call) {
  auto plane = whole_plane(call);
  if (!plane) return Failure{plane.error()};
  return xnnpack_global_average_pool(*plane, buffers_of(call));
}

constexpr Kernel rows[] = {
    {"MaxPoolNhwc", infer, max_pool, prepare_max},
    {"AveragePoolNhwc", infer, average_pool, prepare_average},
    {"LpPoolNhwc", infer, lp_pool},
    {"GlobalAveragePoolNhwc", infer_global, global_average, prepare_global},
    {"GlobalMaxPoolNhwc", infer_global, global_max},
};

}  // namespace

std::span<const Kernel> pool_nhwc_kernels() { return rows; }

}  // namespace mlq::kernels
