// Functions of several operands, element by element, with broadcasting.
#include "compiler/frontends/coreml/layers.h"
#include "compiler/frontends/coreml/network.pb.h"

namespace mlqc::coreml {

namespace {

using Layer = NeuralNetworkLayer;

// op(op(a, b), c) ...
TensorId chain(Build& b, const char* op, const Ids& operands) {
  b.require(!operands.empty(), "has no input");
  TensorId result = operands[0];
  for (std::size_t i = 1; i < operands.size(); ++i) result = b.node(op, {result, operands[i]});
  return result;
}

void chained(Build& b, const Layer&, const char* op) { b.out(chain(b, op, b.ins())); }

void binary(Build& b, const Layer&, const char* op) { b.out(b.node(op, {b.in(0), b.in(1)})); }

// The second operand, or a number of the layer where there is only one input.
TensorId second(Build& b, float alpha) { return b.inputs() > 1 ? b.in(1) : b.number(alpha); }

void add(Build& b, const Layer& layer, const char* op) {
  b.out(b.inputs() == 1 ? b.add(b.in(), b.number(layer.add().alpha())) : chain(b, op, b.ins()));
}

void multiply(Build& b, const Layer& layer, const char* op) {
  b.out(b.inputs() == 1 ? b.multiply(b.in(), b.number(layer.multiply().alpha())) : chain(b, op, b.ins()));
}

void average(Build& b, const Layer&, const char*) {
  const TensorId sum = chain(b, "Add", b.ins());
  b.out(b.multiply(sum, b.number(1.0f / static_cast<float>(b.inputs()))));
}

void equal(Build& b, const Layer& layer, const char* op) {
  b.out(b.node(op, {b.in(), second(b, layer.equal().alpha())}));
}

void not_equal(Build& b, const Layer& layer, const char*) {
  b.out(b.node("Not", {b.node("Equal", {b.in(), second(b, layer.not_equal().alpha())})}));
}

float ordering_alpha(const Layer& layer) {
  switch (layer.layer_case()) {
    case Layer::kLessThan:
      return layer.less_than().alpha();
    case Layer::kLessEqual:
      return layer.less_equal().alpha();
    case Layer::kGreaterThan:
      return layer.greater_than().alpha();
    default:
      return layer.greater_equal().alpha();
  }
}

void ordering(Build& b, const Layer& layer, const char* op) {
  b.out(b.node(op, {b.in(), second(b, ordering_alpha(layer))}));
}

void logical(Build& b, const Layer&, const char* op) {
  b.out(b.node(op, {b.truth(b.in(0)), b.truth(b.in(1))}));
}

void logical_not(Build& b, const Layer&, const char* op) { b.out(b.node(op, {b.truth(b.in())})); }

TensorId floor_divide(Build& b, TensorId x, TensorId y) { return b.node("Floor", {b.divide(x, y)}); }

void floor_div(Build& b, const Layer&, const char*) { b.out(floor_divide(b, b.in(0), b.in(1))); }

// The remainder has the divisor's sign.
void mod(Build& b, const Layer&, const char*) {
  b.out(b.subtract(b.in(0), b.multiply(b.in(1), floor_divide(b, b.in(0), b.in(1)))));
}

void where(Build& b, const Layer&, const char* op) {
  b.out(b.node(op, {b.truth(b.in(0)), b.in(1), b.in(2)}));
}

// Over the channels; the cosine divides by both lengths.
void dot(Build& b, const Layer& layer, const char*) {
  const auto sum = [&](TensorId x, TensorId y) {
    return b.node("ReduceSum", {b.multiply(x, y), b.ints({-3})}, {{"keepdims", std::int64_t{1}}});
  };
  const TensorId x = b.in(0), y = b.in(1), product = sum(x, y);
  if (!layer.dot().cosine_similarity()) return b.out(product);
  b.out(b.divide(product, b.node("Sqrt", {b.multiply(sum(x, x), sum(y, y))})));
}

constexpr Row rows[] = {
    {Layer::kAdd, add, "Add"},
    {Layer::kMultiply, multiply, "Mul"},
    {Layer::kAverage, average},
    {Layer::kMax, chained, "Max"},
    {Layer::kMin, chained, "Min"},
    {Layer::kDot, dot},
    {Layer::kEqual, equal, "Equal"},
    {Layer::kNotEqual, not_equal},
    {Layer::kLessThan, ordering, "Less"},
    {Layer::kLessEqual, ordering, "LessOrEqual"},
    {Layer::kGreaterThan, ordering, "Greater"},
    {Layer::kGreaterEqual, ordering, "GreaterOrEqual"},
    {Layer::kLogicalOr, logical, "Or"},
    {Layer::kLogicalXor, logical, "Xor"},
    {Layer::kLogicalAnd, logical, "And"},
    {Layer::kLogicalNot, logical_not, "Not"},
    {Layer::kModBroadcastable, mod},
    {Layer::kMinBroadcastable, chained, "Min"},
    {Layer::kMaxBroadcastable, chained, "Max"},
    {Layer::kAddBroadcastable, chained, "Add"},
    {Layer::kPowBroadcastable, binary, "Pow"},
    {Layer::kDivideBroadcastable, binary, "Div"},
    {Layer::kFloorDivBroadcastable, floor_div},
    {Layer::kMultiplyBroadcastable, chained, "Mul"},
    {Layer::kSubtractBroadcastable, binary, "Sub"},
    {Layer::kWhereBroadcastable, where, "Where"},
};

}  // namespace

std::span<const Row> elementwise_rows() { return rows; }

}  // namespace mlqc::coreml
