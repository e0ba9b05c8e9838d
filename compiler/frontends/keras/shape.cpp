// Layers that move numbers about or, once training is over, do nothing.
#include "compiler/frontends/keras/layers.h"
#include "compiler/frontends/nhwc/arrays.h"

namespace mlqc::keras {

namespace {

Ids identity(Net& net, const char*) { return {net.x()}; }

Ids flatten(Net& net, const char*) {
  const TensorId x = channels_last(net, net.x());
  return {net.b.rank(x) == 2 ? x : net.b.reshape(x, {0, -1})};
}

Ids reshape(Net& net, const char*) {
  Ints target{0};
  for (const std::int64_t size : net.config()["target_shape"].integers()) target.push_back(size);
  net.b.require(target.size() <= 9, "has a target of too many dimensions");
  return {net.b.reshape(net.x(), target)};
}

Ids permute(Net& net, const char*) {
  Ints order{0};
  for (const std::int64_t axis : net.config()["dims"].integers()) order.push_back(axis);
  return {net.b.transpose(net.x(), order)};
}

Ids repeat_vector(Net& net, const char*) {
  const std::int64_t times = net.config()["n"].integer(0);
  net.b.require(net.b.rank(net.x()) == 2 && times > 0 && times < 1 << 24,
                "needs a vector and a number of times");
  const TensorId x = nhwc::expand_dims(net.b, net.x(), 1);
  return {net.b.node("Tile", {x, net.b.ints({1, times, 1})})};
}

// Steps that are all the mask's value become zeros, and do not count.
Ids masking(Net& net, const char*) {
  const TensorId x = net.x();
  const auto value = static_cast<float>(net.config()["mask_value"].number(0));
  const TensorId differs =
      net.b.cast(net.b.node("NotEqual", {x, net.b.number(value)}), mlq::DataType::float32);
  const TensorId any =
      net.b.node("ReduceMax", {differs}, {{"axes", Ints{-1}}, {"keepdims", std::int64_t{1}}});
  const TensorId y = net.b.node("Mul", {x, any});
  if (net.b.rank(any) == 3) net.masks[y] = nhwc::squeeze(net.b, any, {2});
  return {y};
}

constexpr Row rows[] = {
    {"ActivityRegularization", identity, no_weights},
    {"ActivityRegularizer", identity, no_weights},
    {"AlphaDropout", identity, no_weights},
    {"Dropout", identity, no_weights},
    {"Flatten", flatten, no_weights},
    {"GaussianDropout", identity, no_weights},
    {"GaussianNoise", identity, no_weights},
    {"Identity", identity, no_weights},
    {"InputLayer", identity, no_weights},
    {"Masking", masking, no_weights},
    {"Permute", permute, no_weights},
    {"RandomBrightness", identity, no_weights},
    {"RandomContrast", identity, no_weights},
    {"RandomFlip", identity, no_weights},
    {"RandomRotation", identity, no_weights},
    {"RandomTranslation", identity, no_weights},
    {"RandomZoom", identity, no_weights},
    {"RepeatVector", repeat_vector, no_weights},
    {"Reshape", reshape, no_weights},
    {"SpatialDropout1D", identity, no_weights},
    {"SpatialDropout2D", identity, no_weights},
    {"SpatialDropout3D", identity, no_weights},
};

}  // namespace

std::span<const Row> shape_rows() { return rows; }

}  // namespace mlqc::keras
