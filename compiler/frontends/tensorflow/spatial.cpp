// Convolution, pooling, normalization, resizing. Weights are [spatial..., I, O], of a depthwise convolution
// [H, W, I, M], of a transposed one [H, W, O, I].
#include "compiler/frontends/nhwc/spatial.h"

#include "compiler/frontends/tensorflow/operators.h"

namespace mlqc::tensorflow {

namespace {

// NCHW and NCDHW; everything here runs channels-last.
bool channels_lead(const Net& net) { return net.text("data_format", "NHWC").starts_with("NC"); }

TensorId image(Net& net, std::size_t i = 0) {
  const TensorId x = net.in(i);
  return channels_lead(net) ? nhwc::to_channels_last(net.b, x) : x;
}

void image_out(Net& net, TensorId y) { net.out(channels_lead(net) ? nhwc::to_channels_first(net.b, y) : y); }

// Of an attribute with one number per axis, those of the spatial ones.
Ints spatial(const Net& net, const char* key) {
  const Ints all = net.integers(key);
  if (all.empty()) return {};
  net.b.require(all.size() >= 3, "has a stride, dilation or size per axis too few");
  const Ints numbers =
      channels_lead(net) ? Ints(all.begin() + 2, all.end()) : Ints(all.begin() + 1, all.end() - 1);
  const std::int64_t channel = channels_lead(net) ? all[1] : all.back();
  net.b.require(all[0] == 1 && channel == 1,
                "moves over the batch or the channels, which mlq does not support");
  return numbers;
}

nhwc::Window window_of(const Net& net) {
  nhwc::Window window{spatial(net, "strides"), spatial(net, "dilations"), nhwc::Padding::valid, {}, {}};
  const std::string padding = net.text("padding", "VALID");
  if (padding == "SAME") window.padding = nhwc::Padding::same;
  if (padding != "EXPLICIT") return window;
  window.padding = nhwc::Padding::given;
  const Ints pads = net.integers("explicit_paddings");
  net.b.require(pads.size() >= 6 && pads.size() % 2 == 0, "has a padding per axis too few");
  const std::size_t axes = pads.size() / 2 - 2, first = channels_lead(net) ? 2 : 1;
  for (std::size_t i = 0; i < axes; ++i) {
    window.pads_begin.push_back(pads[2 * (first + i)]);
    window.pads_end.push_back(pads[2 * (first + i) + 1]);
  }
  return window;
}

// [spatial..., I, O] to [O, I, spatial...].
TensorId weights_of(Net& net, std::size_t i) {
  const TensorId w = net.in(i);
  const int rank = net.b.rank(w);
  net.b.require(rank >= 3, "has weights of another rank than it needs");
  Ints perm{rank - 1, rank - 2};
  for (int axis = 0; axis + 2 < rank; ++axis) perm.push_back(axis);
  return net.b.permuted(w, perm, "weights");
}

void convolution(Net& net, const char*) {
  const TensorId x = image(net), weights = weights_of(net, 1);
  const std::int64_t from = net.b.shape(x).empty() ? 0 : net.b.shape(x).back(),
                     per_group = net.b.shape(weights)[1];
  net.b.require(per_group > 0 && from > 0 && from % per_group == 0,
                "has channels that its groups do not divide");
  image_out(net, nhwc::convolve(net.b, x, weights, mlq::no_tensor, window_of(net), from / per_group));
}

void depthwise_convolution(Net& net, const char*) {
  const TensorId x = image(net), w = net.in(1);
  net.b.require(net.b.rank(w) == 4 && net.b.is_constant(w), "needs constant weights of rank 4");
  const Shape shape = net.b.shape(w);
  net.b.require(shape[2] > 0 && !net.b.shape(x).empty() && net.b.shape(x).back() == shape[2],
                "has weights for another number of channels");
  const TensorId ordered = net.b.permuted(w, {2, 3, 0, 1}, "ordered");
  const TensorId weights = net.b.reshaped(ordered, {shape[2] * shape[3], 1, shape[0], shape[1]}, "weights");
  image_out(net, nhwc::convolve(net.b, x, weights, mlq::no_tensor, window_of(net), shape[2]));
}

// Operands: the result's shape, the weights, the image. As the gradient of a convolution it is named so.
void transposed_convolution(Net& net, const char*) {
  Ints shape = net.b.constant_ints(net.in(0), "sizes of the result");
  net.b.require(shape.size() == static_cast<std::size_t>(net.b.rank(net.in(2))),
                "makes something else than an image");
  const Ints output =
      channels_lead(net) ? Ints(shape.begin() + 2, shape.end()) : Ints(shape.begin() + 1, shape.end() - 1);
  image_out(net, nhwc::convolve_transposed(net.b, image(net, 2), weights_of(net, 1), mlq::no_tensor,
                                           window_of(net), output));
}

void pool(Net& net, const char* op) {
  image_out(net, nhwc::pool(net.b, op, image(net), spatial(net, "ksize"), window_of(net)));
}

// In training the statistics are the image's own.
void batch_normalization(Net& net, const char*) {
  const TensorId x = nhwc::to_channels_first(net.b, image(net));
  const float epsilon = net.real("epsilon", 1e-4f);
  const TensorId scale = net.b.named(net.in(1), "gamma"), shift = net.b.named(net.in(2), "beta");
  const bool own = net.flag("is_training", true);
  const TensorId y =
      own ? net.b.node("InstanceNormalization", {x, scale, shift}, {{"epsilon", epsilon}})
          : net.b.node("BatchNormalization",
                       {x, scale, shift, net.b.named(net.in(3), "mean"), net.b.named(net.in(4), "variance")},
                       {{"epsilon", epsilon}});
  image_out(net, nhwc::to_channels_last(net.b, y));
  if (own) return;
  net.out(net.in(3), 1);
  net.out(net.in(4), 2);
}

void resize(Net& net, const char* mode) {
  const nhwc::Corners corners = net.flag("align_corners")        ? nhwc::Corners::aligned
                                : net.flag("half_pixel_centers") ? nhwc::Corners::half_pixel
                                                                 : nhwc::Corners::asymmetric;
  net.out(nhwc::resize(net.b, net.in(0), net.in(1), std::string(mode) == "bilinear", corners));
}

void shuffle_blocks(Net& net, const char* op) {
  image_out(net, nhwc::shuffle_blocks(net.b, op, image(net), net.integer("block_size", 0)));
}

void response_normalization(Net& net, const char*) {
  const std::int64_t radius = net.integer("depth_radius", 5);
  net.b.require(radius >= 0 && radius < 1 << 20, "has a radius out of range");
  const std::int64_t size = 2 * radius + 1;
  const float alpha = net.real("alpha", 1) * static_cast<float>(size);  // ONNX divides by the size
  const TensorId y = net.b.node(
      "LRN", {nhwc::to_channels_first(net.b, net.in())},
      {{"size", size}, {"alpha", alpha}, {"beta", net.real("beta", 0.5f)}, {"bias", net.real("bias", 1)}});
  net.out(nhwc::to_channels_last(net.b, y));
}

constexpr Row rows[] = {
    {"AvgPool", pool, "AveragePool"},
    {"AvgPool3D", pool, "AveragePool"},
    {"Conv2D", convolution},
    {"Conv2DBackpropInput", transposed_convolution},
    {"Conv3D", convolution},
    {"Conv3DBackpropInputV2", transposed_convolution},
    {"DepthToSpace", shuffle_blocks, "DepthToSpace"},
    {"DepthwiseConv2dNative", depthwise_convolution},
    {"FusedBatchNorm", batch_normalization},
    {"FusedBatchNormV2", batch_normalization},
    {"FusedBatchNormV3", batch_normalization},
    {"LRN", response_normalization},
    {"MaxPool", pool, "MaxPool"},
    {"MaxPool3D", pool, "MaxPool"},
    {"ResizeBilinear", resize, "bilinear"},
    {"ResizeNearestNeighbor", resize, "nearest"},
    {"SpaceToDepth", shuffle_blocks, "SpaceToDepth"},
};

}  // namespace

std::span<const Row> spatial_rows() { return rows; }

}  // namespace mlqc::tensorflow
