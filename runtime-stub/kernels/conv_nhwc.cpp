// Convolution with channels last: x [N, H, W, C], weights as in Conv, optional bias, optional factor per
// output channel (from a folded normalization: it multiplies the weights, which may be quantized and stay as
// they are).
#include <algorithm>
#include <cstring>
#include <vector>

#include "runtime-stub/kernels/families.h"
#include "runtime-stub/kernels/gemm.h"
#include "runtime-stub/kernels/plane.h"
#include "runtime-stub/kernels/vector_conv.h"

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

// By the shape alone, so that every run on a machine gives the same numbers. Null: our own loops.
PreparedOrNull fastest(const Packed& packed, const Buffers& buffers) {
  const float* bias = packed.bias.empty() ? nullptr : packed.bias.data();
  for (auto make : {winograd_conv, direct_conv, xnnpack_conv})
    if (auto made = make(packed.plane, packed.weights.data(), bias, buffers)) return made;
  return nullptr;
}

Result<std::unique_ptr<Prepared>> prepare(const Call& call) {
  if (!constant_weights(call)) return std::unique_ptr<Prepared>();
  auto packed = pack(call);
  if (!packed) return Failure{packed.error()};
  if (auto made = fastest(*packed, buffers_of(call))) return made;
  auto made = std::make_unique<Fallback>();
  made->packed = std::move(*packed);
  made->buffers = buffers_of(call);
  return std::unique_ptr<Prepared>(std::move(made));
}

// Several convolutions that fill one result side by side, as Concat over the channels would: operands are
// four per part (absent ones included), attributes are the parts' lists one after the other.
struct Part {
  Node node;
  std::vector<Value> inputs, outputs;
  std::int64_t first_channel = 0;
};

template <class T>
std::vector<T> slice(const std::vector<T>& list, std::size_t part, std::size_t each) {
  if (list.size() < (part + 1) * each) return {};
  return std::vector<T>(list.begin() + part * each, list.begin() + (part + 1) * each);
}

// The parts with their results' shapes inferred.
Result<std::vector<Part>> parts_of(const Call& call) {
  std::vector<Part> parts;
  if (call.inputs.empty() || call.inputs.size() % 4 != 0) return fail(call, "needs four operands per part");
  std::int64_t channel = 0;
  for (std::size_t k = 0; k < call.inputs.size() / 4; ++k) {
    Part part{{"ConvNhwc", call.node.name, {}, {0}, {}}, {}, {Value{}}, channel};
    for (std::size_t i = 4 * k; i < 4 * k + 4; ++i) {
      part.node.inputs.push_back(i < call.node.inputs.size() ? call.node.inputs[i] : no_tensor);
      part.inputs.push_back(call.inputs[i]);
    }
    auto groups = slice(call.node.get_ints("group"), k, 1);
    auto low = slice(call.node.get_floats("activation_min"), k, 1),
         high = slice(call.node.get_floats("activation_max"), k, 1);
    if (groups.empty() || low.empty() || high.empty())
      return fail(call, "attributes do not fit the number of parts");
    part.node.attributes = {{"group", groups[0]},
                            {"activation_min", low[0]},
                            {"activation_max", high[0]},
                            {"strides", slice(call.node.get_ints("strides"), k, 2)},
                            {"dilations", slice(call.node.get_ints("dilations"), k, 2)},
                            {"pads", slice(call.node.get_ints("pads"), k, 4)}};
    Call single{part.node, part.inputs, part.outputs};
    if (Status s = infer(single); !s) return Failure{s.error()};
    const Shape &y = part.outputs[0].shape, &first = k == 0 ? y : parts[0].outputs[0].shape;
    if (y[0] != first[0] || y[1] != first[1] || y[2] != first[2])
      return fail(call, "the parts differ in size");
    channel = plus(channel, y[3]);
    parts.push_back(std::move(part));
  }
  return parts;
}

Status infer_joined(Call& call) {
  auto parts = parts_of(call);
  if (!parts) return parts.status();
  Shape y = parts->front().outputs[0].shape;
  y[3] = plus(parts->back().first_channel, parts->back().outputs[0].shape[3]);
  set_output(call, 0, DataType::float32, y);
  return {};
}

Status evaluate_joined(const Call& call) {
  auto parts = parts_of(call);
  if (!parts) return parts.status();
  std::int64_t places = product(call.outputs[0].shape, 0, 3), width = call.outputs[0].shape[3];
  for (Part& part : *parts) {
    std::int64_t channels = part.outputs[0].shape[3];
    std::vector<float> result(places * channels);
    part.outputs[0].data = result.data();
    if (Status s = evaluate({part.node, part.inputs, part.outputs}); !s) return s;
    for (std::int64_t i = 0; i < places; ++i)
      std::copy_n(result.data() + i * channels, channels, out<float>(call) + i * width + part.first_channel);
  }
  return {};
}

struct Joined : Prepared {
  std::vector<PreparedOrNull> parts;
  Status run(void* threads) override {
    for (auto& part : parts)
      if (Status s = part->run(threads); !s) return s;
    return {};
  }
  std::unique_ptr<Prepared> moved(std::ptrdiff_t shift) const override {
    auto copy = std::make_unique<Joined>();
    for (const auto& part : parts) {
      copy->parts.push_back(part->moved(shift));
      if (!copy->parts.back()) return nullptr;
    }
    return copy;
  }
};

Result<std::unique_ptr<Prepared>> prepare_joined(const Call& call) {
  auto parts = parts_of(call);
  if (!parts) return Failure{parts.error()};
  auto joined = std::make_unique<Joined>();
  for (Part& part : *parts) {
    Call single{part.node, part.inputs, part.outputs, call.threads};
    if (!constant_weights(single)) return std::unique_ptr<Prepared>();
    auto packed = pack(single);
    if (!packed) return Failure{packed.error()};
    packed->plane.out_stride = call.outputs[0].shape[3];
    Buffers buffers{in<float>(single, 0), out<float>(call) + part.first_channel, call.threads};
    joined->parts.push_back(fastest(*packed, buffers));
    if (!joined->parts.back()) return std::unique_ptr<Prepared>();
  }
  return std::unique_ptr<Prepared>(std::move(joined));
}

constexpr Kernel rows[] = {{"ConvNhwc", infer, evaluate, prepare},
                           {"JoinedConvNhwc", infer_joined, evaluate_joined, prepare_joined}};

}  // namespace

std::span<const Kernel> conv_nhwc_kernels() { return rows; }

}  // namespace mlq::kernels
