// Convolutions. Keras keeps kernels as [spatial..., I, O]; Theano's order is [O, I, spatial...].
#include <algorithm>

#include "compiler/frontends/keras/layers.h"
#include "compiler/frontends/nhwc/arrays.h"
#include "compiler/frontends/nhwc/spatial.h"

namespace mlqc::keras {

namespace {

// Everything a causal convolution sees lies before its place.
void pad_causally(const Net& net, nhwc::Window& window, TensorId weights) {
  if (window.padding != nhwc::Padding::given) return;
  net.b.require(net.b.rank(weights) == 3, "is causal but not of one dimension");
  const std::int64_t dilation = window.dilation.empty() ? 1 : window.dilation[0];
  net.b.require(dilation > 0 && dilation < 1 << 24, "has a dilation out of range");
  window.pads_begin = {(net.b.shape(weights)[2] - 1) * dilation};
  window.pads_end = {0};
}

TensorId bias_of(Net& net, std::size_t i) {
  return has_bias(net.config()) ? net.weight(i, "bias") : mlq::no_tensor;
}

// True where the file has the kernel as [O, I, ...]: Keras 1 with channels first.
bool is_outermost_first(const Net& net) { return net.config()["dim_ordering"].text() == "th"; }

std::int64_t spatial_axes(const Net& net) {
  net.b.require(!net.layer->weights.empty() && net.layer->weights[0]->shape.size() >= 3 &&
                    net.layer->weights[0]->shape.size() <= 5,
                "has a kernel of another rank than it needs");
  return static_cast<std::int64_t>(net.layer->weights[0]->shape.size()) - 2;
}

// Theano turns its kernels around.
TensorId mirrored(Net& net, TensorId kernel) {
  if (!net.theano) return kernel;
  Ints starts, ends, axes, steps;
  for (std::int64_t axis = 2; axis < net.b.rank(kernel); ++axis) {
    axes.push_back(axis), steps.push_back(-1), starts.push_back(-1);
    ends.push_back(std::numeric_limits<std::int32_t>::min());
  }
  return net.b.node("Slice",
                    {kernel, net.b.ints(starts), net.b.ints(ends), net.b.ints(axes), net.b.ints(steps)});
}

TensorId kernel_of(Net& net) {
  const std::int64_t axes = spatial_axes(net);
  if (is_outermost_first(net)) return mirrored(net, net.weight(0, "weights"));
  Ints order{axes + 1, axes};
  for (std::int64_t axis = 0; axis < axes; ++axis) order.push_back(axis);
  return mirrored(net, net.weight(0, "weights", order));
}

Ids finish(Net& net, TensorId y) {
  return {activate(net, channels_back(net, y), net.config()["activation"])};
}

Ids convolution(Net& net, const char*) {
  const TensorId x = channels_last(net, net.x()), weights = kernel_of(net);
  nhwc::Window window = window_of(net);
  pad_causally(net, window, weights);
  const std::int64_t from = net.b.shape(x).empty() ? -1 : net.b.shape(x).back(),
                     per_group = net.b.shape(weights)[1];
  net.b.require(per_group > 0 && from > 0 && from % per_group == 0,
                "has channels that its kernel does not fit");
  return finish(net, nhwc::convolve(net.b, x, weights, bias_of(net, 1), window, from / per_group));
}

// The kernel is [spatial..., O, I].
Ids transposed(Net& net, const char*) {
  const TensorId x = channels_last(net, net.x());
  const std::int64_t axes = spatial_axes(net);
  Ints order{axes + 1, axes};
  for (std::int64_t axis = 0; axis < axes; ++axis) order.push_back(axis);
  net.b.require(!is_outermost_first(net) && !net.theano, "has a kernel of Theano's, which mlq does not turn");
  const TensorId weights = net.weight(0, "weights", order);
  const nhwc::Window window = window_of(net);
  const Ints extra = net.config()["output_padding"].integers();
  Ints sizes;
  if (!extra.empty() && window.padding == nhwc::Padding::same) {
    // (in - 1) * stride + kernel - 2 * (kernel / 2) + what is asked for
    net.b.require(extra.size() == static_cast<std::size_t>(axes) && window.stride.size() == extra.size() &&
                      net.b.rank(x) == axes + 2,
                  "has an output padding of another rank");
    for (std::size_t i = 0; i < extra.size(); ++i)
      sizes.push_back((net.b.shape(x)[i + 1] - 1) * window.stride[i] + net.b.shape(weights)[i + 2] % 2 +
                      extra[i]);
  }
  return finish(net, nhwc::convolve_transposed(net.b, x, weights, bias_of(net, 1), window, sizes,
                                               sizes.empty() ? extra : Ints{}));
}

// [spatial..., C, multiplier] as [C * multiplier, 1, spatial...].
TensorId depthwise_kernel(Net& net, const char* field) {
  const std::int64_t axes = spatial_axes(net);
  Ints order{axes, axes + 1};
  const Shape& shape = net.layer->weights[0]->shape;
  const auto channels = mlq::element_count({shape[shape.size() - 2], shape[shape.size() - 1]});
  net.b.require(channels.has_value(), "has a kernel out of range");
  Shape target{*channels, 1};
  for (std::int64_t axis = 0; axis < axes; ++axis) {
    order.push_back(axis);
    target.push_back(shape[static_cast<std::size_t>(axis)]);
  }
  net.b.require(!is_outermost_first(net), "has a kernel of Theano's, which mlq does not turn");
  return mirrored(net, net.weight(0, field, order, target));
}

TensorId depthwise(Net& net, TensorId x, const char* field, TensorId bias) {
  const TensorId weights = depthwise_kernel(net, field);
  nhwc::Window window = window_of(net);
  // One number stands for all axes in some versions.
  const auto axes = static_cast<std::size_t>(spatial_axes(net));
  for (Ints* list : {&window.stride, &window.dilation})
    if (list->size() == 1) list->assign(axes, list->front());
  pad_causally(net, window, weights);
  const std::int64_t channels = net.b.shape(x).empty() ? -1 : net.b.shape(x).back();
  net.b.require(channels > 0, "needs channels whose number is known");
  return nhwc::convolve(net.b, x, weights, bias, window, channels);
}

Ids depthwise_convolution(Net& net, const char*) {
  return finish(net, depthwise(net, channels_last(net, net.x()), "weights", bias_of(net, 1)));
}

Ids separable_convolution(Net& net, const char*) {
  const TensorId x = depthwise(net, channels_last(net, net.x()), "depthwise", mlq::no_tensor);
  const std::int64_t axes = spatial_axes(net);
  Ints order{axes + 1, axes};
  for (std::int64_t axis = 0; axis < axes; ++axis) order.push_back(axis);
  return finish(net, nhwc::convolve(net.b, x, net.weight(1, "pointwise", order), bias_of(net, 2), {}));
}

Slots separable(const Layer& layer) { return {std::size_t{2} + has_bias(*layer.config), 0}; }

constexpr Row rows[] = {
    {"Conv1D", convolution, kernel_and_bias},
    {"Conv2D", convolution, kernel_and_bias},
    {"Conv3D", convolution, kernel_and_bias},
    {"Conv1DTranspose", transposed, kernel_and_bias},
    {"Conv2DTranspose", transposed, kernel_and_bias},
    {"Conv3DTranspose", transposed, kernel_and_bias},
    {"DepthwiseConv1D", depthwise_convolution, kernel_and_bias},
    {"DepthwiseConv2D", depthwise_convolution, kernel_and_bias},
    {"SeparableConv1D", separable_convolution, separable},
    {"SeparableConv2D", separable_convolution, separable},
};

}  // namespace

nhwc::Window window_of(const Net& net) {
  const Value& config = net.config();
  nhwc::Window window;
  window.stride = config.any({"strides", "subsample", "subsample_length"}).integers();
  window.dilation = config.any({"dilation_rate", "atrous_rate"}).integers();
  const std::string padding = config.any({"padding", "border_mode"}).text("valid");
  if (padding == "same")
    window.padding = nhwc::Padding::same;
  else if (padding == "causal")
    window.padding = nhwc::Padding::given;
  else if (padding != "valid")
    net.b.fail("has the padding '" + padding + "', which mlq does not know");
  return window;
}

std::span<const Row> convolution_rows() { return rows; }

}  // namespace mlqc::keras
