// Element by element with attributes: what networks call activations.
#include <cmath>
#include <limits>

#include "runtime-stub/kernels/families.h"
#include "runtime-stub/kernels/support.h"

namespace mlq::kernels {
namespace {

template <class F>
Status activate(const Call& call) {
  if (call.inputs[0].type != DataType::float32) return fail(call, "is for float32 only");
  const F f(call.node);
  auto n = product(call.outputs[0].shape);
  const float* x = in<float>(call, 0);
  float* y = out<float>(call);
  for (std::int64_t i = 0; i < n; ++i) y[i] = f(x[i]);
  return {};
}

struct LeakyRelu {
  float alpha;
  explicit LeakyRelu(const Node& node) : alpha(node.get_float("alpha", 0.01f)) {}
  float operator()(float x) const { return x < 0 ? alpha * x : x; }
};
struct Elu {
  float alpha;
  explicit Elu(const Node& node) : alpha(node.get_float("alpha", 1.0f)) {}
  float operator()(float x) const { return x < 0 ? alpha * std::expm1(x) : x; }
};
struct Celu {
  float alpha;
  explicit Celu(const Node& node) : alpha(node.get_float("alpha", 1.0f)) {}
  float operator()(float x) const { return x < 0 ? alpha * std::expm1(x / alpha) : x; }
};
struct Selu {
  float alpha, gamma;
  explicit Selu(const Node& node)
      : alpha(node.get_float("alpha", 1.67326319217681884765625f)),
        gamma(node.get_float("gamma", 1.05070102214813232421875f)) {}
  float operator()(float x) const { return gamma * (x < 0 ? alpha * std::expm1(x) : x); }
};
struct HardSigmoid {
  float alpha, beta;
  explicit HardSigmoid(const Node& node)
      : alpha(node.get_float("alpha", 0.2f)), beta(node.get_float("beta", 0.5f)) {}
  float operator()(float x) const { return std::fmin(std::fmax(alpha * x + beta, 0.0f), 1.0f); }
};
struct ThresholdedRelu {
  float alpha;
  explicit ThresholdedRelu(const Node& node) : alpha(node.get_float("alpha", 1.0f)) {}
  float operator()(float x) const { return x > alpha ? x : 0.0f; }
};
struct Shrink {
  float bias, lambda;
  explicit Shrink(const Node& node)
      : bias(node.get_float("bias", 0.0f)), lambda(node.get_float("lambd", 0.5f)) {}
  float operator()(float x) const { return x < -lambda ? x + bias : x > lambda ? x - bias : 0.0f; }
};
// approximate: "none" is the exact form by erf, "tanh" the fit by tanh, "sigmoid" x * sigmoid(1.702 x).
struct Gelu {
  enum { exact, by_tanh, by_sigmoid } kind;
  explicit Gelu(const Node& node) {
    std::string name = node.get_string("approximate", "none");
    kind = name == "tanh" ? by_tanh : name == "sigmoid" ? by_sigmoid : exact;
  }
  float operator()(float x) const {
    if (kind == by_sigmoid) return x / (1.0f + std::exp(-1.702f * x));
    if (kind == by_tanh) return 0.5f * x * (1.0f + std::tanh(0.7978845608f * (x + 0.044715f * x * x * x)));
    return 0.5f * x * (1.0f + std::erf(x * 0.7071067812f));
  }
};

// Bounds are operands in the newer form of the operator, attributes in the older one.
template <class T>
Status clip(const Call& call, T lowest, T highest) {
  T low = call.given(1) ? *in<T>(call, 1) : static_cast<T>(call.node.get_float("min", lowest));
  T high = call.given(2) ? *in<T>(call, 2) : static_cast<T>(call.node.get_float("max", highest));
  auto n = product(call.outputs[0].shape);
  const T* x = in<T>(call, 0);
  T* y = out<T>(call);
  for (std::int64_t i = 0; i < n; ++i) {
    T v = x[i] < low ? low : x[i];
    y[i] = v > high ? high : v;
  }
  return {};
}
Status infer_clip(Call& call) {
  for (std::size_t i = 1; i < 3; ++i)
    if (call.given(i) && (call.inputs[i].type != call.inputs[0].type || product(call.inputs[i].shape) != 1))
      return fail(call, "bounds are single numbers of the operand's type");
  return infer_same(call);
}
Status evaluate_clip(const Call& call) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  switch (call.inputs[0].type) {
    case DataType::float32:
      return clip<float>(call, -infinity, infinity);
    case DataType::int64:
    case DataType::int32: {
      bool wide = call.inputs[0].type == DataType::int64;
      if (!call.given(1) || !call.given(2)) return fail(call, "of integers needs both bounds as operands");
      return wide ? clip<std::int64_t>(call, 0, 0) : clip<std::int32_t>(call, 0, 0);
    }
    default:
      return fail(call, "is for float32, int64 and int32 only");
  }
}

constexpr Kernel rows[] = {
    {"LeakyRelu", infer_same, activate<LeakyRelu>, nullptr, true},
    {"Elu", infer_same, activate<Elu>, nullptr, true},
    {"Celu", infer_same, activate<Celu>, nullptr, true},
    {"Selu", infer_same, activate<Selu>, nullptr, true},
    {"HardSigmoid", infer_same, activate<HardSigmoid>, nullptr, true},
    {"ThresholdedRelu", infer_same, activate<ThresholdedRelu>, nullptr, true},
    {"Shrink", infer_same, activate<Shrink>, nullptr, true},
    {"Gelu", infer_same, activate<Gelu>, nullptr, true},
    {"Clip", infer_clip, evaluate_clip, nullptr, true},
};

}  // namespace

std::span<const Kernel> activation_kernels() { return rows; }

}  // namespace mlq::kernels
