// Convolution and its transposition, channel first, any number of spatial axes: unfolding and matrix product.
#include <algorithm>
#include <vector>

#include "runtime-stub/kernels/families.h"
#include "runtime-stub/kernels/gemm.h"
#include "runtime-stub/kernels/unfold.h"

namespace mlq::kernels {
namespace {

Shape tail(const Shape& shape) {
  return Shape(shape.begin() + std::min<std::size_t>(2, shape.size()), shape.end());
}

Status check_operands(const Call& call) {
  if (!has_operands(call, 2)) return fail(call, "needs an operand and weights");
  const Shape &x = call.inputs[0].shape, &w = call.inputs[1].shape;
  if (x.size() < 3 || w.size() != x.size())
    return fail(call, "operand and weights must have the same rank, 3 or more");
  if (!is_known(w)) return fail(call, "the shape of the weights must be known");
  for (std::size_t i = 0; i < call.inputs.size(); ++i)
    if (call.given(i) && call.inputs[i].type != DataType::float32) return fail(call, "is for float32 only");
  std::int64_t groups = call.node.get_int("group", 1);
  if (groups < 1 || w[0] % groups != 0) return fail(call, "the groups do not divide the channels");
  return {};
}

Status check_bias(const Call& call, std::int64_t channels) {
  if (call.given(2) && call.inputs[2].shape != Shape{channels})
    return fail(call, "one bias per output channel is needed");
  return {};
}

Result<Window> window_of(const Call& call) {
  return read_window(call, tail(call.inputs[1].shape), tail(call.inputs[0].shape));
}

void add_bias(const Call& call, float* y, std::int64_t channels, std::int64_t plane) {
  const float* bias = call.given(2) ? in<float>(call, 2) : nullptr;
  for (std::int64_t c = 0; c < channels; ++c) std::fill_n(y + c * plane, plane, bias ? bias[c] : 0.0f);
}

Status infer_conv(Call& call) {
  if (Status s = check_operands(call); !s) return s;
  const Shape &x = call.inputs[0].shape, &w = call.inputs[1].shape;
  if (x[1] != unknown && x[1] != times(w[1], call.node.get_int("group", 1)))
    return fail(call, "operand " + to_string(x) + " and weights " + to_string(w) + " differ in channels");
  if (Status s = check_bias(call, w[0]); !s) return s;
  auto window = window_of(call);
  if (!window) return window.status();
  auto positions = window_positions(call, *window, tail(x));
  if (!positions) return positions.status();
  Shape y{x[0], w[0]};
  y.insert(y.end(), positions->begin(), positions->end());
  set_output(call, 0, DataType::float32, y);
  return {};
}

Status evaluate_conv(const Call& call) {
  auto window = window_of(call);
  if (!window) return window.status();
  const Shape &x = call.inputs[0].shape, &w = call.inputs[1].shape;
  Shape spatial = tail(x), positions = tail(call.outputs[0].shape);
  std::int64_t groups = call.node.get_int("group", 1), plane = product(positions);
  std::int64_t from = w[1], to = w[0] / groups, taps = product(w, 1, rank(w)), image = product(spatial);
  std::vector<float> columns(taps * plane);
  float* y = out<float>(call);
  for (std::int64_t n = 0; n < x[0]; ++n) {
    add_bias(call, y + n * w[0] * plane, w[0], plane);
    for (std::int64_t g = 0; g < groups; ++g) {
      unfold(in<float>(call, 0) + (n * groups + g) * from * image, from, spatial, *window, positions,
             columns.data());
      Gemm product{to, plane, taps};
      product.accumulate = true;
      gemm(product, in<float>(call, 1) + g * to * taps, columns.data(), y + (n * groups + g) * to * plane);
    }
  }
  return {};
}

// Weights of a transposed convolution are [channels in, channels out per group, ...].
Status infer_transposed(Call& call) {
  if (Status s = check_operands(call); !s) return s;
  const Shape &x = call.inputs[0].shape, &w = call.inputs[1].shape;
  if (x[1] != unknown && x[1] != w[0]) return fail(call, "operand and weights differ in channels");
  std::int64_t channels = times(w[1], call.node.get_int("group", 1));
  if (Status s = check_bias(call, channels); !s) return s;
  auto window = window_of(call);
  if (!window) return window.status();
  auto positions = transposed_positions(call, *window, tail(x));
  if (!positions) return positions.status();
  Shape y{x[0], channels};
  y.insert(y.end(), positions->begin(), positions->end());
  set_output(call, 0, DataType::float32, y);
  return {};
}

Status evaluate_transposed(const Call& call) {
  auto window = window_of(call);
  if (!window) return window.status();
  const Shape &x = call.inputs[0].shape, &w = call.inputs[1].shape;
  Shape spatial = tail(x);
  auto result = transposed_positions(call, *window, spatial);
  if (!result) return result.status();
  std::int64_t groups = call.node.get_int("group", 1), image = product(spatial), plane = product(*result);
  std::int64_t from = w[0] / groups, to = w[1], taps = product(w, 1, rank(w));
  std::vector<float> columns(taps * image);
  float* y = out<float>(call);
  for (std::int64_t n = 0; n < x[0]; ++n) {
    add_bias(call, y + n * groups * to * plane, groups * to, plane);
    for (std::int64_t g = 0; g < groups; ++g) {
      Gemm product{taps, image, from};
      product.transpose_a = true;
      gemm(product, in<float>(call, 1) + g * from * taps,
           in<float>(call, 0) + (n * groups + g) * from * image, columns.data());
      fold_add(y + (n * groups + g) * to * plane, to, *result, *window, spatial, columns.data());
    }
  }
  return {};
}

constexpr Kernel rows[] = {
    {"Conv", infer_conv, evaluate_conv},
    {"ConvTranspose", infer_transposed, evaluate_transposed},
};

}  // namespace

std::span<const Kernel> conv_kernels() { return rows; }

}  // namespace mlq::kernels
