// Convolution, pooling, resizing. Weights are [O, H, W, I]; of a depthwise convolution [1, H, W, O].
#include "compiler/frontends/nhwc/spatial.h"

#include "compiler/frontends/tflite/operators.h"
#include "model_generated.h"

namespace mlqc::tflite {

namespace {

nhwc::Padding padding_of(wire::Padding padding) {
  return padding == wire::Padding_same ? nhwc::Padding::same : nhwc::Padding::valid;
}

// What the file says of the operator.
template <class Options>
const Options& required(const Net& net, const Options* options) {
  net.b.require(options != nullptr, "has no options");
  return *options;
}

template <class Options>
nhwc::Window window_of(const Options& o) {
  return {{o.stride_h(), o.stride_w()}, {o.dilation_h(), o.dilation_w()}, padding_of(o.padding()), {}, {}};
}

TensorId bias_of(Net& net, std::size_t i) {
  return net.given(i) ? net.b.named(net.in(i), "bias") : mlq::no_tensor;
}

void convolution(Net& net, const char*) {
  const auto& o = required(net, net.op->options_as_Conv2D());
  const TensorId x = net.in(0), weights = net.b.permuted(net.in(1), {0, 3, 1, 2}, "weights");
  const std::int64_t from = net.b.shape(x).empty() ? 0 : net.b.shape(x).back(),
                     per_group = net.b.shape(weights)[1];
  net.b.require(per_group > 0 && from > 0 && from % per_group == 0,
                "has channels that its groups do not divide");
  net.finish(nhwc::convolve(net.b, x, weights, bias_of(net, 2), window_of(o), from / per_group),
             o.activation());
}

// Weights [D, H, W, I, O].
void volume_convolution(Net& net, const char*) {
  const auto& o = required(net, net.op->options_as_Conv3D());
  const TensorId weights = net.b.permuted(net.in(1), {4, 3, 0, 1, 2}, "weights");
  const nhwc::Window window{{o.stride_d(), o.stride_h(), o.stride_w()},
                            {o.dilation_d(), o.dilation_h(), o.dilation_w()},
                            padding_of(o.padding()),
                            {},
                            {}};
  net.finish(nhwc::convolve(net.b, net.in(0), weights, bias_of(net, 2), window), o.activation());
}

void depthwise_convolution(Net& net, const char*) {
  const auto& o = required(net, net.op->options_as_DepthwiseConv2D());
  const TensorId x = net.in(0), weights = net.b.permuted(net.in(1), {3, 0, 1, 2}, "weights");
  const std::int64_t channels = net.b.shape(x).empty() ? 0 : net.b.shape(x).back();
  net.b.require(net.b.shape(weights)[1] == 1 && channels > 0, "has weights of an unknown arrangement");
  net.finish(nhwc::convolve(net.b, x, weights, bias_of(net, 2), window_of(o), channels), o.activation());
}

// Operands: the result's shape, weights [O, H, W, I], the input, and in newer files a bias.
void transposed_convolution(Net& net, const char*) {
  const auto& o = required(net, net.op->options_as_TransposeConv());
  const Ints shape = net.b.constant_ints(net.in(0), "sizes of the result");
  net.b.require(shape.size() == 4, "makes something else than an image");
  const TensorId weights = net.b.permuted(net.in(1), {3, 0, 1, 2}, "weights");
  const nhwc::Window window{{o.stride_h(), o.stride_w()}, {}, padding_of(o.padding()), {}, {}};
  net.finish(
      nhwc::convolve_transposed(net.b, net.in(2), weights, bias_of(net, 3), window, {shape[1], shape[2]}),
      o.activation());
}

void pool(Net& net, const char* op) {
  const auto& o = required(net, net.op->options_as_Pool2D());
  const nhwc::Window window{{o.stride_h(), o.stride_w()}, {}, padding_of(o.padding()), {}, {}};
  net.finish(nhwc::pool(net.b, op, net.in(), {o.filter_h(), o.filter_w()}, window), o.activation());
}

// The root of the mean of squares, of what is not padding.
void root_mean_square_pool(Net& net, const char*) {
  const auto& o = required(net, net.op->options_as_Pool2D());
  const nhwc::Window window{{o.stride_h(), o.stride_w()}, {}, padding_of(o.padding()), {}, {}};
  const TensorId squares = net.b.node("Square", {net.in()});
  const TensorId mean = nhwc::pool(net.b, "AveragePool", squares, {o.filter_h(), o.filter_w()}, window);
  net.finish(net.b.node("Sqrt", {mean}), o.activation());
}

void resize(Net& net, bool bilinear, bool aligned, bool half_pixel) {
  const nhwc::Corners corners = aligned      ? nhwc::Corners::aligned
                                : half_pixel ? nhwc::Corners::half_pixel
                                             : nhwc::Corners::asymmetric;
  net.out(nhwc::resize(net.b, net.in(0), net.in(1), bilinear, corners));
}

void resize_bilinear(Net& net, const char*) {
  const auto* o = net.op->options_as_ResizeBilinear();
  resize(net, true, o && o->align_corners(), o && o->half_pixel_centers());
}

void resize_nearest(Net& net, const char*) {
  const auto* o = net.op->options_as_ResizeNearest();
  resize(net, false, o && o->align_corners(), o && o->half_pixel_centers());
}

void shuffle_blocks(Net& net, const char* op) {
  const auto* o = net.op->options_as_SpaceToDepth() ? net.op->options_as_SpaceToDepth()
                                                    : net.op->options_as_DepthToSpace();
  net.b.require(o != nullptr, "has no options");
  net.out(nhwc::shuffle_blocks(net.b, op, net.in(), o->block_size()));
}

void response_normalization(Net& net, const char*) {
  const auto& o = required(net, net.op->options_as_LocalResponseNormalization());
  net.b.require(o.radius() >= 0 && o.radius() < 1 << 20, "has a radius out of range");
  const std::int64_t size = 2 * std::int64_t{o.radius()} + 1;
  const TensorId y = net.b.node("LRN", {nhwc::to_channels_first(net.b, net.in())},
                                {{"size", size},
                                 {"alpha", o.alpha() * static_cast<float>(size)},  // ONNX divides by the size
                                 {"beta", o.beta()},
                                 {"bias", o.bias()}});
  net.out(nhwc::to_channels_last(net.b, y));
}

constexpr Row rows[] = {
    {1, "AVERAGE_POOL_2D", pool, "AveragePool"},
    {3, "CONV_2D", convolution},
    {4, "DEPTHWISE_CONV_2D", depthwise_convolution},
    {5, "DEPTH_TO_SPACE", shuffle_blocks, "DepthToSpace"},
    {12, "L2_POOL_2D", root_mean_square_pool},
    {13, "LOCAL_RESPONSE_NORMALIZATION", response_normalization},
    {17, "MAX_POOL_2D", pool, "MaxPool"},
    {23, "RESIZE_BILINEAR", resize_bilinear},
    {26, "SPACE_TO_DEPTH", shuffle_blocks, "SpaceToDepth"},
    {67, "TRANSPOSE_CONV", transposed_convolution},
    {97, "RESIZE_NEAREST_NEIGHBOR", resize_nearest},
    {132, "CONV_3D", volume_convolution},
};

}  // namespace

std::span<const Row> spatial_rows() { return rows; }

}  // namespace mlqc::tflite
