// Convolution whose taps are moved by numbers (two spatial axes), and the determinant of matrices.
#include <cmath>
#include <utility>
#include <vector>

#include "runtime-stub/kernels/rare_families.h"
#include "runtime-stub/kernels/window.h"

namespace mlq::kernels {
namespace {

Shape tail(const Shape& shape) { return Shape(shape.begin() + 2, shape.end()); }

// Operands: x [N, C, H, W], weights [M, C / group, kh, kw], offsets [N, 2 * groups * taps, oh, ow], bias,
// mask.
Status infer_deform(Call& call) {
  if (!has_operands(call, 3)) return fail(call, "needs an image, weights and offsets");
  const Shape &x = call.inputs[0].shape, &w = call.inputs[1].shape, &offsets = call.inputs[2].shape;
  for (std::size_t i = 0; i < 5; ++i)
    if (call.given(i) && call.inputs[i].type != DataType::float32) return fail(call, "is for float32 only");
  if (x.size() != 4 || w.size() != 4 || offsets.size() != 4 || !is_known(w))
    return fail(call, "needs rank 4");
  const std::int64_t groups = call.node.get_int("group", 1), parts = call.node.get_int("offset_group", 1);
  if (groups < 1 || parts < 1 || w[0] % groups != 0 ||
      (x[1] != unknown && (x[1] != w[1] * groups || x[1] % parts)))
    return fail(call, "the weights do not fit the image");
  auto window = read_window(call, tail(w), tail(x));
  if (!window) return window.status();
  auto positions = window_positions(call, *window, tail(x));
  if (!positions) return positions.status();
  const Shape y = {x[0], w[0], (*positions)[0], (*positions)[1]};
  const Shape wanted = {x[0], 2 * parts * w[2] * w[3], y[2], y[3]};
  if (is_known(wanted) && is_known(offsets) && offsets != wanted) return fail(call, "the offsets do not fit");
  const Shape mask = {x[0], parts * w[2] * w[3], y[2], y[3]};
  if (call.given(4) && is_known(mask) && call.inputs[4].shape != mask)
    return fail(call, "the mask does not fit");
  if (call.given(3) && call.inputs[3].shape != Shape{w[0]}) return fail(call, "the bias does not fit");
  set_output(call, 0, DataType::float32, y);
  return {};
}

// Between the four cells about a place; those outside are zero.
double between(const float* plane, std::int64_t height, std::int64_t width, double y, double x) {
  if (!(y > -1 && x > -1 && y < static_cast<double>(height) && x < static_cast<double>(width))) return 0;
  const auto top = static_cast<std::int64_t>(std::floor(y)), left = static_cast<std::int64_t>(std::floor(x));
  const double dy = y - static_cast<double>(top), dx = x - static_cast<double>(left);
  const auto at = [&](std::int64_t r, std::int64_t c) {
    return r < 0 || c < 0 || r >= height || c >= width ? 0.0 : static_cast<double>(plane[r * width + c]);
  };
  return (1 - dy) * ((1 - dx) * at(top, left) + dx * at(top, left + 1)) +
         dy * ((1 - dx) * at(top + 1, left) + dx * at(top + 1, left + 1));
}

double deformed(const Call& call, const Window& window, std::int64_t n, std::int64_t m,
                std::int64_t position) {
  const Shape &x = call.inputs[0].shape, &w = call.inputs[1].shape, &y = call.outputs[0].shape;
  const std::int64_t groups = call.node.get_int("group", 1), parts = call.node.get_int("offset_group", 1);
  const std::int64_t plane = y[2] * y[3], taps = w[2] * w[3];
  double sum = call.given(3) ? in<float>(call, 3)[m] : 0.0f;
  for (std::int64_t c = 0; c < w[1]; ++c) {
    const std::int64_t channel = m / (w[0] / groups) * w[1] + c, part = channel / (x[1] / parts);
    for (std::int64_t k = 0; k < taps; ++k) {
      const std::int64_t tap = n * parts * taps + part * taps + k;
      const float* offset = in<float>(call, 2) + 2 * tap * plane + position;
      const std::int64_t top = position / y[3] * window.strides[0] - window.begins[0];
      const std::int64_t left = position % y[3] * window.strides[1] - window.begins[1];
      const std::int64_t down = k / w[3] * window.dilations[0], right = k % w[3] * window.dilations[1];
      const double row = static_cast<double>(top + down) + offset[0];
      const double column = static_cast<double>(left + right) + offset[plane];
      const double factor = call.given(4) ? in<float>(call, 4)[tap * plane + position] : 1.0f;
      sum += factor * in<float>(call, 1)[(m * w[1] + c) * taps + k] *
             between(in<float>(call, 0) + (n * x[1] + channel) * x[2] * x[3], x[2], x[3], row, column);
    }
  }
  return sum;
}

Status evaluate_deform(const Call& call) {
  const Shape &x = call.inputs[0].shape, &y = call.outputs[0].shape;
  auto window = read_window(call, tail(call.inputs[1].shape), tail(x));
  if (!window) return window.status();
  for (std::int64_t i = 0, plane = y[2] * y[3]; i < product(y); ++i)
    out<float>(call)[i] =
        static_cast<float>(deformed(call, *window, i / (y[1] * plane), i / plane % y[1], i % plane));
  return {};
}

Status infer_det(Call& call) {
  if (!has_operands(call, 1)) return fail(call, "needs an operand");
  const Shape& x = call.inputs[0].shape;
  if (call.inputs[0].type != DataType::float32) return fail(call, "is for float32 only");
  if (x.size() < 2 || (x.back() != x.end()[-2] && x.back() != unknown && x.end()[-2] != unknown))
    return fail(call, "needs square matrices");
  set_output(call, 0, DataType::float32, Shape(x.begin(), x.end() - 2));
  return {};
}

// Elimination with the largest pivot of each column.
double determinant(std::vector<double> a, std::int64_t n) {
  double result = 1;
  for (std::int64_t k = 0; k < n; ++k) {
    std::int64_t pivot = k;
    for (std::int64_t r = k + 1; r < n; ++r)
      if (std::fabs(a[r * n + k]) > std::fabs(a[pivot * n + k])) pivot = r;
    if (a[pivot * n + k] == 0) return 0;
    if (pivot != k) {
      result = -result;
      for (std::int64_t c = 0; c < n; ++c) std::swap(a[pivot * n + c], a[k * n + c]);
    }
    result *= a[k * n + k];
    for (std::int64_t r = k + 1; r < n; ++r)
      for (std::int64_t c = n; c-- > k;) a[r * n + c] -= a[r * n + k] / a[k * n + k] * a[k * n + c];
  }
  return result;
}

Status evaluate_det(const Call& call) {
  const std::int64_t n = call.inputs[0].shape.back();
  for (std::int64_t i = 0; i < product(call.outputs[0].shape); ++i) {
    const float* from = in<float>(call, 0) + i * n * n;
    out<float>(call)[i] = static_cast<float>(determinant({from, from + n * n}, n));
  }
  return {};
}

constexpr Kernel rows[] = {{"DeformConv", infer_deform, evaluate_deform}, {"Det", infer_det, evaluate_det}};

}  // namespace

std::span<const Kernel> deform_conv_kernels() { return rows; }

}  // namespace mlq::kernels
