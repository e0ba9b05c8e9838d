// Convolution with channels last: x [N, H, W, C], weights as in Conv, optional bias, optional factor per
// output channel (from a folded normalization: it multiplies the weights, which may be quantized and stay as
// they are).
#include <algorithm>
#include <cstring>
#include <vector>

#include "runtime-stub/kernels/families.h"
#include "runtime-stub/kernels/gemm.h"
#include "runtime-stub/kernels/plane.h"

namespace mlq::kernels {
namespace {

struct Packed {
  Plane2d plane;
  std::vector<float> weights;  // [out channels, tap row, tap column, channels of a group]
  std::vector<float> bias;
};

// [O, I, H, W] -> [O, H, W, I], times the factor.
std::vector<float> reorder(const Call& call, std::int64_t channels, std::int64_t taps, const float* factor) {
  std::int64_t filters = call.inputs[1].shape[0];
  std::vector<float> packed(filters * channels * taps);
  const float* from = in<float>(call, 1);
  float* to = packed.data();
  for (std::int64_t o = 0; o < filters; ++o, from += channels * taps)
    for (std::int64_t t = 0; t < taps; ++t)
      for (std::int64_t i = 0; i < channels; ++i)
        *to++ = factor ? from[i * taps + t] * factor[o] : from[i * taps + t];
  return packed;
}

Result<Packed> pack(const Call& call) {
  auto plane = conv_plane(call);
  if (!plane) return Failure{plane.error()};
  settle_ends(*plane);
  const Shape& w = call.inputs[1].shape;
  Packed p{*plane, reorder(call, w[1], w[2] * w[3], call.given(3) ? in<float>(call, 3) : nullptr), {}};
  if (call.given(2)) p.bias.assign(in<float>(call, 2), in<float>(call, 2) + w[0]);
  return p;
}

// All cells under the window at one position, for one group; zeros outside.
void collect(const Plane2d& p, const float* image, std::int64_t row, std::int64_t column, std::int64_t group,
             float* to) {
  std::int64_t channels = p.channels / p.groups;
  for (std::int64_t i = 0; i < p.kernel[0]; ++i) {
    std::int64_t h = row * p.stride[0] + i * p.dilation[0] - p.before[0];
    for (std::int64_t j = 0; j < p.kernel[1]; ++j, to += channels) {
      std::int64_t w = column * p.stride[1] + j * p.dilation[1] - p.before[1];
      if (h < 0 || h >= p.height || w < 0 || w >= p.width)
        std::fill_n(to, channels, 0.0f);
      else
        std::memcpy(to, image + (h * p.width + w) * p.channels + group * channels, channels * sizeof(float));
    }
  }
}

// One group of one row of results by a matrix product.
void convolve_row(const Packed& k, const float* image, std::int64_t row, std::int64_t group,
                  std::vector<float>& cells, std::vector<float>& products, float* y) {
  const Plane2d& p = k.plane;
  std::int64_t filters = p.out_channels / p.groups,
               taps = p.kernel[0] * p.kernel[1] * (p.channels / p.groups);
  for (std::int64_t c = 0; c < p.out_width; ++c) collect(p, image, row, c, group, cells.data() + c * taps);
  Gemm g{p.out_width, filters, taps};
  g.transpose_b = true;
  gemm(g, cells.data(), k.weights.data() + group * filters * taps, products.data());
  for (std::int64_t c = 0; c < p.out_width; ++c)
    for (std::int64_t f = 0; f < filters; ++f)
      y[c * p.out_channels + group * filters + f] =
          products[c * filters + f] + (k.bias.empty() ? 0.0f : k.bias[group * filters + f]);
}

void convolve(const Packed& k, const float* x, float* y) {
  const Plane2d& p = k.plane;
  std::int64_t filters = p.out_channels / p.groups,
               taps = p.kernel[0] * p.kernel[1] * (p.channels / p.groups);
  std::vector<float> cells(p.out_width * taps), products(p.out_width * filters);
  for (std::int64_t n = 0; n < p.batch; ++n)
    for (std::int64_t r = 0; r < p.out_height; ++r)
      for (std::int64_t g = 0; g < p.groups; ++g)
        convolve_row(k, x + n * p.height * p.width * p.channels, r, g, cells, products,
                     y + (n * p.out_height + r) * p.out_width * p.out_channels);
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
  auto plane = conv_plane(call);
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

bool constant_weights(const Call& call) {
  for (std::size_t i = 1; i < call.inputs.size(); ++i)
    if (call.given(i) && !call.inputs[i].constant) return false;
  return true;
}

Result<std::unique_ptr<Prepared>> prepare(const Call& call) {
  if (!constant_weights(call)) return std::unique_ptr<Prepared>();
  auto packed = pack(call);
  if (!packed) return Failure{packed.error()};
  const float* bias = packed->bias.empty() ? nullptr : packed->bias.data();
  if (auto made = xnnpack_conv(packed->plane, packed->weights.data(), bias, buffers_of(call))) return made;
  auto made = std::make_unique<Fallback>();
  made->packed = std::move(*packed);
  made->buffers = buffers_of(call);
  return std::unique_ptr<Prepared>(std::move(made));
}

constexpr Kernel rows[] = {{"ConvNhwc", infer, evaluate, prepare}};

}  // namespace

std::span<const Kernel> conv_nhwc_kernels() { return rows; }

}  // namespace mlq::kernels
