// Layers of several operands.
#include <algorithm>

#include "compiler/frontends/keras/layers.h"
#include "compiler/frontends/nhwc/arrays.h"

namespace mlqc::keras {

namespace {

// Operands of lower rank get dimensions behind the batch, as Keras gives them.
Ids same_rank(Net& net) {
  Ids all = net.in;
  int rank = 0;
  for (const TensorId id : all) rank = std::max(rank, net.b.rank(id));
  for (TensorId& id : all)
    while (net.b.rank(id) < rank && net.b.rank(id) > 0) id = nhwc::expand_dims(net.b, id, 1);
  return all;
}

Ids combine(Net& net, const char* op) {
  const Ids operands = same_rank(net);
  TensorId y = operands[0];
  for (std::size_t i = 1; i < operands.size(); ++i) y = net.b.node(op, {y, operands[i]});
  return {y};
}

Ids subtract(Net& net, const char* op) {
  net.b.require(net.in.size() == 2, "needs two operands");
  return combine(net, op);
}

Ids average(Net& net, const char*) {
  const TensorId sum = combine(net, "Add")[0];
  return {net.b.node("Div", {sum, net.b.number(static_cast<float>(net.in.size()))})};
}

Ids concatenate(Net& net, const char*) {
  return {nhwc::concat(net.b, net.in, net.config().any({"axis", "concat_axis"}).integer(-1))};
}

TensorId unit(Net& net, TensorId x, std::int64_t axis) {
  const TensorId sum =
      net.b.node("ReduceSumSquare", {x}, {{"axes", Ints{axis}}, {"keepdims", std::int64_t{1}}});
  return net.b.node("Div", {x, net.b.node("Sqrt", {net.b.node("Max", {sum, net.b.number(1e-12f)})})});
}

// Sums of products along one axis of each operand, for each sample.
Ids dot(Net& net, const char*) {
  net.b.require(net.in.size() == 2, "needs two operands");
  Ints axes = net.config().any({"axes", "dot_axes"}).integers();
  if (axes.size() == 1) axes.push_back(axes[0]);
  net.b.require(axes.size() == 2, "needs an axis of each operand");
  TensorId x = net.in[0], y = net.in[1];
  const int x_rank = net.b.rank(x), y_rank = net.b.rank(y);
  net.b.require(x_rank >= 2 && x_rank <= 3 && y_rank >= 2 && y_rank <= 3,
                "has operands of other ranks than 2 and 3");
  axes[0] = net.b.axis(axes[0], x_rank), axes[1] = net.b.axis(axes[1], y_rank);
  net.b.require(axes[0] > 0 && axes[1] > 0, "sums over the batch");
  if (net.config()["normalize"].truth(false)) x = unit(net, x, axes[0]), y = unit(net, y, axes[1]);
  // [N, a, k] times [N, k, b].
  if (x_rank == 2) x = nhwc::expand_dims(net.b, x, 1);
  if (x_rank == 3 && axes[0] == 1) x = net.b.transpose(x, {0, 2, 1});
  if (y_rank == 2) y = nhwc::expand_dims(net.b, y, 2);
  if (y_rank == 3 && axes[1] == 2) y = net.b.transpose(y, {0, 2, 1});
  TensorId z = net.b.node("MatMul", {x, y});
  if (x_rank == 2 && y_rank == 2) return {nhwc::squeeze(net.b, z, {2})};
  if (x_rank == 2) return {nhwc::squeeze(net.b, z, {1})};
  return {y_rank == 2 ? nhwc::squeeze(net.b, z, {2}) : z};
}

// Keras 1: one layer for all of them.
Ids merge(Net& net, const char*) {
  const std::string mode = net.config()["mode"].text("sum");
  if (mode == "concat") return concatenate(net, "");
  if (mode == "sum") return combine(net, "Add");
  if (mode == "mul") return combine(net, "Mul");
  if (mode == "max") return combine(net, "Max");
  if (mode == "ave") return average(net, "");
  if (mode == "dot") return dot(net, "");
  net.b.fail("merges by '" + mode + "', which mlq does not know");
}

constexpr Row rows[] = {
    {"Add", combine, no_weights, "Add"},       {"Average", average, no_weights},
    {"Concatenate", concatenate, no_weights},  {"Dot", dot, no_weights},
    {"Maximum", combine, no_weights, "Max"},   {"Merge", merge, no_weights},
    {"Minimum", combine, no_weights, "Min"},   {"Multiply", combine, no_weights, "Mul"},
    {"Subtract", subtract, no_weights, "Sub"},
};

}  // namespace

std::span<const Row> merge_rows() { return rows; }

}  // namespace mlqc::keras
