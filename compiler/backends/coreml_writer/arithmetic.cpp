// Operators on single elements, comparisons, reductions.
#include <limits>

#include "compiler/backends/coreml_writer/writer.h"
#include "compiler/frontends/coreml/network.pb.h"

namespace mlqc::coreml_writer {

namespace {

using Layer = NeuralNetworkLayer;
using Unary = coreml::UnaryFunction;

// Of more than two operands: the first two, then each with what came before.
void fold(Writer& w, const Row& row) {
  std::string so_far = w.in(0);
  const std::size_t count = w.node().inputs.size();
  if (count == 1) return w.same();
  for (std::size_t i = 1; i + 1 < count; ++i) {
    auto [layer, result] = w.step({so_far, w.in(i)});
    row.set(*layer);
    so_far = result;
  }
  row.set(w.layer({so_far, w.in(count - 1)}, {w.out()}));
}

void mean(Writer& w, const Row&) {
  std::string sum = w.in(0);
  for (std::size_t i = 1; i < w.node().inputs.size(); ++i) {
    auto [add, result] = w.step({sum, w.in(i)});
    add->mutable_add_broadcastable();
    sum = result;
  }
  const float share = 1 / static_cast<float>(w.node().inputs.size());
  w.layer({sum}, {w.out()}).mutable_activation()->mutable_linear()->set_alpha(share);
}

void reciprocal(Writer& w, const Row&) {
  w.layer({w.number(1), w.in()}, {w.out()}).mutable_divide_broadcastable();
}

void set_unary(Layer& layer, Unary::Operation type) {
  layer.mutable_unary()->set_type(type);
  layer.mutable_unary()->set_scale(1);
  // Zero would stand for the default, one millionth.
  layer.mutable_unary()->set_epsilon(std::numeric_limits<float>::min());
}

void rsqrt(Writer& w, const Row&) {
  auto [root, y] = w.step({w.in()});
  set_unary(*root, Unary::SQRT);
  w.layer({w.number(1), y}, {w.out()}).mutable_divide_broadcastable();
}

void square(Writer& w, const Row&) { w.layer({w.in(), w.in()}, {w.out()}).mutable_multiply_broadcastable(); }

void squared_difference(Writer& w, const Row&) {
  auto [minus, y] = w.step({w.in(0), w.in(1)});
  minus->mutable_subtract_broadcastable();
  w.layer({y, y}, {w.out()}).mutable_multiply_broadcastable();
}

bool is_float(mlq::DataType type) { return type == mlq::DataType::float32 || type == mlq::DataType::float16; }

// Integers would keep their fractions.
void divide(Writer& w, const Row& row) {
  w.require(is_float(w.tensor(w.operand(0)).type), "divides integers");
  fold(w, row);
}

// All numbers are floats there; those that become integers lose their fraction.
void cast(Writer& w, const Row&) {
  constexpr std::int64_t to_bool = 9, to_float = 1, to_half = 10, to_double = 11;
  const std::int64_t to = w.node().get_int("to", to_float);
  if (to == to_bool) {
    w.layer({w.in(), w.number(0)}, {w.out()}).mutable_not_equal();
  } else if (to == to_float || to == to_half || to == to_double || !is_float(w.tensor(w.operand(0)).type)) {
    w.same();
  } else {
    auto [sign, s] = w.step({w.in()});
    sign->mutable_sign();
    auto [abs, a] = w.step({w.in()});
    set_unary(*abs, Unary::ABS);
    auto [floor, f] = w.step({a});
    floor->mutable_floor();
    w.layer({s, f}, {w.out()}).mutable_multiply_broadcastable();
  }
}

Ints axes_of(Writer& w) { return w.given(1) ? w.ints(1, "axes") : w.node().get_ints("axes"); }

coreml::ReduceAxes& reduction(Layer& layer, std::string_view op) {
  if (op == "ReduceSum") return *layer.mutable_reduce_sum();
  if (op == "ReduceMean") return *layer.mutable_reduce_mean();
  if (op == "ReduceMax") return *layer.mutable_reduce_max();
  if (op == "ReduceMin") return *layer.mutable_reduce_min();
  if (op == "ReduceProd") return *layer.mutable_reduce_prod();
  if (op == "ReduceL1") return *layer.mutable_reduce_l1();
  if (op == "ReduceL2") return *layer.mutable_reduce_l2();
  if (op == "ReduceLogSum") return *layer.mutable_reduce_log_sum();
  if (op == "ReduceSumSquare") return *layer.mutable_reduce_sum_square();
  return *layer.mutable_reduce_log_sum_exp();
}

void reduce(Writer& w, const Row& row) {
  const Ints axes = axes_of(w);
  if (axes.empty() && w.node().get_int("noop_with_empty_axes", 0)) return w.same();
  coreml::ReduceAxes& r = reduction(w.layer({w.in()}, {w.out()}), row.op);
  r.mutable_axes()->Add(axes.begin(), axes.end());
  r.set_reduce_all(axes.empty());
  r.set_keep_dims(w.node().get_int("keepdims", 1) != 0);
}

void arg_extreme(Writer& w, const Row& row) {
  Layer& layer = w.layer({w.in()}, {w.out()});
  coreml::ArgExtreme& a = row.op == "ArgMax" ? *layer.mutable_arg_max() : *layer.mutable_arg_min();
  a.set_axis(w.node().get_int("axis", 0));
  a.set_remove_dim(w.node().get_int("keepdims", 1) == 0);
}

constexpr Row rows[] = {
    {"Abs", direct, [](Layer& l) { set_unary(l, Unary::ABS); }},
    {"Acos", direct, [](Layer& l) { l.mutable_acos(); }},
    {"Acosh", direct, [](Layer& l) { l.mutable_acosh(); }},
    {"Add", fold, [](Layer& l) { l.mutable_add_broadcastable(); }},
    {"And", direct, [](Layer& l) { l.mutable_logical_and(); }},
    {"ArgMax", arg_extreme},
    {"ArgMin", arg_extreme},
    {"Asin", direct, [](Layer& l) { l.mutable_asin(); }},
    {"Asinh", direct, [](Layer& l) { l.mutable_asinh(); }},
    {"Atan", direct, [](Layer& l) { l.mutable_atan(); }},
    {"Atanh", direct, [](Layer& l) { l.mutable_atanh(); }},
    {"Cast", cast},
    {"Ceil", direct, [](Layer& l) { l.mutable_ceil(); }},
    {"Cos", direct, [](Layer& l) { l.mutable_cos(); }},
    {"Cosh", direct, [](Layer& l) { l.mutable_cosh(); }},
    {"Div", divide, [](Layer& l) { l.mutable_divide_broadcastable(); }},
    {"Equal", direct, [](Layer& l) { l.mutable_equal(); }},
    {"Erf", direct, [](Layer& l) { l.mutable_erf(); }},
    {"Exp", direct, [](Layer& l) { set_unary(l, Unary::EXP); }},
    {"Floor", direct, [](Layer& l) { l.mutable_floor(); }},
    {"FloorDiv", direct, [](Layer& l) { l.mutable_floor_div_broadcastable(); }},
    {"Greater", direct, [](Layer& l) { l.mutable_greater_than(); }},
    {"GreaterOrEqual", direct, [](Layer& l) { l.mutable_greater_equal(); }},
    {"Less", direct, [](Layer& l) { l.mutable_less_than(); }},
    {"LessOrEqual", direct, [](Layer& l) { l.mutable_less_equal(); }},
    {"Log", direct, [](Layer& l) { set_unary(l, Unary::LOG); }},
    {"Max", fold, [](Layer& l) { l.mutable_max_broadcastable(); }},
    {"Mean", mean},
    {"Min", fold, [](Layer& l) { l.mutable_min_broadcastable(); }},
    {"Mul", fold, [](Layer& l) { l.mutable_multiply_broadcastable(); }},
    {"Neg", direct, [](Layer& l) { l.mutable_activation()->mutable_linear()->set_alpha(-1); }},
    {"Not", direct, [](Layer& l) { l.mutable_logical_not(); }},
    {"NotEqual", direct, [](Layer& l) { l.mutable_not_equal(); }},
    {"Or", direct, [](Layer& l) { l.mutable_logical_or(); }},
    {"Pow", direct, [](Layer& l) { l.mutable_pow_broadcastable(); }},
    {"Reciprocal", reciprocal},
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
    {"Round", direct, [](Layer& l) { l.mutable_round(); }},
    {"Rsqrt", rsqrt},
    {"Sign", direct, [](Layer& l) { l.mutable_sign(); }},
    {"Sin", direct, [](Layer& l) { l.mutable_sin(); }},
    {"Sinh", direct, [](Layer& l) { l.mutable_sinh(); }},
    {"Sqrt", direct, [](Layer& l) { set_unary(l, Unary::SQRT); }},
    {"Square", square},
    {"SquaredDifference", squared_difference},
    {"Sub", fold, [](Layer& l) { l.mutable_subtract_broadcastable(); }},
    {"Sum", fold, [](Layer& l) { l.mutable_add_broadcastable(); }},
    {"Tan", direct, [](Layer& l) { l.mutable_tan(); }},
    {"Where", direct, [](Layer& l) { l.mutable_where_broadcastable(); }},
    {"Xor", direct, [](Layer& l) { l.mutable_logical_xor(); }},
};

}  // namespace

void direct(Writer& w, const Row& row) {
  Blobs inputs;
  for (std::size_t i = 0; i < w.node().inputs.size(); ++i) inputs.push_back(w.in(i));
  row.set(w.layer(inputs, {w.out()}));
}

std::span<const Row> arithmetic_rows() { return rows; }

}  // namespace mlqc::coreml_writer
