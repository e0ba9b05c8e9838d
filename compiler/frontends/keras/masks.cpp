#include "compiler/frontends/keras/masks.h"

#include <algorithm>

#include "compiler/frontends/nhwc/arrays.h"

namespace mlqc::keras {

namespace {

// Layers of all other kinds give results without a mask, as in Keras.
constexpr std::string_view passing[] = {
    "Activation",
    "ActivityRegularization",
    "Add",
    "AlphaDropout",
    "Average",
    "BatchNormalization",
    "Bidirectional",
    "Concatenate",
    "Dense",
    "Dropout",
    "ELU",
    "Embedding",
    "GRU",
    "GaussianDropout",
    "GaussianNoise",
    "LSTM",
    "LayerNormalization",
    "LeakyReLU",
    "Masking",
    "Maximum",
    "Minimum",
    "Multiply",
    "PReLU",
    "ReLU",
    "SimpleRNN",
    "SpatialDropout1D",
    "Subtract",
    "TimeDistributed",
};

// A step counts where it does in all operands.
TensorId merged(Net& net, const Ids& masks) {
  TensorId all = masks[0];
  for (const TensorId mask : masks)
    if (mask != all) all = net.b.node("Mul", {all, mask});
  return all;
}

// Joined along the steps, masks are joined too, which mlq leaves out.
bool joins_steps(const Net& net, TensorId result) {
  if (net.layer->kind != "Concatenate") return false;
  const std::int64_t axis = net.config().any({"axis", "concat_axis"}).integer(-1);
  return axis != -1 && axis != net.b.rank(result) - 1;
}

}  // namespace

TensorId mask_of(const Net& net, TensorId x) {
  const auto found = net.masks.find(x);
  if (found == net.masks.end()) return mlq::no_tensor;
  net.b.require(found->second != mlq::no_tensor,
                "reads a mask that layers joined, which mlq does not follow");
  return found->second;
}

void pass_masks(Net& net, const Ids& operands, const Ids& results) {
  if (!std::ranges::count(passing, net.layer->kind)) return;
  Ids masks;
  for (const TensorId operand : operands)
    if (const auto found = net.masks.find(operand); found != net.masks.end()) masks.push_back(found->second);
  if (masks.empty()) return;
  const bool known = !std::ranges::count(masks, mlq::no_tensor);
  for (const TensorId result : results) {
    // What recurrent layers give of their last step alone has none.
    if (net.b.rank(result) < 3 || net.masks.count(result)) continue;
    net.masks[result] = known && !joins_steps(net, result) ? merged(net, masks) : mlq::no_tensor;
  }
}

Packed pack_steps(Net& net, TensorId x, TensorId mask, bool backwards) {
  nhwc::Build& b = net.b;
  const std::int64_t steps = b.shape(mask).size() == 2 ? b.shape(mask)[1] : -1;
  b.require(b.shape(mask)[0] == 1 && steps > 0 && steps < 1 << 20 && b.shape(x)[0] == steps,
            "reads a mask of several samples, or of an unknown number of steps");
  TensorId counts = b.reshape(mask, {steps});
  if (backwards) counts = nhwc::reverse(b, counts, {0});
  const TensorId sums = b.node("CumSum", {counts, b.scalar(0)});
  // Sorted falling: what counts is steps + 1 ahead, and earlier steps are ahead of later ones.
  std::vector<float> falling(static_cast<std::size_t>(steps));
  for (std::size_t i = 0; i < falling.size(); ++i) falling[i] = static_cast<float>(falling.size() - i);
  const TensorId rank = b.node(
      "Add", {b.node("Mul", {counts, b.number(static_cast<float>(steps + 1))}), b.floats({steps}, falling)});
  const TensorId order = b.nodes("TopK", {rank, b.ints({steps})}, 2, {{"axis", std::int64_t{0}}})[1];
  const TensorId count = b.node("ReduceSum", {counts, b.ints({0})}, {{"keepdims", std::int64_t{1}}});
  const TensorId place = b.node("Relu", {b.node("Sub", {sums, b.number(1)})});
  return {nhwc::gather(b, x, order, 0), b.cast(count, mlq::DataType::int32),
          b.cast(place, mlq::DataType::int64), b.node("Min", {sums, b.number(1)})};
}

TensorId unpack_steps(Net& net, TensorId y, const Packed& packed) {
  const TensorId placed = nhwc::gather(net.b, y, packed.place, 0);
  Ints along(static_cast<std::size_t>(net.b.rank(y)), 1);
  along[0] = net.b.shape(packed.begun)[0];
  return net.b.node("Mul", {placed, net.b.reshape(packed.begun, along)});
}

}  // namespace mlqc::keras
