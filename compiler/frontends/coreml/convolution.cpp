// Convolutions and their transposes, in two and three dimensions.
#include <algorithm>

#include "compiler/frontends/coreml/layers.h"
#include "compiler/frontends/coreml/network.pb.h"
#include "compiler/frontends/coreml/spatial.h"

namespace mlqc::coreml {

namespace {

using Layer = NeuralNetworkLayer;

// Both messages in the same words.
struct Spec {
  std::int64_t out_channels, in_channels, groups;  // in_channels of one group; of all in a transpose
  Window window;
  bool transposed, same, begin_heavy;
  Pads pads;
  Ints output;  // sizes asked for, of a transpose
  const Weights* weights;
  const Weights* bias;  // null: none
};

// The crop that makes a transposed convolution's result as large as it is to be. Where it would have to grow,
// the missing elements are appended.
Attributes transpose_attributes(const Build& b, const Spec& spec, const Ints& input) {
  Pads pads = spec.pads;
  Ints append(input.size(), 0);
  for (std::size_t i = 0; i < input.size(); ++i) {
    if (!spec.same && spec.output.empty()) continue;
    const std::int64_t full = (input[i] - 1) * spec.window.stride[i] + spec.window.reach(i);
    const std::int64_t wanted = spec.output.empty() ? input[i] * spec.window.stride[i] : spec.output[i];
    const std::int64_t crop = std::max<std::int64_t>(0, full - wanted);
    b.require(wanted - full < spec.window.stride[i], "asks for an output larger than its input can fill");
    append[i] = std::max<std::int64_t>(0, wanted - full);
    pads.begin[i] = spec.begin_heavy ? crop - crop / 2 : crop / 2;
    pads.end[i] = crop - pads.begin[i];
  }
  Attributes result = attributes(spec.window, pads);
  result["output_padding"] = append;
  return result;
}

Attributes conv_attributes(const Build& b, const Spec& spec, TensorId x) {
  const std::size_t axes = spec.window.kernel.size();
  Attributes result;
  if (spec.same && !knows_sizes(b, x, axes)) {
    result = same_attributes(b, x, spec.window, spec.begin_heavy);
  } else if (spec.transposed) {
    const bool needs_size = spec.same || !spec.output.empty();
    result = transpose_attributes(b, spec, needs_size ? spatial_sizes(b, x, axes) : Ints(axes, 1));
  } else if (spec.same) {
    result = same_attributes(b, x, spec.window, spec.begin_heavy);
  } else {
    result = attributes(spec.window, spec.pads);
  }
  result["group"] = spec.groups;
  return result;
}

Ids operands(Build& b, const Spec& spec, TensorId x) {
  Ids ids{x};
  if (b.inputs() > 1) {  // weights are a blob
    ids.push_back(b.in(1));
  } else {
    Shape shape{spec.out_channels, spec.in_channels};
    if (spec.transposed) shape = {spec.in_channels, spec.out_channels / spec.groups};
    for (const std::int64_t length : spec.window.kernel) shape.push_back(length);
    ids.push_back(b.weight(*spec.weights, shape, spec.transposed ? 1 : 0));
  }
  if (b.inputs() > 2)
    ids.push_back(b.in(2));
  else if (spec.bias)
    ids.push_back(b.weight(*spec.bias, {spec.out_channels}));
  return ids;
}

void convolve(Build& b, const Spec& spec) {
  const int rank = static_cast<int>(spec.window.kernel.size()) + 2;
  b.out(at_rank(b, b.in(), rank, [&](TensorId x) {
    b.require(spec.groups > 0 && spec.out_channels % spec.groups == 0,
              "has channels that its groups do not divide");
    return b.node(spec.transposed ? "ConvTranspose" : "Conv", operands(b, spec, x),
                  conv_attributes(b, spec, x));
  }));
}

void convolution(Build& b, const Layer& layer, const char*) {
  const Convolution& c = layer.convolution();
  b.require(c.padding_case() != Convolution::PADDING_NOT_SET, "says no padding, neither valid nor same");
  const bool transposed = c.is_deconvolution();
  // The format has transposed convolutions ignore dilation.
  const Ints dilation = transposed ? Ints{} : sizes(b, c.dilation_factor());
  const Ints output = transposed ? sizes(b, c.output_shape()) : Ints{};
  b.require(output.empty() || output.size() == 2, "asks for an output of other than two dimensions");
  convolve(b, {size(b, c.output_channels()),
               size(b, c.kernel_channels()),
               or_default<std::int64_t>(size(b, c.n_groups()), 1),
               {per_axis(b, sizes(b, c.kernel_size()), 2, 3), per_axis(b, sizes(b, c.stride()), 2, 1),
                per_axis(b, dilation, 2, 1)},
               transposed,
               c.has_same(),
               c.same().asymmetry_mode() == SamePadding::TOP_LEFT_HEAVY,
               border(b, c.valid().padding_amounts()),
               output,
               &c.weights(),
               c.with_bias() ? &c.bias() : nullptr});
}

void convolution_3d(Build& b, const Layer& layer, const char*) {
  const Convolution3d& c = layer.convolution_3d();
  const bool custom = c.padding_type() == Convolution3d::CUSTOM;
  const Ints front{c.custom_padding_front(), c.custom_padding_top(), c.custom_padding_left()};
  const Ints back{c.custom_padding_back(), c.custom_padding_bottom(), c.custom_padding_right()};
  const Ints output = c.is_deconvolution() ? sizes(b, c.output_shape()) : Ints{};
  b.require(output.empty() || output.size() == 3, "asks for an output of other than three dimensions");
  const auto three = [&](std::int32_t depth, std::int32_t height, std::int32_t width) {
    return per_axis(b, {or_default(depth, 1), or_default(height, 1), or_default(width, 1)}, 3, 1);
  };
  const std::int64_t groups = or_default(c.n_groups(), 1);
  b.require(groups > 0, "has a negative number of groups");
  convolve(b, {c.output_channels(),
               c.is_deconvolution() ? c.input_channels() : c.input_channels() / groups,
               groups,
               {three(c.kernel_depth(), c.kernel_height(), c.kernel_width()),
                three(c.stride_depth(), c.stride_height(), c.stride_width()),
                three(c.dilation_depth(), c.dilation_height(), c.dilation_width())},
               c.is_deconvolution(),
               c.padding_type() == Convolution3d::SAME,
               false,
               custom ? Pads{front, back} : Pads{{0, 0, 0}, {0, 0, 0}},
               output,
               &c.weights(),
               c.with_bias() ? &c.bias() : nullptr});
}

constexpr Row rows[] = {
    {Layer::kConvolution, convolution},
    {Layer::kConvolution3D, convolution_3d},
};

}  // namespace

std::span<const Row> convolution_rows() { return rows; }

}  // namespace mlqc::coreml
