#include <cmath>
#include <numbers>

#include "compiler/backends/onnx_writer/writer.h"

namespace mlqc::onnx_writer {

namespace {

// x / 2 (1 + erf(x / sqrt 2)), and its approximations by tanh and by sigmoid; an operator of its own only
// since set 20.
void gelu(Writer& w, const Row&) {
  const std::string how = w.node().get_string("approximate", "none"), x = w.in();
  if (how == "sigmoid") {
    const std::string gate = w.step("Sigmoid", {w.step("Mul", {x, w.number(1.702f)})});
    w.last("Mul", {x, gate});
    return;
  }
  std::string inner;
  if (how == "tanh") {
    const std::string cube = w.step("Mul", {w.step("Mul", {x, x}), x});
    const std::string sum = w.step("Add", {x, w.step("Mul", {cube, w.number(0.044715f)})});
    const auto root = static_cast<float>(std::sqrt(2 / std::numbers::pi));
    inner = w.step("Tanh", {w.step("Mul", {sum, w.number(root)})});
  } else {
    const auto root = static_cast<float>(1 / std::numbers::sqrt2);
    inner = w.step("Erf", {w.step("Mul", {x, w.number(root)})});
  }
  const std::string half = w.step("Mul", {x, w.number(0.5f)});
  w.last("Mul", {half, w.step("Add", {inner, w.number(1)})});
}

void mish(Writer& w, const Row&) {
  const std::string x = w.in();
  w.last("Mul", {x, w.step("Tanh", {w.step("Softplus", {x})})});
}

// Bounds of the operand's own type.
std::string bound(Writer& w, std::size_t i, const char* attribute) {
  if (w.given(i)) return w.in(i);
  if (!w.node().attributes.contains(attribute)) return "";
  const float value = w.node().get_float(attribute, 0);
  return w.is_float(0) ? w.number(value) : w.cast(w.number(value), type_of(w.tensor(w.operand(0))));
}

void clip(Writer& w, const Row&) {
  const std::string x = w.in(), low = bound(w, 1, "min"), high = bound(w, 2, "max");
  if (high.empty())
    w.last("Clip", low.empty() ? Names{x} : Names{x, low});
  else
    w.last("Clip", {x, low, high});
}

constexpr Row rows[] = {
    {"Celu", same, "alpha"},
    {"Clip", clip},
    {"Elu", same, "alpha"},
    {"Gelu", gelu},
    {"HardSigmoid", same, "alpha beta"},
    {"HardSwish", same},
    {"Hardmax", same, "axis"},
    {"LeakyRelu", same, "alpha"},
    {"LogSoftmax", same, "axis"},
    {"Mish", mish},
    {"PRelu", same},
    {"Relu", same},
    {"Selu", same, "alpha gamma"},
    {"Shrink", same, "bias lambd"},
    {"Sigmoid", same},
    {"Softmax", same, "axis"},
    {"Softplus", same},
    {"Softsign", same},
    {"Tanh", same},
    {"ThresholdedRelu", same, "alpha"},
};

}  // namespace

std::span<const Row> activation_rows() { return rows; }

}  // namespace mlqc::onnx_writer
