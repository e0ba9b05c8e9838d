// Transposed convolution with channels last: operands as in ConvNhwc, weights as in ConvTranspose.
#include <algorithm>
#include <vector>

#include "runtime-stub/kernels/families.h"
#include "runtime-stub/kernels/gemm.h"
#include "runtime-stub/kernels/plane.h"

namespace mlq::kernels {
namespace {

struct Packed {
  Plane2d plane;
  std::vector<float> weights;  // [group, filter, tap row, tap column, channels of a group]
  std::vector<float> bias;
};

Result<Packed> pack(const Call& call) {
  auto plane = conv_transpose_plane(call);
  if (!plane) return Failure{plane.error()};
  const Shape& w = call.inputs[1].shape;
  std::int64_t groups = plane->groups, channels = w[0] / groups, filters = w[1], taps = w[2] * w[3];
  Packed p{*plane, std::vector<float>(product(w)), {}};
  const float *from = in<float>(call, 1), *factor = call.given(3) ? in<float>(call, 3) : nullptr;
  for (std::int64_t i = 0; i < w[0]; ++i)
    for (std::int64_t f = 0; f < filters; ++f)
      for (std::int64_t t = 0; t < taps; ++t) {
        std::int64_t filter = i / channels * filters + f;
        float value = from[(i * filters + f) * taps + t];
        p.weights[(filter * taps + t) * channels + i % channels] = factor ? value * factor[filter] : value;
      }
  if (call.given(2)) p.bias.assign(in<float>(call, 2), in<float>(call, 2) + p.plane.out_channels);
  return p;
}

// What one operand cell adds to the results around it; products is [filter, tap row, tap column].
void spread(const Plane2d& p, const float* products, std::int64_t row, std::int64_t column, float* y) {
  std::int64_t filters = p.out_channels / p.groups, taps = p.kernel[0] * p.kernel[1];
  for (std::int64_t i = 0; i < p.kernel[0]; ++i)
    for (std::int64_t j = 0; j < p.kernel[1]; ++j) {
      std::int64_t h = row * p.stride[0] + i * p.dilation[0] - p.before[0];
      std::int64_t w = column * p.stride[1] + j * p.dilation[1] - p.before[1];
      if (h < 0 || h >= p.out_height || w < 0 || w >= p.out_width) continue;
      float* to = y + (h * p.out_width + w) * p.out_channels;
      for (std::int64_t f = 0; f < filters; ++f) to[f] += products[f * taps + i * p.kernel[1] + j];
    }
}

void convolve(const Packed& k, const float* x, float* y) {
  const Plane2d& p = k.plane;
  std::int64_t channels = p.channels / p.groups, filters = p.out_channels / p.groups;
  std::int64_t taps = p.kernel[0] * p.kernel[1], cells = p.out_height * p.out_width;
  for (std::int64_t i = 0; i < p.batch * cells; ++i)
    for (std::int64_t o = 0; o < p.out_channels; ++o)
      y[i * p.out_channels + o] = k.bias.empty() ? 0.0f : k.bias[o];
  std::vector<float> line(p.width * channels), products(p.width * filters * taps);
  for (std::int64_t r = 0; r < p.batch * p.height; ++r)
    for (std::int64_t g = 0; g < p.groups; ++g) {
      for (std::int64_t c = 0; c < p.width; ++c)
        std::copy_n(x + (r * p.width + c) * p.channels + g * channels, channels, line.data() + c * channels);
      Gemm shape{p.width, filters * taps, channels};
      shape.transpose_b = true;
      gemm(shape, line.data(), k.weights.data() + g * filters * taps * channels, products.data());
      for (std::int64_t c = 0; c < p.width; ++c)
        spread(p, products.data() + c * filters * taps, r % p.height, c,
               y + r / p.height * cells * p.out_channels + g * filters);
    }
  clamp(y, product(result_shape(p)), p.lowest, p.highest);
}

struct Fallback : Prepared {
  Packed packed;
  Buffers buffers;
  Status run(void*) override {
    convolve(packed, buffers.x, buffers.y);
    return {};
  }
};

Status infer(Call& call) {
  auto plane = conv_transpose_plane(call);
  if (!plane) return plane.status();
  set_output(call, 0, DataType::float32, result_shape(*plane));
  return {};
}

Status evaluate(const Call& call) {
  auto packed = pack(call);
  if (!packed) return packed.status();
  convolve(*packed, in<float>(call, 0), out<float>(call));
  return {};
}

Result<std::unique_ptr<Prepared>> prepare(const Call& call) {
  for (std::size_t i = 1; i < call.inputs.size(); ++i)
    if (call.given(i) && !call.inputs[i].constant) return std::unique_ptr<Prepared>();
  auto packed = pack(call);
  if (!packed) return Failure{packed.error()};
  const float* bias = packed->bias.empty() ? nullptr : packed->bias.data();
  if (auto made = xnnpack_conv_transpose(packed->plane, packed->weights.data(), bias, buffers_of(call)))
    return made;
  auto made = std::make_unique<Fallback>();
  made->packed = std::move(*packed);
  made->buffers = buffers_of(call);
  return std::unique_ptr<Prepared>(std::move(made));
}

constexpr Kernel rows[] = {{"ConvTransposeNhwc", infer, evaluate, prepare}};

}  // namespace

std::span<const Kernel> conv_transpose_nhwc_kernels() { return rows; }

}  // namespace mlq::kernels
