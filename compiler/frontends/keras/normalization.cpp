#include <algorithm>

#include "compiler/frontends/keras/layers.h"
#include "compiler/frontends/nhwc/spatial.h"

namespace mlqc::keras {

namespace {

bool scales(const Value& config) { return config["scale"].truth(true); }
bool centers(const Value& config) { return config["center"].truth(true); }

Slots scale_and_center(const Layer& layer) {
  return {std::size_t{0} + scales(*layer.config) + centers(*layer.config), 0};
}
Slots with_statistics(const Layer& layer) { return {scale_and_center(layer).trainable, 2}; }

std::int64_t axis_of(const Net& net, TensorId x) {
  const Ints axes = net.config()["axis"].integers();
  net.b.require(axes.size() <= 1, "normalizes several axes, which mlq does not do");
  return net.b.axis(axes.empty() ? -1 : axes[0], net.b.rank(x));
}

// A vector as long as `axis`, of the array i or, where the layer has none, of one number.
TensorId vector(Net& net, bool given, std::size_t i, const char* field, std::int64_t count, float otherwise) {
  if (given) return net.weight(i, field);
  net.b.require(count > 0 && count < 1 << 24, "needs a number of channels that is known");
  return net.constant(field, {count}, std::vector<float>(static_cast<std::size_t>(count), otherwise));
}

Ids batch_normalization(Net& net, const char*) {
  const Value& config = net.config();
  net.b.require(config["mode"].integer(0) != 1, "normalizes each sample (mode 1), which mlq does not do");
  const TensorId x = net.x();
  const std::int64_t axis = axis_of(net, x), channels = net.b.shape(x)[static_cast<std::size_t>(axis)];
  net.b.require(axis == 1 || axis == net.b.rank(x) - 1,
                "normalizes an axis that is neither the last nor the first");
  const bool scale = scales(config), center = centers(config);
  const std::size_t statistics = std::size_t{0} + scale + center;
  Ids operands{axis == 1 ? x : nhwc::to_channels_first(net.b, x), vector(net, scale, 0, "scale", channels, 1),
               vector(net, center, scale, "offset", channels, 0), net.weight(statistics, "mean"),
               net.weight(statistics + 1, "variance")};
  const TensorId y = net.b.node("BatchNormalization", operands,
                                {{"epsilon", static_cast<float>(config["epsilon"].number(1e-3))}});
  return {axis == 1 ? y : nhwc::to_channels_last(net.b, y)};
}

Ids layer_normalization(Net& net, const char*) {
  const Value& config = net.config();
  const TensorId x = net.x();
  Ints axes = config["axis"].integers();
  if (axes.empty()) axes = {-1};
  std::int64_t first = net.b.rank(x), count = 1;
  for (std::int64_t& axis : axes) first = std::min(first, axis = net.b.axis(axis, net.b.rank(x)));
  std::sort(axes.begin(), axes.end());
  for (std::size_t i = 0; i < axes.size(); ++i)
    net.b.require(axes[i] == first + static_cast<std::int64_t>(i) && axes.back() == net.b.rank(x) - 1,
                  "normalizes other axes than the last ones");
  Shape shape(net.b.shape(x).begin() + first, net.b.shape(x).end());
  const auto elements = mlq::element_count(shape);
  net.b.require(elements && *elements > 0 && *elements < 1 << 24, "needs sizes that are known");
  count = *elements;
  const bool scale = scales(config);
  Ids operands{x, scale
                      ? net.weight(0, "scale")
                      : net.constant("scale", shape, std::vector<float>(static_cast<std::size_t>(count), 1))};
  if (centers(config)) operands.push_back(net.weight(scale, "offset"));
  return {net.b.node("LayerNormalization", operands,
                     {{"axis", first}, {"epsilon", static_cast<float>(config["epsilon"].number(1e-3))}})};
}

// Groups of channels, each normalized over its places and channels: instance normalization of [N, G, rest].
Ids group_normalization(Net& net, const char*) {
  const Value& config = net.config();
  const TensorId x = net.x();
  const std::int64_t axis = axis_of(net, x);
  net.b.require(axis == 1 || axis == net.b.rank(x) - 1, "normalizes an axis in the middle");
  const TensorId first = axis == 1 ? x : nhwc::to_channels_first(net.b, x);
  const Shape shape = net.b.shape(first);
  std::int64_t groups = config["groups"].integer(32);
  if (groups == -1) groups = shape[1];
  net.b.require(groups > 0 && shape[1] > 0 && shape[1] % groups == 0 && mlq::element_count(shape).has_value(),
                "has groups that do not divide its channels");
  const std::vector<float> ones(static_cast<std::size_t>(groups), 1), zeros(ones.size(), 0);
  TensorId y = net.b.node("InstanceNormalization",
                          {net.b.reshape(first, {shape[0], groups, -1}), net.b.floats({groups}, ones),
                           net.b.floats({groups}, zeros)},
                          {{"epsilon", static_cast<float>(config["epsilon"].number(1e-3))}});
  y = net.b.reshape(y, Ints(shape.begin(), shape.end()));
  Shape along{shape[1]};
  along.insert(along.end(), shape.size() - 2, 1);
  if (scales(config)) y = net.b.node("Mul", {y, net.weight(0, "scale", {}, along)});
  if (centers(config)) y = net.b.node("Add", {y, net.weight(scales(config), "offset", {}, along)});
  return {axis == 1 ? y : nhwc::to_channels_last(net.b, y)};
}

Ids unit_normalization(Net& net, const char*) {
  const TensorId x = net.x();
  const TensorId sum =
      net.b.node("ReduceSumSquare", {x}, {{"axes", Ints{axis_of(net, x)}}, {"keepdims", std::int64_t{1}}});
  const TensorId bounded = net.b.node("Max", {sum, net.b.number(1e-12f)});
  return {net.b.node("Div", {x, net.b.node("Sqrt", {bounded})})};
}

// Pixels: x * scale + offset; numbers, or one per channel.
Ids rescaling(Net& net, const char*) {
  TensorId y = net.x();
  const auto vector = [&](const Value& said, float otherwise) {
    if (!said.is_list()) return net.b.number(static_cast<float>(said.number(otherwise)));
    std::vector<float> values;
    for (const Value& value : said.list()) values.push_back(static_cast<float>(value.number(otherwise)));
    return net.b.floats({static_cast<std::int64_t>(values.size())}, values);
  };
  y = net.b.node("Mul", {y, vector(net.config()["scale"], 1)});
  return {net.b.node("Add", {y, vector(net.config()["offset"], 0)})};
}

// (x - mean) / max(sqrt(variance), epsilon), per channel; a third array counts samples.
Ids normalization(Net& net, const char*) {
  const TensorId mean = net.weight(0, "mean"), variance = net.weight(1, "variance");
  const TensorId deviation = net.b.node("Max", {net.b.node("Sqrt", {variance}), net.b.number(1e-7f)});
  return {net.b.node("Div", {net.b.node("Sub", {net.x(), mean}), deviation})};
}
Slots statistics(const Layer&) { return {0, 3}; }

constexpr Row rows[] = {
    {"BatchNormalization", batch_normalization, with_statistics},
    {"GroupNormalization", group_normalization, scale_and_center},
    {"LayerNormalization", layer_normalization, scale_and_center},
    {"Normalization", normalization, statistics},
    {"Rescaling", rescaling, no_weights},
    {"UnitNormalization", unit_normalization, no_weights},
};

}  // namespace

std::span<const Row> normalization_rows() { return rows; }

}  // namespace mlqc::keras
