// Layers around another layer.
#include "compiler/frontends/keras/recurrent.h"
#include "compiler/frontends/nhwc/arrays.h"

namespace mlqc::keras {

namespace {

// Steps are samples to the layer within.
Ids time_distributed(Net& net, const char*) {
  const TensorId x = net.x();
  const Layer& outer = *net.layer;
  net.b.require(outer.wrapped != nullptr, "wraps nothing");
  const Shape shape = net.b.shape(x);
  net.b.require(shape.size() >= 3 && shape[0] >= 0 && shape[1] >= 0,
                "needs a sequence whose length is known");
  Ints one(shape.begin() + 1, shape.end());
  one[0] = shape[0] * shape[1];
  net.in = {net.b.reshape(x, one)};
  Ids results = lower_layer(net, *outer.wrapped);
  net.layer = &outer;
  net.b.begin(net.prefix + outer.name, outer.kind);
  for (TensorId& y : results) {
    Ints target(net.b.shape(y).begin(), net.b.shape(y).end());
    net.b.require(!target.empty(), "wraps a layer that gives a single number");
    target[0] = shape[1];
    target.insert(target.begin(), shape[0]);
    y = net.b.reshape(y, target);
  }
  return results;
}

Ids merged(Net& net, const std::string& mode, TensorId a, TensorId b) {
  if (mode == "concat") return {nhwc::concat(net.b, {a, b}, -1)};
  if (mode == "sum") return {net.b.node("Add", {a, b})};
  if (mode == "mul") return {net.b.node("Mul", {a, b})};
  if (mode == "ave") return {net.b.node("Mul", {net.b.node("Add", {a, b}), net.b.number(0.5f)})};
  return {a, b};
}

// Once forwards and once backwards; the sequence of the latter is turned around again.
Ids bidirectional(Net& net, const char*) {
  const Layer& layer = *net.layer;
  net.b.require(layer.wrapped && is_recurrent(*layer.wrapped), "wraps a layer that mlq cannot run backwards");
  const Layer& inner = *layer.wrapped;
  const Value& config = *inner.config;
  net.b.require(net.in.size() == 1, "is given states, which mlq does not support");
  const bool reversed = config["go_backwards"].truth(false);
  const std::size_t half = recurrent_slots(inner).trainable;
  const Ids a = recur(net, net.in[0], {}, {inner, 0, "forward_", reversed});
  Ids b = recur(net, net.in[0], {}, {inner, half, "backward_", !reversed});
  if (config["return_sequences"].truth(false)) b[0] = nhwc::reverse(net.b, b[0], {1});
  Ids results = merged(net, net.config()["merge_mode"].text("none"), a[0], b[0]);
  results.insert(results.end(), a.begin() + 1, a.end());
  results.insert(results.end(), b.begin() + 1, b.end());
  return results;
}

Slots twice(const Layer& layer) {
  return layer.wrapped ? Slots{2 * recurrent_slots(*layer.wrapped).trainable, 0} : Slots{};
}

constexpr Row rows[] = {
    {"Bidirectional", bidirectional, twice},
    {"TimeDistributed", time_distributed, no_weights},
};

}  // namespace

std::span<const Row> wrapper_rows() { return rows; }

}  // namespace mlqc::keras
