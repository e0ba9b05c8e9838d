// Element by element: arithmetic, activations, comparisons.
#include "compiler/frontends/nhwc/arrays.h"
#include "compiler/frontends/tflite/operators.h"
#include "model_generated.h"

namespace mlqc::tflite {

namespace {

int fused_activation(const Net& net) {
  for (const auto* o : {net.op->options_as_AddOptions(), net.op->options_as_SubOptions(),
                        net.op->options_as_MulOptions(), net.op->options_as_DivOptions()})
    if (o) return o->activation();
  return wire::Activation_none;
}

void binary(Net& net, const char* op) {
  const TensorId y = net.b.node(op, {net.in(0), net.in(1)});
  if (net.b.tensor(y).type == mlq::DataType::float32)
    net.finish(y, fused_activation(net));
  else
    net.out(y);
}

void compare(Net& net, const char* op) { net.out(net.b.node(op, {net.in(0), net.in(1)})); }

void unary(Net& net, const char* op) { net.finish(net.b.node(op, {net.in()}), wire::Activation_none); }

void add_all(Net& net, const char*) { net.out(net.b.node("Sum", net.ins())); }

void floor_mod(Net& net, const char*) { net.out(net.b.node("Mod", {net.in(0), net.in(1)})); }

void relu_6(Net& net, const char*) { net.finish(net.in(), wire::Activation_relu6); }
void relu_n1_to_1(Net& net, const char*) { net.finish(net.in(), wire::Activation_relu_n1_to_1); }
void relu_0_to_1(Net& net, const char*) { net.out(nhwc::clip(net.b, net.in(), 0, 1)); }

void leaky_relu(Net& net, const char*) {
  const auto* o = net.op->options_as_LeakyRelu();
  net.finish(net.b.node("LeakyRelu", {net.in()}, {{"alpha", o ? o->alpha() : 0.0f}}), wire::Activation_none);
}

void p_relu(Net& net, const char*) {
  net.finish(net.b.node("PRelu", {net.in(0), net.b.named(net.in(1), "slopes")}), wire::Activation_none);
}

void gelu(Net& net, const char*) {
  const auto* o = net.op->options_as_Gelu();
  net.out(net.b.node("Gelu", {net.in()},
                     {{"approximate", std::string(o && o->approximate() ? "tanh" : "none")}}));
}

void softmax(Net& net, const char*) {
  const auto* o = net.op->options_as_Softmax();
  TensorId x = net.in();
  const float beta = o ? o->beta() : 1;
  if (beta != 1) x = net.b.node("Mul", {x, net.b.number(beta)});
  net.out(net.b.node("Softmax", {x}, {{"axis", std::int64_t{-1}}}));
}

void log_softmax(Net& net, const char*) {
  net.out(net.b.node("LogSoftmax", {net.in()}, {{"axis", std::int64_t{-1}}}));
}

void select(Net& net, const char*) { net.out(net.b.node("Where", {net.in(0), net.in(1), net.in(2)})); }

void l2_normalization(Net& net, const char*) {
  net.out(net.b.node("LpNormalization", {net.in()}, {{"axis", std::int64_t{-1}}, {"p", std::int64_t{2}}}));
}

// Quantization of activations is the range of their type here, see import.h.
void same(Net& net, const char*) { net.finish(net.in(), wire::Activation_none); }

void cast(Net& net, const char*) { net.out(net.b.cast(net.in(), data_type(net, net.result()))); }

constexpr Row rows[] = {
    {0, "ADD", binary, "Add"},
    {6, "DEQUANTIZE", same},
    {8, "FLOOR", unary, "Floor"},
    {11, "L2_NORMALIZATION", l2_normalization},
    {14, "LOGISTIC", unary, "Sigmoid"},
    {18, "MUL", binary, "Mul"},
    {19, "RELU", unary, "Relu"},
    {20, "RELU_N1_TO_1", relu_n1_to_1},
    {21, "RELU6", relu_6},
    {25, "SOFTMAX", softmax},
    {28, "TANH", unary, "Tanh"},
    {41, "SUB", binary, "Sub"},
    {42, "DIV", binary, "Div"},
    {47, "EXP", unary, "Exp"},
    {50, "LOG_SOFTMAX", log_softmax},
    {53, "CAST", cast},
    {54, "PRELU", p_relu},
    {55, "MAXIMUM", binary, "Max"},
    {57, "MINIMUM", binary, "Min"},
    {58, "LESS", compare, "Less"},
    {59, "NEG", unary, "Neg"},
    {61, "GREATER", compare, "Greater"},
    {62, "GREATER_EQUAL", compare, "GreaterOrEqual"},
    {63, "LESS_EQUAL", compare, "LessOrEqual"},
    {64, "SELECT", select},
    {66, "SIN", unary, "Sin"},
    {71, "EQUAL", compare, "Equal"},
    {72, "NOT_EQUAL", compare, "NotEqual"},
    {73, "LOG", unary, "Log"},
    {75, "SQRT", unary, "Sqrt"},
    {76, "RSQRT", unary, "Rsqrt"},
    {78, "POW", binary, "Pow"},
    {80, "FAKE_QUANT", same},
    {84, "LOGICAL_OR", compare, "Or"},
    {86, "LOGICAL_AND", compare, "And"},
    {87, "LOGICAL_NOT", unary, "Not"},
    {90, "FLOOR_DIV", binary, "FloorDiv"},
    {92, "SQUARE", unary, "Square"},
    {95, "FLOOR_MOD", floor_mod},
    {98, "LEAKY_RELU", leaky_relu},
    {99, "SQUARED_DIFFERENCE", binary, "SquaredDifference"},
    {101, "ABS", unary, "Abs"},
    {104, "CEIL", unary, "Ceil"},
    {106, "ADD_N", add_all},
    {108, "COS", unary, "Cos"},
    {111, "ELU", unary, "Elu"},
    {114, "QUANTIZE", same},
    {116, "ROUND", unary, "Round"},
    {117, "HARD_SWISH", unary, "HardSwish"},
    {123, "SELECT_V2", select},
    {150, "GELU", gelu},
    {152, "RELU_0_TO_1", relu_0_to_1},
    {158, "SIGN", unary, "Sign"},
};

}  // namespace

std::span<const Row> arithmetic_rows() { return rows; }

}  // namespace mlqc::tflite
