// Element by element: arithmetic, activations, comparisons, conditions.
#include "compiler/frontends/nhwc/arrays.h"
#include "compiler/frontends/tensorflow/operators.h"

namespace mlqc::tensorflow {

namespace {

void unary(Net& net, const char* op) { net.out(net.b.node(op, {net.in()})); }
void binary(Net& net, const char* op) { net.out(net.b.node(op, {net.in(0), net.in(1)})); }
void add_all(Net& net, const char*) { net.out(net.b.node("Sum", net.ins())); }

// What matters in training only, or says nothing that the graph does not know.
// Handles of
// arrays have no value, and stay so.
void same(Net& net, const char*) {
  net.b.require(net.inputs() > 0, "has no input");
  net.out(net.maybe(net.step().inputs[0]));
}
void all_same(Net& net, const char*) { net.outs(net.ins()); }

void bias(Net& net, const char*) {
  const TensorId x = net.in(0);
  TensorId bias = net.b.named(net.in(1), "bias");
  if (net.text("data_format", "NHWC").starts_with("NC") && net.b.rank(x) > 2) {
    Shape shape(static_cast<std::size_t>(net.b.rank(x)) - 1, 1);
    shape[0] = net.b.shape(bias).empty() ? 1 : net.b.shape(bias)[0];
    bias = net.b.reshaped(bias, shape, "bias");
  }
  net.out(net.b.node("Add", {x, bias}));
}

void relu_6(Net& net, const char*) { net.out(nhwc::clip(net.b, net.in(), 0, 6)); }

void leaky_relu(Net& net, const char*) {
  net.out(net.b.node("LeakyRelu", {net.in()}, {{"alpha", net.real("alpha", 0.2f)}}));
}

void gelu(Net& net, const char*) {
  net.out(net.b.node("Gelu", {net.in()},
                     {{"approximate", std::string(net.flag("approximate") ? "tanh" : "none")}}));
}

void softmax(Net& net, const char* op) { net.out(net.b.node(op, {net.in()}, {{"axis", std::int64_t{-1}}})); }

void log_1p(Net& net, const char*) {
  net.out(net.b.node("Log", {net.b.node("Add", {net.in(), net.b.number(1)})}));
}

void exp_m1(Net& net, const char*) {
  net.out(net.b.node("Sub", {net.b.node("Exp", {net.in()}), net.b.number(1)}));
}

// 0 wherever y is.
void no_nan(Net& net, const char* op) {
  const TensorId x = net.in(0), y = net.in(1), zero = net.b.number(0);
  net.out(net.b.node("Where", {net.b.node("Equal", {y, zero}), zero, net.b.node(op, {x, y})}));
}

void clip_by_value(Net& net, const char*) {
  net.out(net.b.node("Min", {net.b.node("Max", {net.in(0), net.in(1)}), net.in(2)}));
}

// Quantization that is simulated: its range stays, its steps are mlq's affair.
void fake_quantization(Net& net, const char*) {
  if (net.inputs() == 1)
    net.out(nhwc::clip(net.b, net.in(), net.real("min", -6), net.real("max", 6)));
  else
    net.out(nhwc::clip(net.b, net.in(0), net.one_float(net.in(1), "a minimum"),
                       net.one_float(net.in(2), "a maximum")));
}

// A condition of rank 1 chooses whole rows.
void select(Net& net, const char*) {
  TensorId condition = net.in(0);
  const int rank = net.b.rank(net.in(1));
  if (net.b.rank(condition) == 1 && rank > 1) {
    Shape shape(static_cast<std::size_t>(rank), 1);
    shape[0] = -1;
    condition = net.b.reshape(condition, shape);
  }
  net.out(net.b.node("Where", {condition, net.in(1), net.in(2)}));
}

void select_any(Net& net, const char*) { net.out(net.b.node("Where", {net.in(0), net.in(1), net.in(2)})); }

void cast(Net& net, const char*) { net.out(net.b.cast(net.in(), data_type(net, net.type("DstT")))); }

void constant_node(Net& net, const char*) {
  const TensorProto& tensor = net.tensor("value");
  // Texts (of an Assert, a file's name) are nothing to compute with; reading one is an error where it
  // happens.
  if (!is_string(net.type("dtype"))) net.out(constant(net, net.b.name(), tensor));
}

// Both ways, unless one is known to stay silent.
void switch_node(Net& net, const char*) {
  const Condition condition = condition_of(net.program, net.step().inputs[1]);
  if (condition != Condition::yes) net.out(net.in(0), 0);
  if (condition != Condition::no) net.out(net.in(0), 1);
}

// One branch came; a Merge of two is a conditional's, or one whose condition mlq does not see.
void merge(Net& net, const char*) {
  std::vector<Wire> coming;
  for (const Wire wire : net.step().inputs)
    if (comes(net.program, net.dead, wire)) coming.push_back(wire);
  if (coming.size() != 1) net.b.fail("merges branches of which mlq does not see the condition");
  net.out(net.value(coming[0]));
}

constexpr Row rows[] = {
    {"Abs", unary, "Abs"},
    {"Acos", unary, "Acos"},
    {"Acosh", unary, "Acosh"},
    {"Add", binary, "Add"},
    {"AddN", add_all},
    {"AddV2", binary, "Add"},
    {"Asin", unary, "Asin"},
    {"Asinh", unary, "Asinh"},
    {"Atan", unary, "Atan"},
    {"Atanh", unary, "Atanh"},
    {"BiasAdd", bias},
    {"BiasAddV1", bias},
    {"Cast", cast},
    {"Ceil", unary, "Ceil"},
    {"CheckNumerics", same},
    {"ClipByValue", clip_by_value},
    {"Const", constant_node},
    {"Cos", unary, "Cos"},
    {"Cosh", unary, "Cosh"},
    {"Div", binary, "Div"},
    {"DivNoNan", no_nan, "Div"},
    {"Elu", unary, "Elu"},
    {"EnsureShape", same},
    {"Enter", same},
    {"Equal", binary, "Equal"},
    {"Erf", unary, "Erf"},
    {"Exit", same},
    {"Exp", unary, "Exp"},
    {"Expm1", exp_m1},
    {"FakeQuantWithMinMaxArgs", fake_quantization},
    {"FakeQuantWithMinMaxVars", fake_quantization},
    {"Floor", unary, "Floor"},
    {"FloorDiv", binary, "FloorDiv"},
    {"FloorMod", binary, "Mod"},
    {"Gelu", gelu},
    {"Greater", binary, "Greater"},
    {"GreaterEqual", binary, "GreaterOrEqual"},
    {"Identity", same},
    {"IdentityN", all_same},
    {"Inv", unary, "Reciprocal"},
    {"IsInf", unary, "IsInf"},
    {"IsNan", unary, "IsNaN"},
    {"LeakyRelu", leaky_relu},
    {"Less", binary, "Less"},
    {"LessEqual", binary, "LessOrEqual"},
    {"Log", unary, "Log"},
    {"Log1p", log_1p},
    {"LogSoftmax", softmax, "LogSoftmax"},
    {"LogicalAnd", binary, "And"},
    {"LogicalNot", unary, "Not"},
    {"LogicalOr", binary, "Or"},
    {"LoopCond", same},
    {"Maximum", binary, "Max"},
    {"Merge", merge},
    {"Minimum", binary, "Min"},
    {"Mul", binary, "Mul"},
    {"MulNoNan", no_nan, "Mul"},
    {"Neg", unary, "Neg"},
    {"NextIteration", same},
    {"NotEqual", binary, "NotEqual"},
    {"Pow", binary, "Pow"},
    {"PreventGradient", same},
    {"ReadVariableOp", same},
    {"RealDiv", binary, "Div"},
    {"Reciprocal", unary, "Reciprocal"},
    {"Relu", unary, "Relu"},
    {"Relu6", relu_6},
    {"Rint", unary, "Round"},
    {"Round", unary, "Round"},
    {"Rsqrt", unary, "Rsqrt"},
    {"Select", select},
    {"SelectV2", select_any},
    {"Selu", unary, "Selu"},
    {"Sigmoid", unary, "Sigmoid"},
    {"Sign", unary, "Sign"},
    {"Sin", unary, "Sin"},
    {"Sinh", unary, "Sinh"},
    {"Snapshot", same},
    {"Softmax", softmax, "Softmax"},
    {"Softplus", unary, "Softplus"},
    {"Softsign", unary, "Softsign"},
    {"Sqrt", unary, "Sqrt"},
    {"Square", unary, "Square"},
    {"SquaredDifference", binary, "SquaredDifference"},
    {"StopGradient", same},
    {"Sub", binary, "Sub"},
    {"Switch", switch_node},
    {"Tan", unary, "Tan"},
    {"Tanh", unary, "Tanh"},
};

}  // namespace

std::span<const Row> arithmetic_rows() { return rows; }

}  // namespace mlqc::tensorflow
