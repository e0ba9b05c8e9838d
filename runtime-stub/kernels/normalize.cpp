// Normalization by statistics: given (batch), per plane (instance), per trailing block (layer), over axes.
#include <cmath>
#include <vector>

#include "runtime-stub/kernels/families.h"
#include "runtime-stub/kernels/loops.h"
#include "runtime-stub/kernels/support.h"

namespace mlq::kernels {
namespace {

// Operands first..last are floats with one number per channel.
Status check_vectors(const Call& call, std::size_t first, std::size_t last, std::int64_t channels) {
  for (std::size_t i = first; i <= last; ++i) {
    if (!call.given(i) || call.inputs[i].type != DataType::float32)
      return fail(call, "needs float32 vectors");
    if (call.inputs[i].shape.size() != 1 || (channels >= 0 && call.inputs[i].shape[0] != channels))
      return fail(call, "needs one number per channel");
  }
  return {};
}
Status infer_per_channel(Call& call, std::size_t last) {
  if (Status s = infer_same(call); !s) return s;
  const Shape& x = call.inputs[0].shape;
  if (x.size() < 2 || call.inputs[0].type != DataType::float32)
    return fail(call, "needs float32 of rank 2 or more");
  return check_vectors(call, 1, last, x[1]);
}
Status infer_batch(Call& call) { return infer_per_channel(call, 4); }
Status infer_instance(Call& call) { return infer_per_channel(call, 2); }

struct Moments {
  double mean, variance;
};
Moments moments(const float* x, std::int64_t n) {
  double sum = 0, squares = 0;
  for (std::int64_t i = 0; i < n; ++i) sum += x[i];
  double mean = n > 0 ? sum / static_cast<double>(n) : 0;
  for (std::int64_t i = 0; i < n; ++i) squares += (x[i] - mean) * (x[i] - mean);
  return {mean, n > 0 ? squares / static_cast<double>(n) : 0};
}

void scale_shift(const float* x, float* y, std::int64_t n, float scale, float shift) {
  for (std::int64_t i = 0; i < n; ++i) y[i] = x[i] * scale + shift;
}

Status evaluate_batch(const Call& call) {
  const Shape& x = call.inputs[0].shape;
  std::int64_t plane = product(x, 2, rank(x));
  float epsilon = call.node.get_float("epsilon", 1e-5f);
  const float *gamma = in<float>(call, 1), *beta = in<float>(call, 2), *mean = in<float>(call, 3),
              *variance = in<float>(call, 4);
  for (std::int64_t i = 0; i < x[0] * x[1]; ++i) {
    std::int64_t c = i % x[1];
    float scale = gamma[c] / std::sqrt(variance[c] + epsilon);
    scale_shift(in<float>(call, 0) + i * plane, out<float>(call) + i * plane, plane, scale,
                beta[c] - mean[c] * scale);
  }
  return {};
}

Status evaluate_instance(const Call& call) {
  const Shape& x = call.inputs[0].shape;
  std::int64_t plane = product(x, 2, rank(x));
  double epsilon = call.node.get_float("epsilon", 1e-5f);
  for (std::int64_t i = 0; i < x[0] * x[1]; ++i) {
    const float* from = in<float>(call, 0) + i * plane;
    Moments m = moments(from, plane);
    double scale = in<float>(call, 1)[i % x[1]] / std::sqrt(m.variance + epsilon);
    scale_shift(from, out<float>(call) + i * plane, plane, static_cast<float>(scale),
                static_cast<float>(in<float>(call, 2)[i % x[1]] - m.mean * scale));
  }
  return {};
}

Status infer_layer(Call& call) {
  if (Status s = infer_same(call); !s) return s;
  const Shape& x = call.inputs[0].shape;
  std::int64_t axis = call.node.get_int("axis", -1);
  if (!normalize_axis(axis, rank(x))) return fail(call, "axis outside the operand's rank");
  Shape block(x.begin() + axis, x.end()), outer = x;
  for (std::size_t i = 0; i < 3; ++i) {
    if (!call.given(i)) continue;
    if (call.inputs[i].type != DataType::float32) return fail(call, "is for float32 only");
    if (i == 0) continue;
    auto fits = broadcast(block, call.inputs[i].shape);
    if (!fits || (is_known(block) && *fits != block))
      return fail(call, "scale or bias do not fit the normalized axes");
  }
  for (std::int64_t i = axis; i < rank(x); ++i) outer[i] = 1;
  set_output(call, 1, DataType::float32, outer);
  set_output(call, 2, DataType::float32, outer);
  return {};
}

// The operand spread over the block; ones or zeros when it is not given.
std::vector<float> spread(const Call& call, std::size_t i, const Shape& block, float otherwise) {
  std::vector<float> values(product(block), otherwise);
  if (call.given(i) && !values.empty())
    copy_strided(make_loops(block, {strides_of(block), broadcast_strides(call.inputs[i].shape, block)}),
                 values.data(), call.inputs[i].data, sizeof(float));
  return values;
}

Status evaluate_layer(const Call& call) {
  const Shape& x = call.inputs[0].shape;
  std::int64_t axis = call.node.get_int("axis", -1);
  normalize_axis(axis, rank(x));
  Shape block(x.begin() + axis, x.end());
  auto scale = spread(call, 1, block, 1.0f), bias = spread(call, 2, block, 0.0f);
  std::int64_t n = product(block), outer = product(x, 0, axis);
  double epsilon = call.node.get_float("epsilon", 1e-5f);
  for (std::int64_t r = 0; r < outer; ++r) {
    const float* from = in<float>(call, 0) + r * n;
    float* to = out<float>(call) + r * n;
    Moments m = moments(from, n);
    auto factor = static_cast<float>(1.0 / std::sqrt(m.variance + epsilon)),
         mean = static_cast<float>(m.mean);
    for (std::int64_t i = 0; i < n; ++i) to[i] = (from[i] - mean) * factor * scale[i] + bias[i];
    if (wanted(call, 1)) out<float>(call, 1)[r] = mean;
    if (wanted(call, 2)) out<float>(call, 2)[r] = factor;
  }
  return {};
}

Status infer_mean_variance(Call& call) {
  if (Status s = infer_same(call); !s) return s;
  auto axes = call.node.get_ints("axes", {0, 2, 3});
  if (call.inputs[0].type != DataType::float32) return fail(call, "is for float32 only");
  if (!normalize_axes(axes, rank(call.inputs[0].shape))) return fail(call, "axis outside the operand's rank");
  return {};
}

// The statistics have the operand's shape with the axes made 1, which broadcasts back.
Status evaluate_mean_variance(const Call& call) {
  const Shape& x = call.inputs[0].shape;
  auto axes = call.node.get_ints("axes", {0, 2, 3});
  normalize_axes(axes, rank(x));
  Shape kept = x;
  double count = 1;
  for (std::int64_t axis : axes) count *= static_cast<double>(x[axis]), kept[axis] = 1;
  std::vector<double> mean(product(kept), 0.0), variance(mean.size(), 0.0);
  auto loops = make_loops(x, {strides_of(x), broadcast_strides(kept, x)});
  const float* from = in<float>(call, 0);
  auto each = [&](auto body) {
    for_each_run(loops, [&](const std::int64_t* at, std::int64_t n, const std::int64_t* step) {
      for (std::int64_t i = 0; i < n; ++i) body(at[0] + i * step[0], at[1] + i * step[1]);
    });
  };
  each([&](std::int64_t i, std::int64_t k) { mean[k] += from[i] / count; });
  each([&](std::int64_t i, std::int64_t k) {
    variance[k] += (from[i] - mean[k]) * (from[i] - mean[k]) / count;
  });
  double inside = call.node.get_float("epsilon", 0.0f), outside = inside > 0 ? 0 : 1e-9;
  bool scaled = call.node.get_int("normalize_variance", 1) != 0;
  for (double& v : variance) v = scaled ? 1.0 / (std::sqrt(v + inside) + outside) : 1.0;
  each([&](std::int64_t i, std::int64_t k) {
    out<float>(call)[i] = static_cast<float>((from[i] - mean[k]) * variance[k]);
  });
  return {};
}

constexpr Kernel rows[] = {
    {"BatchNormalization", infer_batch, evaluate_batch},
    {"InstanceNormalization", infer_instance, evaluate_instance},
    {"LayerNormalization", infer_layer, evaluate_layer},
    {"MeanVarianceNormalization", infer_mean_variance, evaluate_mean_variance},
};

}  // namespace

std::span<const Kernel> normalize_kernels() { return rows; }

}  // namespace mlq::kernels
