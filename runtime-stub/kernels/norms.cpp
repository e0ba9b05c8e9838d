// Division by a norm: of neighbouring channels (LRN), of a whole axis (LpNormalization).
#include <algorithm>
#include <cmath>
#include <vector>

#include "runtime-stub/kernels/families.h"
#include "runtime-stub/kernels/support.h"

namespace mlq::kernels {
namespace {

Status infer_lrn(Call& call) {
  if (Status s = infer_same(call); !s) return s;
  if (call.inputs[0].type != DataType::float32) return fail(call, "is for float32 only");
  if (call.inputs[0].shape.size() < 2) return fail(call, "needs an operand of rank 2 or more");
  if (call.node.get_int("size", 0) < 1) return fail(call, "attribute 'size' must be positive");
  return {};
}

float lrn_factor(double squares, const Node& node) {
  double size = static_cast<double>(node.get_int("size", 1));
  double base = node.get_float("bias", 1.0f) + node.get_float("alpha", 1e-4f) / size * squares;
  return static_cast<float>(std::pow(base, -static_cast<double>(node.get_float("beta", 0.75f))));
}

// Channels that channel c sees; the longer half of an even size lies behind.
std::pair<std::int64_t, std::int64_t> neighbours(const Node& node, std::int64_t c, std::int64_t channels) {
  std::int64_t size = std::min(node.get_int("size", 1), 2 * channels + 1);
  return {std::max<std::int64_t>(0, c - (size - 1) / 2), std::min(channels, c + size / 2 + 1)};
}

// Channels of `channels` planes of `plane` numbers each: one line of results at a time.
Status evaluate_lrn(const Call& call) {
  const Shape& x = call.inputs[0].shape;
  std::int64_t channels = x[1], plane = product(x, 2, rank(x));
  std::vector<double> squares(plane);
  for (std::int64_t i = 0; i < x[0] * channels; ++i) {
    auto [first, last] = neighbours(call.node, i % channels, channels);
    const float* image = in<float>(call, 0) + i / channels * channels * plane;
    std::fill(squares.begin(), squares.end(), 0.0);
    for (std::int64_t c = first; c < last; ++c)
      for (std::int64_t p = 0; p < plane; ++p) squares[p] += image[c * plane + p] * image[c * plane + p];
    const float* from = in<float>(call, 0) + i * plane;
    float* to = out<float>(call) + i * plane;
    for (std::int64_t p = 0; p < plane; ++p) to[p] = from[p] * lrn_factor(squares[p], call.node);
  }
  return {};
}

// The same with channels last.
Status evaluate_lrn_nhwc(const Call& call) {
  const Shape& x = call.inputs[0].shape;
  std::int64_t channels = x.back(), places = product(x, 0, rank(x) - 1);
  for (std::int64_t p = 0; p < places; ++p) {
    const float* from = in<float>(call, 0) + p * channels;
    float* to = out<float>(call) + p * channels;
    for (std::int64_t c = 0; c < channels; ++c) {
      auto [first, last] = neighbours(call.node, c, channels);
      double squares = 0;
      for (std::int64_t k = first; k < last; ++k) squares += from[k] * from[k];
      to[c] = from[c] * lrn_factor(squares, call.node);
    }
  }
  return {};
}

Status infer_lp(Call& call) {
  if (Status s = infer_same(call); !s) return s;
  std::int64_t axis = call.node.get_int("axis", -1);
  if (call.inputs[0].type != DataType::float32) return fail(call, "is for float32 only");
  if (!normalize_axis(axis, rank(call.inputs[0].shape))) return fail(call, "axis outside the operand's rank");
  return {};
}

Status evaluate_lp(const Call& call) {
  const Shape& x = call.inputs[0].shape;
  std::int64_t axis = call.node.get_int("axis", -1);
  normalize_axis(axis, rank(x));
  std::int64_t inner = product(x, axis + 1, rank(x)), n = x[axis], outer = product(x, 0, axis);
  bool euclid = call.node.get_int("p", 2) != 1;
  for (std::int64_t i = 0; i < outer * inner; ++i) {
    std::int64_t start = i / inner * n * inner + i % inner;
    const float* from = in<float>(call, 0) + start;
    double norm = 0;
    for (std::int64_t k = 0; k < n; ++k) {
      double v = from[k * inner];
      norm += euclid ? v * v : std::fabs(v);
    }
    if (euclid) norm = std::sqrt(norm);
    for (std::int64_t k = 0; k < n; ++k)
      out<float>(call)[start + k * inner] = norm == 0 ? 0.0f : static_cast<float>(from[k * inner] / norm);
  }
  return {};
}

constexpr Kernel rows[] = {
    {"LRN", infer_lrn, evaluate_lrn},
    {"LRNNhwc", infer_lrn, evaluate_lrn_nhwc},
    {"LpNormalization", infer_lp, evaluate_lp},
};

}  // namespace

std::span<const Kernel> norms_kernels() { return rows; }

}  // namespace mlq::kernels
