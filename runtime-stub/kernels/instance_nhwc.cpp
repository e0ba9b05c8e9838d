// Normalization per image and channel with channels last; style transfer networks live on it.
#include <cmath>
#include <vector>

#include "runtime-stub/kernels/families.h"
#include "runtime-stub/kernels/support.h"

namespace mlq::kernels {
namespace {

Status infer(Call& call) {
  if (Status s = infer_same(call); !s) return s;
  const Shape& x = call.inputs[0].shape;
  if (x.size() < 2 || call.inputs[0].type != DataType::float32)
    return fail(call, "needs float32 of rank 2 or more");
  for (std::size_t i : {1, 2})
    if (!call.given(i) || call.inputs[i].type != DataType::float32 || call.inputs[i].shape.size() != 1 ||
        (x.back() >= 0 && call.inputs[i].shape[0] != x.back()))
      return fail(call, "needs one number per channel");
  return {};
}

Status evaluate(const Call& call) {
  const Shape& x = call.inputs[0].shape;
  std::int64_t channels = x.back(), cells = product(x, 1, rank(x) - 1);
  double epsilon = call.node.get_float("epsilon", 1e-5f), count = static_cast<double>(cells);
  for (std::int64_t n = 0; n < x[0]; ++n) {
    const float* from = in<float>(call, 0) + n * cells * channels;
    float* to = out<float>(call) + n * cells * channels;
    std::vector<double> mean(channels, 0.0), variance(channels, 0.0);
    for (std::int64_t i = 0; i < cells; ++i)
      for (std::int64_t c = 0; c < channels; ++c) mean[c] += from[i * channels + c];
    for (double& m : mean) m /= count;
    for (std::int64_t i = 0; i < cells; ++i)
      for (std::int64_t c = 0; c < channels; ++c) {
        double d = from[i * channels + c] - mean[c];
        variance[c] += d * d;
      }
    std::vector<float> scale(channels), shift(channels);
    for (std::int64_t c = 0; c < channels; ++c) {
      double s = in<float>(call, 1)[c] / std::sqrt(variance[c] / count + epsilon);
      scale[c] = static_cast<float>(s);
      shift[c] = static_cast<float>(in<float>(call, 2)[c] - mean[c] * s);
    }
    for (std::int64_t i = 0; i < cells; ++i)
      for (std::int64_t c = 0; c < channels; ++c)
        to[i * channels + c] = from[i * channels + c] * scale[c] + shift[c];
  }
  return {};
}

constexpr Kernel rows[] = {{"InstanceNormalizationNhwc", infer, evaluate}};

}  // namespace

std::span<const Kernel> instance_nhwc_kernels() { return rows; }

}  // namespace mlq::kernels
