// Element by element: types, old broadcasting, functions that ONNX has and the graph has not.
#include <onnx/onnx_pb.h>

#include <array>
#include <cmath>

#include "compiler/frontends/onnx/operators.h"

namespace mlqc::onnx_format {

namespace {

// The name of a type, as Cast had it before operator set 6; t_none when it is none.
int type_named(const std::string& word) {
  ::onnx::TensorProto_DataType type{};
  return ::onnx::TensorProto_DataType_Parse(word, &type) ? int{type} : int{t_none};
}

void cast(Op& op) {
  const std::string word = op.s("to", "");
  const int type = word.empty() ? static_cast<int>(op.i("to", t_float)) : type_named(word);
  if (!is_supported(type)) op.b.fail("converts to the element type " + name_of(type));
  op.out(op.b.cast(op.in(), type, op.i("saturate", 1) != 0, op.s("round_mode", "up")));
}

void cast_like(Op& op) { op.out(op.b.cast(op.in(), op.in(1).type, op.i("saturate", 1) != 0)); }

// The bits of one type taken for another of the same size.
void bit_cast(Op& op) {
  Build& b = op.b;
  const int to = static_cast<int>(op.i("to", 0)), from = op.in().type;
  b.require(is_supported(to) && bits_of(to) == bits_of(from) && bits_of(to) >= 8,
            "needs types of the same number of bits");
  b.require(mlq::size_of(outside(to)) * 8 == static_cast<std::size_t>(bits_of(to)) &&
                mlq::size_of(outside(from)) * 8 == static_cast<std::size_t>(bits_of(from)),
            "has a type whose bits mlq does not keep");
  Value x = b.node("Cast", {op.in()}, {{"to", std::int64_t{from}}});
  x = b.node("BitCast", {x}, {{"to", std::int64_t{to}}});
  op.out({b.node("Cast", {x}, {{"to", std::int64_t{onnx_type(inside(to))}}}).id, to});
}

// Before operator set 7 the second operand was aligned at `axis` instead of at the right.
Value aligned(Op& op, const Value& x, const Value& y) {
  const ::onnx::AttributeProto* given = op.attribute("axis");
  if (!given || op.b.model.opset() >= 7) return y;
  const std::int64_t axis = op.b.axis(op.i("axis", 0), op.b.rank(x));
  Ints behind;
  for (std::int64_t i = axis + op.b.rank(y); i < op.b.rank(x); ++i) behind.push_back(i - axis);
  return behind.empty() ? y : op.b.unsqueeze(y, behind);
}

Attributes without_broadcast(Op& op) {
  Attributes attributes = op.attributes();
  for (const char* old : {"axis", "broadcast", "consumed_inputs"}) attributes.erase(old);
  return attributes;
}

void binary(Op& op) {
  const Value x = op.in(), y = aligned(op, x, op.in(1));
  const Value result = op.b.node(op.type(), {x, y}, without_broadcast(op));
  op.out(is_integer(result.type) ? op.b.wrapped(result, result.type) : result);
}

// The upper half of the 64-bit numbers without sign is negative inside; moved by 2^63 their order is right.
Value in_order(Build& b, const Value& x) { return x.type == t_uint64 ? b.add(x, b.scalar(INT64_MIN)) : x; }

void compare(Op& op) {
  const Value x = op.in(), y = aligned(op, x, op.in(1));
  op.out(op.b.node(op.type(), {in_order(op.b, x), in_order(op.b, y)}, without_broadcast(op), t_bool));
}

void least_or_most(Op& op) {
  Values operands = op.ins();
  const int type = op.in().type;
  for (Value& operand : operands) operand = in_order(op.b, operand);
  Value result = op.b.node(op.type(), operands);
  if (type == t_uint64) result = op.b.add(result, op.b.scalar(INT64_MIN));
  op.out({result.id, type});
}

void power(Op& op) {
  Build& b = op.b;
  const Value x = op.in();
  Value y = aligned(op, x, op.in(1));
  if (is_float(x.type) == is_float(y.type)) {
    op.out(b.wrapped(b.node("Pow", {x, y}), x.type));
    return;
  }
  const Value result = b.node("Pow", {b.as_float(x), b.as_float(y)});
  op.out(is_float(x.type) ? Value{result.id, x.type} : b.cast(result, x.type));
}

void divide(Op& op) {
  Build& b = op.b;
  const Value x = op.in(), y = aligned(op, x, op.in(1));
  op.out(b.wrapped(b.node("Div", {x, y}, without_broadcast(op)), x.type));
}

void where(Op& op) {
  const int type = op.in(1).type;
  op.out({op.b.node("Where", op.ins()).id, type});
}

// Integers are clamped as such; operands that are not given do not limit.
void clip(Op& op) {
  Build& b = op.b;
  const Value x = op.in();
  if (op.b.model.opset() < 11 && !op.given(1)) return pass(op);
  Value y = x;
  if (op.given(1)) y = b.node("Max", {y, op.in(1)});
  if (op.given(2)) y = b.node("Min", {y, op.in(2)});
  if (!op.given(1) && !op.given(2)) y = b.node("Identity", {y});
  // What fusing looks for: a Clip with constant limits.
  const auto low = b.known_float(op.maybe(1)), high = b.known_float(op.maybe(2));
  if (is_float(x.type) && (low || !op.given(1)) && (high || !op.given(2)))
    y = b.node("Clip", {x}, {{"min", low.value_or(-INFINITY)}, {"max", high.value_or(INFINITY)}});
  op.out({y.id, x.type});
}

Value swished(Op& op, const Value& x) {
  Build& b = op.b;
  const float alpha = op.f("alpha", 1.0f);
  const Value inner = alpha == 1.0f ? x : b.mul(x, b.number(alpha));
  return b.mul(x, b.node("Sigmoid", {inner}));
}
void swish(Op& op) { op.out(swished(op, op.in())); }

void is_infinite(Op& op) {
  Build& b = op.b;
  const Value x = b.as_float(op.in()), zero = b.number(0.0f);
  Value y = b.node("IsInf", {x}, {}, t_bool);
  if (op.i("detect_negative", 1) == 0) y = b.node("And", {y, b.node("Greater", {x, zero}, {}, t_bool)});
  if (op.i("detect_positive", 1) == 0) y = b.node("And", {y, b.node("Less", {x, zero}, {}, t_bool)});
  op.out(y);
}

void bitwise(Op& op) { op.out({op.b.node(op.type(), op.ins()).id, op.in().type}); }

void bitwise_not(Op& op) { op.out(op.b.wrapped(op.b.node("BitwiseNot", {op.in()}), op.in().type)); }

void shift(Op& op) {
  Build& b = op.b;
  const bool left = op.s("direction", "") == "LEFT";
  op.out(b.wrapped(b.node(left ? "ShiftLeft" : "ShiftRight", {op.in(), op.in(1)}), op.in().type));
}

void affine(Op& op) {
  Build& b = op.b;
  op.out(b.add(b.mul(op.in(), b.number(op.f("alpha", 1.0f))), b.number(op.f("beta", 0.0f))));
}

void image_scaler(Op& op) {
  Build& b = op.b;
  const std::vector<float> bias = op.fs("bias");
  const Value scaled = b.mul(op.in(), b.number(op.f("scale", 1.0f)));
  op.out(b.add(scaled, b.floats({static_cast<std::int64_t>(bias.size()), 1, 1}, bias)));
}

void parametric(Op& op) {
  const Value x = op.in();
  const int type = x.type;
  Value slope = op.in(1);
  // Before operator set 7 a vector of slopes was one per channel.
  if (op.b.model.opset() < 7 && op.b.rank(slope) == 1 && op.b.rank(x) > 2) {
    Ints behind;
    for (std::int64_t i = 1; i < op.b.rank(x) - 1; ++i) behind.push_back(i);
    slope = op.b.unsqueeze(slope, behind);
  }
  const Value y = op.b.node("PRelu", {op.b.as_float(x), op.b.as_float(slope)});
  op.out(is_float(type) ? y : op.b.cast(y, type));
}

void swiglu(Op& op) { op.out(op.b.mul(swished(op, op.in()), op.in(1))); }

}  // namespace

std::span<const Row> arithmetic_rows() {
  static constexpr auto rows = std::to_array<Row>({
      {"Cast", cast},
      {"CastLike", cast_like},
      {"BitCast", bit_cast},
      {"Add", binary},
      {"Sub", binary},
      {"Mul", binary},
      {"And", compare},
      {"Or", compare},
      {"Xor", compare},
      {"Equal", compare},
      {"Less", compare},
      {"LessOrEqual", compare},
      {"Greater", compare},
      {"GreaterOrEqual", compare},
      {"Min", least_or_most},
      {"Max", least_or_most},
      {"Pow", power},
      {"Div", divide},
      {"Where", where},
      {"Clip", clip},
      {"Swish", swish},
      {"SwiGLU", swiglu},
      {"IsInf", is_infinite},
      {"BitwiseAnd", bitwise},
      {"BitwiseOr", bitwise},
      {"BitwiseXor", bitwise},
      {"BitwiseNot", bitwise_not},
      {"BitShift", shift},
      {"PRelu", parametric},
      {"Affine", affine},
      {"ImageScaler", image_scaler},
  });
  return rows;
}

}  // namespace mlqc::onnx_format
