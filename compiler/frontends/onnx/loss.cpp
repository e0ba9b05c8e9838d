// Losses, which files from training contain.
#include <array>

#include "compiler/frontends/onnx/operators.h"

namespace mlqc::onnx_format {

namespace {

// Log probabilities [N, C, ...] at the targets [N, ...], each weighted as its class is.
Value likelihood(Op& op, const Value& x, const Value& given, const Value& weights) {
  Build& b = op.b;
  const Value target = b.as_integer(given);
  Value place = target, counts;
  if (op.attribute("ignore_index")) {
    counts = b.node("Not", {b.node("Equal", {target, b.scalar(op.i("ignore_index", 0))}, {}, t_bool)});
    place = b.node("Where", {counts, target, b.scalar(0)});
  }
  Value loss = b.node("GatherElements", {x, b.unsqueeze(place, {1})}, {{"axis", std::int64_t{1}}});
  loss = b.node("Neg", {b.squeeze(loss, {1})});
  Value weight =
      weights.given() ? b.gather(weights, place, 0) : b.node("Expand", {b.number(1.0f), b.shape_of(loss)});
  if (counts.given()) weight = b.node("Where", {counts, weight, b.number(0.0f)});
  loss = b.mul(loss, weight);
  const std::string reduction = op.s("reduction", "mean");
  if (reduction == "none") return loss;
  loss = b.node("ReduceSum", {loss}, {{"keepdims", std::int64_t{0}}});
  if (reduction == "sum") return loss;
  return b.div(loss, b.node("ReduceSum", {weight}, {{"keepdims", std::int64_t{0}}}));
}

void negative_log_likelihood(Op& op) {
  op.out({likelihood(op, op.in(), op.in(1), op.maybe(2)).id, op.in().type});
}

void softmax_cross_entropy(Op& op) {
  const Value logs = op.b.node("LogSoftmax", {op.in()}, {{"axis", std::int64_t{1}}});
  op.out({likelihood(op, logs, op.in(1), op.maybe(2)).id, op.in().type});
  op.out(logs, 1);
}

}  // namespace

std::span<const Row> loss_rows() {
  static constexpr auto rows = std::to_array<Row>({
      {"NegativeLogLikelihoodLoss", negative_log_likelihood},
      {"SoftmaxCrossEntropyLoss", softmax_cross_entropy},
  });
  return rows;
}

}  // namespace mlqc::onnx_format
