// LSTMs whose steps are images, and whose products are convolutions (Shi et al., 2015). Their steps are
// written out one after the other: there is no operator for them, and sequences of images are short.
#include "compiler/frontends/keras/layers.h"
#include "compiler/frontends/nhwc/arrays.h"
#include "compiler/frontends/nhwc/spatial.h"

namespace mlqc::keras {

namespace {

constexpr std::int64_t most_steps = 1000;

// [spatial..., I, O] as [O, I, spatial...].
TensorId kernel(Net& net, std::size_t i, const char* field) {
  net.b.require(i < net.layer->weights.size() && net.layer->weights[i]->shape.size() >= 3,
                "has too few weights");
  const auto axes = static_cast<std::int64_t>(net.layer->weights[i]->shape.size()) - 2;
  Ints order{axes + 1, axes};
  for (std::int64_t axis = 0; axis < axes; ++axis) order.push_back(axis);
  return net.weight(i, field, order);
}

struct State {
  TensorId h = mlq::no_tensor, c = mlq::no_tensor;  // none: zeros
};

// `of_input` is a step's share of the four gates [N, spatial..., 4 * filters].
State step(Net& net, TensorId of_input, TensorId recurrent, const State& before) {
  nhwc::Build& b = net.b;
  const nhwc::Window same{{}, {}, nhwc::Padding::same, {}, {}};
  if (before.h != mlq::no_tensor)
    of_input = b.node("Add", {of_input, nhwc::convolve(b, before.h, recurrent, mlq::no_tensor, same)});
  const Ids parts = nhwc::split(b, of_input, -1, 4);
  const Value &plain = net.config()["activation"], &gate = net.config()["recurrent_activation"];
  TensorId c = b.node("Mul", {activate(net, parts[0], gate), activate(net, parts[2], plain)});
  if (before.c != mlq::no_tensor)
    c = b.node("Add", {b.node("Mul", {activate(net, parts[1], gate), before.c}), c});
  return {b.node("Mul", {activate(net, parts[3], gate), activate(net, c, plain)}), c};
}

// The gates' share of all steps at once: [N, T, spatial..., C] to one value per step.
Ids shares_of_input(Net& net, TensorId x) {
  const Shape shape = net.b.shape(x);
  const std::int64_t steps = shape[1];
  net.b.require(shape[0] > 0 && steps > 0 && steps <= most_steps, "needs a sequence of 1 to 1000 images");
  Ints images(shape.begin() + 1, shape.end());
  images[0] = shape[0] * steps;
  const TensorId bias = has_bias(net.config()) ? net.weight(2, "bias") : mlq::no_tensor;
  TensorId y =
      nhwc::convolve(net.b, net.b.reshape(x, images), kernel(net, 0, "weights"), bias, window_of(net));
  Ints apart(net.b.shape(y).begin(), net.b.shape(y).end());
  apart[0] = steps;
  apart.insert(apart.begin(), shape[0]);
  return nhwc::unstack(net.b, net.b.reshape(y, apart), 1, static_cast<std::size_t>(steps));
}

// Channels behind the step [N, T, C, spatial...], or behind the sample, to the end and back.
TensorId moved(Net& net, TensorId x, std::int64_t channels, bool to_last) {
  if (!channels_first(net)) return x;
  Ints order;
  const std::int64_t rank = net.b.rank(x), from = to_last ? channels : rank - 1,
                     to = to_last ? rank - 1 : channels;
  for (std::int64_t axis = 0; axis < rank; ++axis)
    if (axis != from) order.push_back(axis);
  order.insert(order.begin() + to, from);
  return net.b.transpose(x, order);
}

Ids conv_lstm(Net& net, const char*) {
  const Value& config = net.config();
  net.b.require(net.in.size() == 1 || net.in.size() == 3, "is given another number of states than it has");
  net.b.require(!config["stateful"].truth(false),
                "keeps its state from one prediction to the next (stateful)");
  net.b.require(!net.masks.count(net.in[0]), "reads a mask, which mlq does not apply");
  net.b.require(net.b.rank(net.in[0]) >= 4, "needs a sequence of images");
  TensorId x = moved(net, net.in[0], 2, true);
  if (config["go_backwards"].truth(false)) x = nhwc::reverse(net.b, x, {1});
  State state;
  if (net.in.size() == 3) state = {moved(net, net.in[1], 1, true), moved(net, net.in[2], 1, true)};
  const Ids shares = shares_of_input(net, x);
  const TensorId recurrent = kernel(net, 1, "recurrent");
  Ids all;
  for (const TensorId share : shares) all.push_back((state = step(net, share, recurrent, state)).h);
  const TensorId last = moved(net, state.h, 1, false);
  Ids results{config["return_sequences"].truth(false) ? moved(net, nhwc::stack(net.b, all, 1), 2, false)
                                                      : last};
  if (config["return_state"].truth(false))
    results.insert(results.end(), {last, moved(net, state.c, 1, false)});
  return results;
}

Slots slots(const Layer& layer) { return {std::size_t{2} + has_bias(*layer.config), 0}; }

constexpr Row rows[] = {
    {"ConvLSTM1D", conv_lstm, slots},
    {"ConvLSTM2D", conv_lstm, slots},
    {"ConvLSTM3D", conv_lstm, slots},
};

}  // namespace

std::span<const Row> conv_recurrent_rows() { return rows; }

}  // namespace mlqc::keras
