#include "compiler/frontends/nhwc/spatial.h"

#include <algorithm>

namespace mlqc::nhwc {

namespace {

std::size_t spatial_axes(const Build& b, TensorId x) {
  b.require(b.rank(x) >= 3 && b.rank(x) <= 5, "needs an operand of batch, spatial axes and channels");
  return static_cast<std::size_t>(b.rank(x) - 2);
}

Ints spatial_sizes(const Build& b, TensorId channels_last) {
  const Shape& shape = b.shape(channels_last);
  return {shape.begin() + 1, shape.end() - 1};
}

Ints per_axis(const Build& b, Ints values, std::size_t axes, std::int64_t otherwise) {
  if (values.empty()) values.assign(axes, otherwise);
  b.require(values.size() == axes, "has a stride, dilation, size or padding per axis too many or too few");
  for (const std::int64_t value : values)
    b.require(value >= 0 && value < std::int64_t{1} << 31, "has a size out of range");
  return values;
}

bool known(const Ints& sizes) {
  return std::all_of(sizes.begin(), sizes.end(), [](std::int64_t n) { return n >= 0; });
}

struct Pads {
  Ints begin, end;
};

// The odd element goes to the end. `target` is what the operand would be after the strides.
Pads same_pads(const Ints& input, const Ints& kernel, const Ints& stride, const Ints& dilation) {
  Pads pads;
  for (std::size_t i = 0; i < input.size(); ++i) {
    const std::int64_t reach = (kernel[i] - 1) * dilation[i] + 1;
    const std::int64_t places = (input[i] + stride[i] - 1) / stride[i];
    const std::int64_t total = std::max<std::int64_t>(0, (places - 1) * stride[i] + reach - input[i]);
    pads.begin.push_back(total / 2);
    pads.end.push_back(total - total / 2);
  }
  return pads;
}

Ints joined(const Ints& begin, const Ints& end) {
  Ints all = begin;
  all.insert(all.end(), end.begin(), end.end());
  return all;
}

Attributes window_attributes(const Build& b, TensorId x, const Ints& kernel, const Window& window) {
  const std::size_t axes = spatial_axes(b, x);
  const Ints stride = per_axis(b, window.stride, axes, 1), dilation = per_axis(b, window.dilation, axes, 1);
  for (std::size_t i = 0; i < axes; ++i)
    b.require(stride[i] > 0 && dilation[i] > 0 && kernel[i] > 0, "has a stride, dilation or kernel of zero");
  Attributes attributes{{"kernel_shape", kernel}, {"strides", stride}, {"dilations", dilation}};
  const Ints sizes = spatial_sizes(b, x);
  if (window.padding == Padding::given) {
    attributes["pads"] =
        joined(per_axis(b, window.pads_begin, axes, 0), per_axis(b, window.pads_end, axes, 0));
  } else if (window.padding == Padding::same && known(sizes)) {
    const Pads pads = same_pads(sizes, kernel, stride, dilation);
    attributes["pads"] = joined(pads.begin, pads.end);
  } else if (window.padding == Padding::same) {
    attributes["auto_pad"] = std::string("SAME_UPPER");
  }
  return attributes;
}

Ints kernel_of(const Build& b, TensorId x, TensorId weights) {
  b.require(static_cast<std::size_t>(b.rank(weights)) == spatial_axes(b, x) + 2,
            "has weights of another rank than its operand");
  const Shape& shape = b.shape(weights);
  return {shape.begin() + 2, shape.end()};
}

// Crops of a transposed convolution whose result is to have the sizes `output`; what is missing is appended.
void crop_to(const Build& b, Attributes& attributes, const Ints& input, const Ints& kernel,
             const Ints& stride, const Ints& dilation, const Ints& output) {
  Ints begin, end, append;
  for (std::size_t i = 0; i < output.size(); ++i) {
    const std::int64_t full = (input[i] - 1) * stride[i] + (kernel[i] - 1) * dilation[i] + 1;
    b.require(output[i] - full < stride[i], "asks for an output larger than its input can fill");
    const std::int64_t crop = std::max<std::int64_t>(0, full - output[i]);
    begin.push_back(crop / 2);
    end.push_back(crop - crop / 2);
    append.push_back(std::max<std::int64_t>(0, output[i] - full));
  }
  attributes["pads"] = joined(begin, end);
  attributes["output_padding"] = append;
}

}  // namespace

TensorId to_channels_first(Build& b, TensorId x) {
  Ints perm{0, b.rank(x) - 1};
  for (int axis = 1; axis + 1 < b.rank(x); ++axis) perm.push_back(axis);
  return b.transpose(x, perm);
}

TensorId to_channels_last(Build& b, TensorId x) {
  Ints perm{0};
  for (int axis = 2; axis < b.rank(x); ++axis) perm.push_back(axis);
  perm.push_back(1);
  return b.transpose(x, perm);
}

TensorId convolve(Build& b, TensorId x, TensorId weights, TensorId bias, const Window& window,
                  std::int64_t groups) {
  Attributes attributes = window_attributes(b, x, kernel_of(b, x, weights), window);
  attributes["group"] = groups;
  Ids operands{to_channels_first(b, x), weights};
  if (bias != mlq::no_tensor) operands.push_back(bias);
  return to_channels_last(b, b.node("Conv", operands, attributes));
}

TensorId convolve_transposed(Build& b, TensorId x, TensorId weights, TensorId bias, const Window& window,
                             const Ints& output, const Ints& output_padding) {
  const Ints kernel = kernel_of(b, x, weights), input = spatial_sizes(b, x);
  const std::size_t axes = kernel.size();
  const Ints stride = per_axis(b, window.stride, axes, 1), dilation = per_axis(b, window.dilation, axes, 1);
  Attributes attributes{{"kernel_shape", kernel}, {"strides", stride}, {"dilations", dilation}};
  b.require(known(input), "needs spatial sizes that are known when it is compiled");
  Ints target = output;
  if (target.empty())
    for (std::size_t i = 0; i < axes; ++i)
      target.push_back(window.padding == Padding::same
                           ? input[i] * stride[i]
                           : (input[i] - 1) * stride[i] +
                                 std::max((kernel[i] - 1) * dilation[i] + 1, stride[i]) +
                                 (output_padding.empty() ? 0 : output_padding[i]));
  // Valid padding grows at the end only; a result that is the full one crops nothing.
  crop_to(b, attributes, input, kernel, stride, dilation, per_axis(b, target, axes, 1));
  Ids operands{to_channels_first(b, x), weights};
  if (bias != mlq::no_tensor) operands.push_back(bias);
  return to_channels_last(b, b.node("ConvTranspose", operands, attributes));
}

TensorId pool(Build& b, const char* op, TensorId x, const Ints& kernel, const Window& window) {
  const Ints sizes = per_axis(b, kernel, spatial_axes(b, x), 1);
  const Attributes attributes = window_attributes(b, x, sizes, window);
  return to_channels_last(b, b.node(op, {to_channels_first(b, x)}, attributes));
}

TensorId pool_all(Build& b, const char* op, TensorId x, bool keep_dimensions) {
  spatial_axes(b, x);
  const TensorId y = b.node(op, {to_channels_first(b, x)});
  return keep_dimensions ? to_channels_last(b, y) : b.node("Flatten", {y});
}

TensorId resize(Build& b, TensorId x, TensorId size, bool bilinear, Corners corners) {
  b.require(b.rank(x) == 4 && b.shape(size) == Shape{2}, "resizes other than images");
  Attributes attributes{{"mode", std::string(bilinear ? "linear" : "nearest")}};
  attributes["coordinate_transformation_mode"] = std::string(corners == Corners::aligned ? "align_corners"
                                                             : corners == Corners::half_pixel ? "half_pixel"
                                                                                              : "asymmetric");
  // TensorFlow takes the floor of x * scale, and of (x + 0.5) * scale: the nearest to (x + 0.5) * scale - 0.5
  // with halves going up. Aligned corners are rounded with halves going up.
  const bool floors = corners == Corners::asymmetric;
  if (!bilinear) attributes["nearest_mode"] = std::string(floors ? "floor" : "round_prefer_ceil");
  const TensorId first = to_channels_first(b, x);
  const Shape from = b.shape(first);
  b.require(from[0] >= 0 && from[1] >= 0, "needs a number of channels that is known");
  const TensorId target = b.node("Concat", {b.ints({from[0], from[1]}), size}, {{"axis", std::int64_t{0}}});
  const TensorId y = b.node("Resize", {first, mlq::no_tensor, mlq::no_tensor, target}, attributes);
  // Sizes that are not known yet hide that the channels are.
  Shape& shape = b.graph.tensors[static_cast<std::size_t>(y)].shape;
  std::copy_n(from.begin(), 2, shape.begin());
  return to_channels_last(b, y);
}

TensorId shuffle_blocks(Build& b, const char* op, TensorId x, std::int64_t block) {
  b.require(b.rank(x) == 4 && block > 0 && block < 1 << 16, "needs an image and a block size");
  const TensorId y = b.node(op, {to_channels_first(b, x)}, {{"blocksize", block}});
  return to_channels_last(b, y);
}

}  // namespace mlqc::nhwc
