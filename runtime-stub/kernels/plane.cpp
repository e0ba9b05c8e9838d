#include "runtime-stub/kernels/plane.h"

#include <algorithm>
#include <limits>

#include "runtime-stub/kernels/window.h"

namespace mlq::kernels {
namespace {

Status check_image(const Call& call) {
  if (!has_operands(call, 1)) return fail(call, "needs an operand");
  if (call.inputs[0].type != DataType::float32) return fail(call, "is for float32 only");
  if (call.inputs[0].shape.size() != 4) return fail(call, "needs an image [N, H, W, C]");
  return {};
}

Status check_weights(const Call& call) {
  if (Status s = check_image(call); !s) return s;
  if (!call.given(1) || call.inputs[1].shape.size() != 4 || !is_known(call.inputs[1].shape))
    return fail(call, "needs weights of rank 4");
  for (std::size_t i = 1; i < call.inputs.size(); ++i)
    if (call.given(i) && call.inputs[i].type != DataType::float32) return fail(call, "is for float32 only");
  std::int64_t groups = call.node.get_int("group", 1);
  if (groups < 1 || call.inputs[1].shape[0] % groups != 0)
    return fail(call, "the groups do not divide the channels");
  return {};
}

// Bias and scale have one number per result channel.
Status check_vectors(const Call& call, std::int64_t channels) {
  for (std::size_t i : {2, 3})
    if (call.given(i) && call.inputs[i].shape != Shape{channels})
      return fail(call, "needs one number per output channel");
  return {};
}

Plane2d start(const Call& call, const Window& w) {
  Plane2d p;
  const Shape& x = call.inputs[0].shape;
  p.batch = x[0], p.height = x[1], p.width = x[2], p.channels = x[3];
  p.groups = call.node.get_int("group", 1);
  read_bounds(call.node, p.lowest, p.highest);
  for (int d = 0; d < 2; ++d) {
    p.kernel[d] = w.kernel[d], p.stride[d] = w.strides[d], p.dilation[d] = w.dilations[d];
    p.before[d] = w.begins[d], p.after[d] = w.ends[d];
  }
  return p;
}

Result<Plane2d> over_windows(const Call& call, const std::vector<std::int64_t>& kernel,
                             std::int64_t channels) {
  Shape spatial{call.inputs[0].shape[1], call.inputs[0].shape[2]};
  auto window = read_window(call, kernel, spatial);
  if (!window) return Failure{window.error()};
  auto positions = window_positions(call, *window, spatial);
  if (!positions) return Failure{positions.error()};
  Plane2d p = start(call, *window);
  p.out_height = (*positions)[0], p.out_width = (*positions)[1], p.out_channels = channels;
  return p;
}

}  // namespace

void read_bounds(const Node& node, float& lowest, float& highest) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  lowest = node.get_float("activation_min", -infinity);
  highest = node.get_float("activation_max", infinity);
}

Result<Plane2d> conv_plane(const Call& call) {
  if (Status s = check_weights(call); !s) return Failure{s.error()};
  const Shape &x = call.inputs[0].shape, &w = call.inputs[1].shape;
  if (Status s = check_vectors(call, w[0]); !s) return Failure{s.error()};
  if (x[3] != unknown && x[3] != times(w[1], call.node.get_int("group", 1)))
    return fail(call, "operand " + to_string(x) + " and weights " + to_string(w) + " differ in channels");
  return over_windows(call, {w[2], w[3]}, w[0]);
}

Result<Plane2d> conv_transpose_plane(const Call& call) {
  if (Status s = check_weights(call); !s) return Failure{s.error()};
  const Shape &x = call.inputs[0].shape, &w = call.inputs[1].shape;
  std::int64_t channels = times(w[1], call.node.get_int("group", 1));
  if (Status s = check_vectors(call, channels); !s) return Failure{s.error()};
  if (x[3] != unknown && x[3] != w[0]) return fail(call, "operand and weights differ in channels");
  Shape spatial{x[1], x[2]};
  auto window = read_window(call, {w[2], w[3]}, spatial);
  if (!window) return Failure{window.error()};
  auto positions = transposed_positions(call, *window, spatial);
  if (!positions) return Failure{positions.error()};
  Plane2d p = start(call, *window);
  p.out_height = (*positions)[0], p.out_width = (*positions)[1], p.out_channels = channels;
  return p;
}

Result<Plane2d> pool_plane(const Call& call) {
  if (Status s = check_image(call); !s) return Failure{s.error()};
  return over_windows(call, call.node.get_ints("kernel_shape"), call.inputs[0].shape[3]);
}

void settle_ends(Plane2d& p) {
  for (int d = 0; d < 2; ++d) {
    std::int64_t size = d == 0 ? p.height : p.width, positions = d == 0 ? p.out_height : p.out_width;
    std::int64_t extent = (p.kernel[d] - 1) * p.dilation[d] + 1;
    p.after[d] = std::max<std::int64_t>(0, (positions - 1) * p.stride[d] + extent - size - p.before[d]);
  }
}

Buffers buffers_of(const Call& call) { return {in<float>(call, 0), out<float>(call), call.threads}; }

Shape result_shape(const Plane2d& p) { return {p.batch, p.out_height, p.out_width, p.out_channels}; }

void clamp(float* y, std::int64_t n, float lowest, float highest) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  if (lowest == -infinity && highest == infinity) return;
  for (std::int64_t i = 0; i < n; ++i) {
    float v = y[i] < lowest ? lowest : y[i];
    y[i] = v > highest ? highest : v;
  }
}

}  // namespace mlq::kernels
