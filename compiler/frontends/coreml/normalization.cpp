// Means and variances taken out, scales and shifts put in.
#include <algorithm>

#include "compiler/frontends/coreml/layers.h"
#include "compiler/frontends/coreml/network.pb.h"
#include "compiler/frontends/coreml/spatial.h"

namespace mlqc::coreml {

namespace {

using Layer = NeuralNetworkLayer;

TensorId mean(Build& b, TensorId x, const Ints& axes) { return b.node("ReduceMean", {x}, {{"axes", axes}}); }
TensorId sum(Build& b, TensorId x, const Ints& axes) { return b.node("ReduceSum", {x, b.ints(axes)}); }

TensorId filled(Build& b, std::int64_t count, float value) {
  return b.floats({count}, std::vector<float>(static_cast<std::size_t>(count), value));
}

// With the statistics of training, or (instances) with those of the picture itself.
void batchnorm(Build& b, const Layer& layer, const char*) {
  const Batchnorm& n = layer.batchnorm();
  const std::int64_t channels = size(b, n.channels());
  const float epsilon = or_default(n.epsilon(), 1e-5f);
  b.out(at_rank(b, b.in(), 4, [&](TensorId x) {
    b.require(channels == b.dimension(x, 1), "has another number of channels than its input");
    const TensorId gamma = n.has_gamma() ? b.weight(n.gamma(), {channels}) : filled(b, channels, 1);
    const TensorId beta = n.has_beta() ? b.weight(n.beta(), {channels}) : filled(b, channels, 0);
    if (n.compute_mean_var())
      return b.node("InstanceNormalization", {x, gamma, beta}, {{"epsilon", epsilon}});
    const TensorId means = b.weight(n.mean(), {channels}), variances = b.weight(n.variance(), {channels});
    return b.node("BatchNormalization", {x, gamma, beta, means, variances}, {{"epsilon", epsilon}});
  }));
}

void mvn(Build& b, const Layer& layer, const char*) {
  const MeanVarianceNormalize& n = layer.mvn();
  const Ints axes = n.across_channels() ? Ints{-3, -2, -1} : Ints{-2, -1};
  const TensorId x = b.in(), centred = b.subtract(x, mean(b, x, axes));
  if (!n.normalize_variance()) return b.out(centred);
  const TensorId variance = mean(b, b.multiply(centred, centred), axes);
  const TensorId deviation = b.node("Sqrt", {b.add(variance, b.number(or_default(n.epsilon(), 1e-6f)))});
  b.out(b.divide(centred, deviation));
}

void l2_normalize(Build& b, const Layer& layer, const char*) {
  const TensorId x = b.in(), squares = sum(b, b.multiply(x, x), {-3, -2, -1});
  b.out(b.divide(
      x, b.node("Sqrt", {b.add(squares, b.number(or_default(layer.l2normalize().epsilon(), 1e-6f)))})));
}

void lrn(Build& b, const Layer& layer, const char*) {
  const Lrn& n = layer.lrn();
  b.out(at_rank(b, b.in(), 4, [&](TensorId x) {
    return b.node("LRN", {x},
                  {{"size", size(b, n.local_size())},
                   {"alpha", n.alpha()},
                   {"beta", n.beta()},
                   {"bias", or_default(n.k(), 1.0f)}});
  }));
}

void layer_normalization(Build& b, const Layer& layer, const char*) {
  const LayerNormalization& n = layer.layer_normalization();
  const Shape shape = to_ints(n.normalized_shape());
  b.require(!shape.empty(), "normalizes over no dimension");
  const auto count = mlq::element_count(shape);
  b.require(count.has_value(), "normalizes over an impossible shape");
  b.out(b.node("LayerNormalization", {b.in(), b.weight(n.gamma(), shape), b.weight(n.beta(), shape)},
               {{"axis", -static_cast<std::int64_t>(shape.size())}, {"epsilon", n.eps()}}));
}

// [1], [C], [1, H, W] or [C, H, W], for a blob whose channels are the third axis from the end.
TensorId constant_like_channels(Build& b, const Weights& weights, const Ints& given) {
  Shape shape = given;
  b.require(shape.size() == 1 || shape.size() == 3, "has a shape of other than one or three dimensions");
  if (shape.size() == 1) shape.insert(shape.end(), {1, 1});
  return b.weight(weights, shape);
}

void scale(Build& b, const Layer& layer, const char*) {
  const Scale& s = layer.scale();
  const TensorId scaled = b.multiply(b.in(), constant_like_channels(b, s.scale(), sizes(b, s.shape_scale())));
  b.out(s.with_bias() ? b.add(scaled, constant_like_channels(b, s.bias(), sizes(b, s.shape_bias())))
                      : scaled);
}

void bias(Build& b, const Layer& layer, const char*) {
  b.out(b.add(b.in(), constant_like_channels(b, layer.bias().bias(), sizes(b, layer.bias().shape()))));
}

void softmax(Build& b, const Layer&, const char*) {
  b.out(b.node("Softmax", {b.in()}, {{"axis", std::int64_t{-3}}}));
}

void softmax_nd(Build& b, const Layer& layer, const char*) {
  b.out(b.node("Softmax", {b.in()}, {{"axis", layer.softmax_nd().axis()}}));
}

constexpr Row rows[] = {
    {Layer::kBatchnorm, batchnorm},
    {Layer::kMvn, mvn},
    {Layer::kL2Normalize, l2_normalize},
    {Layer::kLrn, lrn},
    {Layer::kLayerNormalization, layer_normalization},
    {Layer::kScale, scale},
    {Layer::kBias, bias},
    {Layer::kSoftmax, softmax},
    {Layer::kSoftmaxNd, softmax_nd},
};

}  // namespace

std::span<const Row> normalization_rows() { return rows; }

}  // namespace mlqc::coreml
