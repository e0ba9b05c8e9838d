// Normalization that the graph says with other operators.
#include <array>

#include "compiler/frontends/onnx/operators.h"

namespace mlqc::onnx_format {

namespace {

// x / sqrt(mean of x² + epsilon) * scale, over the axes from `axis` on.
void rms(Op& op) {
  Build& b = op.b;
  const Value x = op.in();
  Ints axes;
  for (std::int64_t i = b.axis(op.i("axis", -1), b.rank(x)); i < b.rank(x); ++i) axes.push_back(i);
  const Value mean = b.reduce("ReduceMean", b.node("Square", {x}), axes, true);
  const Value root = b.node("Rsqrt", {b.add(mean, b.number(op.f("epsilon", 1e-5f)))});
  op.out({b.mul(b.mul(x, root), op.in(1)).id, op.in(1).type});
}

// Channels in groups, each normalized by itself; since operator set 21 scale and bias are per channel.
void group(Op& op) {
  Build& b = op.b;
  const Value x = op.in();
  const std::int64_t groups = op.i("num_groups", 1), n = b.dim(x, 0), channels = b.dim(x, 1);
  b.require(groups > 0 && channels % groups == 0, "has channels that do not fall into groups");
  const std::vector<float> ones(static_cast<std::size_t>(groups), 1.0f), zeros(ones.size(), 0.0f);
  Value y = b.reshape(x, {n, groups, -1});
  y = b.node("InstanceNormalization", {y, b.floats({groups}, ones), b.floats({groups}, zeros)},
             {{"epsilon", op.f("epsilon", 1e-5f)}});
  const bool per_channel = b.dim(op.in(1), 0) == channels;
  Ints behind(static_cast<std::size_t>(b.rank(x)), 1);
  behind[1] = channels;
  if (per_channel) y = b.node("Reshape", {y, b.shape_of(x)});
  const Ints shape = per_channel ? behind : Ints{1, groups, 1};
  y = b.add(b.mul(y, b.reshape(op.in(1), shape)), b.reshape(op.in(2), shape));
  op.out(per_channel ? y : b.node("Reshape", {y, b.shape_of(x)}));
}

// With the statistics of the batch itself, and running ones beside.
void batch_in_training(Op& op) {
  Build& b = op.b;
  const Value x = op.in();
  Ints axes;
  for (std::int64_t i = 0; i < b.rank(x); ++i)
    if (i != 1) axes.push_back(i);
  const Value mean = b.reduce("ReduceMean", x, axes, false);
  Ints shape(static_cast<std::size_t>(b.rank(x)), 1);
  shape[1] = -1;
  const Value spread = b.node("SquaredDifference", {x, b.reshape(mean, shape)});
  const Value variance = b.reduce("ReduceMean", spread, axes, false);
  op.out(b.node("BatchNormalization", {x, op.in(1), op.in(2), mean, variance},
                {{"epsilon", op.f("epsilon", 1e-5f)}}));
  const float old = op.f("momentum", 0.9f);
  const auto running = [&](const Value& before, const Value& now) {
    return b.add(b.mul(before, b.number(old)), b.mul(now, b.number(1 - old)));
  };
  if (op.wanted(1)) op.out(running(op.in(3), mean), 1);
  if (op.wanted(2)) op.out(running(op.in(4), variance), 2);
}

void batch(Op& op) {
  Build& b = op.b;
  if (op.i("training_mode", 0) != 0) return batch_in_training(op);
  Values inputs;
  for (std::size_t i = 0; i < 5; ++i) inputs.push_back(op.in(i));
  op.out(b.node("BatchNormalization", inputs, {{"epsilon", op.f("epsilon", 1e-5f)}}));
}

void layer(Op& op) {
  Build& b = op.b;
  const Values results = b.nodes("LayerNormalization", op.ins(), op.outputs(), op.attributes());
  for (std::size_t i = 0; i < results.size(); ++i) op.out(results[i], i);
}

}  // namespace

std::span<const Row> norm_rows() {
  static constexpr auto rows = std::to_array<Row>({
      {"RMSNormalization", rms},
      {"GroupNormalization", group},
      {"BatchNormalization", batch},
      {"LayerNormalization", layer},
  });
  return rows;
}

}  // namespace mlqc::onnx_format
