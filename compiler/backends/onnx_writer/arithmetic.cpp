// Operators on single elements, comparisons, reductions.
#include <onnx/onnx_pb.h>

#include "compiler/backends/onnx_writer/writer.h"

namespace mlqc::onnx_writer {

namespace {

void square(Writer& w, const Row&) { w.last("Mul", {w.in(), w.in()}); }

void squared_difference(Writer& w, const Row&) {
  const std::string difference = w.step("Sub", {w.in(0), w.in(1)});
  w.last("Mul", {difference, difference});
}

void rsqrt(Writer& w, const Row&) { w.last("Reciprocal", {w.step("Sqrt", {w.in()})}); }

void power_of_two(Writer& w, const Row&) { w.last("Pow", {w.number(2), w.in()}); }

void not_equal(Writer& w, const Row&) { w.last("Not", {w.step("Equal", {w.in(0), w.in(1)})}); }

void truncate(Writer& w, const Row&) {
  const std::string x = w.in();
  w.last("Mul", {w.step("Sign", {x}), w.step("Floor", {w.step("Abs", {x})})});
}

// Whole numbers: what Mod leaves, with the divisor's sign, divides without a rest.
void floor_divide(Writer& w, const Row&) {
  const std::string a = w.in(0), b = w.in(1);
  if (w.is_float(0))
    w.last("Floor", {w.step("Div", {a, b})});
  else
    w.last("Div", {w.step("Sub", {a, w.step("Mod", {a, b})}), b});
}

// Of floats, ONNX has the rest with the dividend's sign only.
void modulo(Writer& w, const Row& row) {
  if (!w.is_float(0) || w.node().get_int("fmod", 0)) return same(w, row);
  const std::string a = w.in(0), b = w.in(1);
  const std::string whole = w.step("Floor", {w.step("Div", {a, b})});
  w.last("Sub", {a, w.step("Mul", {b, whole})});
}

void cast(Writer& w, const Row&) {
  const std::int64_t to = w.node().get_int("to", onnx_format::t_float);
  const int type = type_of(w.result());
  const std::string x = to == type ? w.in() : w.cast(w.in(), static_cast<int>(to));
  set(w.last("Cast", {x}), "to", std::int64_t{type});
}

void round_float(Writer& w, const Row&) {
  const std::int64_t to = w.node().get_int("to", 0);
  w.require(to == onnx_format::t_half || to == onnx_format::t_bfloat16, "rounds to floats of eight bits");
  set(w.last("Cast", {w.cast(w.in(), static_cast<int>(to))}), "to", std::int64_t{onnx_format::t_float});
}

// Axes are an attribute, but an operand of sums.
void reduce(Writer& w, const Row& row) {
  const bool sum = row.op == "ReduceSum", empty_is_none = w.node().get_int("noop_with_empty_axes", 0) != 0;
  if (sum && w.given(1)) {
    NodeProto& node = w.last("ReduceSum", {w.in(), w.list(1, "axes")});
    set(node, "keepdims", w.node().get_int("keepdims", 1));
    return set(node, "noop_with_empty_axes", std::int64_t{empty_is_none});
  }
  const Ints axes = w.numbers(1, "axes");
  if (axes.empty() && empty_is_none) {
    w.last("Identity", {w.in()});
    return;
  }
  const std::string x = w.in(), listed = sum && !axes.empty() ? w.ints(axes) : "";
  NodeProto& node = w.last(row.op, listed.empty() ? Names{x} : Names{x, listed});
  if (!sum && !axes.empty()) set(node, "axes", axes);
  set(node, "keepdims", w.node().get_int("keepdims", 1));
}

constexpr Row rows[] = {
    {"Abs", same},
    {"Acos", same},
    {"Acosh", same},
    {"Add", same},
    {"And", same},
    {"Asin", same},
    {"Asinh", same},
    {"Atan", same},
    {"Atanh", same},
    {"Cast", cast},
    {"Ceil", same},
    {"Cos", same},
    {"Cosh", same},
    {"Div", same},
    {"Equal", same},
    {"Erf", same},
    {"Exp", same},
    {"Exp2", power_of_two},
    {"Floor", same},
    {"FloorDiv", floor_divide},
    {"Greater", same},
    {"GreaterOrEqual", same},
    {"IsInf", same},
    {"IsNaN", same},
    {"Less", same},
    {"LessOrEqual", same},
    {"Log", same},
    {"Max", same},
    {"Mean", same},
    {"Min", same},
    {"Mod", modulo, "fmod"},
    {"Mul", same},
    {"Neg", same},
    {"Not", same},
    {"NotEqual", not_equal},
    {"Or", same},
    {"Pow", same},
    {"Reciprocal", same},
    {"ReduceL1", reduce},
    {"ReduceL2", reduce},
    {"ReduceLogSum", reduce},
    {"ReduceLogSumExp", reduce},
    {"ReduceMax", reduce},
    {"ReduceMean", reduce},
    {"ReduceMin", reduce},
    {"ReduceProd", reduce},
    {"ReduceSum", reduce},
    {"ReduceSumSquare", reduce},
    {"Round", same},
    {"RoundFloat", round_float},
    {"Rsqrt", rsqrt},
    {"Sign", same},
    {"Sin", same},
    {"Sinh", same},
    {"Sqrt", same},
    {"Square", square},
    {"SquaredDifference", squared_difference},
    {"Sub", same},
    {"Sum", same},
    {"Tan", same},
    {"Trunc", truncate},
    {"Where", same},
    {"Xor", same},
};

}  // namespace

std::span<const Row> arithmetic_rows() { return rows; }

}  // namespace mlqc::onnx_writer
