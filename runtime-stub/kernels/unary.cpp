// Operators of one operand without attributes, element by element.
#include <cmath>
#include <limits>

#include "runtime-stub/kernels/families.h"
#include "runtime-stub/kernels/support.h"

namespace mlq::kernels {
namespace {

template <class T, class F>
Status apply(const Call& call, F f) {
  auto n = product(call.outputs[0].shape);
  const T* x = in<T>(call, 0);
  T* y = out<T>(call);
  for (std::int64_t i = 0; i < n; ++i) y[i] = f(x[i]);
  return {};
}

template <class F>
Status on_floats(const Call& call) {
  if (call.inputs[0].type != DataType::float32) return fail(call, "is for float32 only");
  return apply<float>(call, F());
}

template <class F>
Status on_numbers(const Call& call) {
  switch (call.inputs[0].type) {
    case DataType::float32:
      return apply<float>(call, F());
    case DataType::int64:
      return apply<std::int64_t>(call, F());
    case DataType::int32:
      return apply<std::int32_t>(call, F());
    default:
      return fail(call, "is for float32, int64 and int32 only");
  }
}

// Negation of the lowest integer wraps; done on the unsigned type, where that is defined.
template <class T>
T negate(T x) {
  if constexpr (std::is_floating_point_v<T>)
    return -x;
  else
    return static_cast<T>(std::make_unsigned_t<T>{0} - static_cast<std::make_unsigned_t<T>>(x));
}

struct Relu {
  template <class T>
  T operator()(T x) const {
    return x < T{0} ? T{0} : x;
  }
};
struct Neg {
  template <class T>
  T operator()(T x) const {
    return negate(x);
  }
};
struct Abs {
  template <class T>
  T operator()(T x) const {
    if constexpr (std::is_floating_point_v<T>)
      return std::fabs(x);
    else
      return x < T{0} ? negate(x) : x;
  }
};
struct Sign {
  template <class T>
  T operator()(T x) const {
    if constexpr (std::is_floating_point_v<T>)
      if (std::isnan(x)) return x;
    return static_cast<T>((x > T{0}) - (x < T{0}));
  }
};
struct Square {
  template <class T>
  T operator()(T x) const {
    return x * x;
  }
};

struct Sqrt {
  float operator()(float x) const { return std::sqrt(x); }
};
struct Reciprocal {
  float operator()(float x) const { return 1.0f / x; }
};
struct Log {
  float operator()(float x) const { return std::log(x); }
};
struct Ceil {
  float operator()(float x) const { return std::ceil(x); }
};
struct Floor {
  float operator()(float x) const { return std::floor(x); }
};
// The default rounding mode is to nearest, halves to even, as ONNX asks.
struct Round {
  float operator()(float x) const { return std::nearbyint(x); }
};
struct Trunc {
  float operator()(float x) const { return std::trunc(x); }
};
struct Erf {
  float operator()(float x) const { return std::erf(x); }
};
struct Sin {
  float operator()(float x) const { return std::sin(x); }
};
struct Cos {
  float operator()(float x) const { return std::cos(x); }
};
struct Tan {
  float operator()(float x) const { return std::tan(x); }
};
struct Asin {
  float operator()(float x) const { return std::asin(x); }
};
struct Acos {
  float operator()(float x) const { return std::acos(x); }
};
struct Atan {
  float operator()(float x) const { return std::atan(x); }
};
struct Sinh {
  float operator()(float x) const { return std::sinh(x); }
};
struct Cosh {
  float operator()(float x) const { return std::cosh(x); }
};
struct Asinh {
  float operator()(float x) const { return std::asinh(x); }
};
struct Acosh {
  float operator()(float x) const { return std::acosh(x); }
};
struct Atanh {
  float operator()(float x) const { return std::atanh(x); }
};
struct Exp2 {
  float operator()(float x) const { return std::exp2(x); }
};
struct Rsqrt {
  float operator()(float x) const { return 1.0f / std::sqrt(x); }
};
struct Softsign {
  float operator()(float x) const { return x / (1.0f + std::fabs(x)); }
};
// log(1 + e^x), written so that neither end overflows.
struct Softplus {
  float operator()(float x) const { return std::fmax(x, 0.0f) + std::log1p(std::exp(-std::fabs(x))); }
};
struct HardSwish {
  float operator()(float x) const { return x * std::fmin(std::fmax(x / 6.0f + 0.5f, 0.0f), 1.0f); }
};
struct Mish {
  float operator()(float x) const { return x * std::tanh(Softplus()(x)); }
};

Status evaluate_not(const Call& call) {
  return apply<std::uint8_t>(call, [](std::uint8_t x) { return static_cast<std::uint8_t>(x == 0); });
}
Status infer_not(Call& call) {
  if (has_operands(call, 1) && call.inputs[0].type != DataType::boolean) return fail(call, "is for booleans");
  return infer_same(call);
}

Status infer_predicate(Call& call) {
  if (Status s = infer_same(call); !s) return s;
  if (call.inputs[0].type != DataType::float32) return fail(call, "is for float32 only");
  call.outputs[0].type = DataType::boolean;
  return {};
}
template <class F>
Status evaluate_predicate(const Call& call) {
  auto n = product(call.outputs[0].shape);
  const float* x = in<float>(call, 0);
  auto* y = out<std::uint8_t>(call);
  for (std::int64_t i = 0; i < n; ++i) y[i] = F()(x[i]);
  return {};
}
struct IsNan {
  bool operator()(float x) const { return std::isnan(x); }
};
struct IsInf {
  bool operator()(float x) const { return std::isinf(x); }
};

constexpr Kernel rows[] = {
    {"Relu", infer_same, on_numbers<Relu>, nullptr, true},
    {"Neg", infer_same, on_numbers<Neg>, nullptr, true},
    {"Abs", infer_same, on_numbers<Abs>, nullptr, true},
    {"Sign", infer_same, on_numbers<Sign>, nullptr, true},
    {"Square", infer_same, on_floats<Square>, nullptr, true},
    {"Sqrt", infer_same, on_floats<Sqrt>, nullptr, true},
    {"Reciprocal", infer_same, on_floats<Reciprocal>, nullptr, true},
    {"Log", infer_same, on_floats<Log>, nullptr, true},
    {"Ceil", infer_same, on_floats<Ceil>, nullptr, true},
    {"Floor", infer_same, on_floats<Floor>, nullptr, true},
    {"Round", infer_same, on_floats<Round>, nullptr, true},
    {"Trunc", infer_same, on_floats<Trunc>, nullptr, true},
    {"Erf", infer_same, on_floats<Erf>, nullptr, true},
    {"Sin", infer_same, on_floats<Sin>, nullptr, true},
    {"Cos", infer_same, on_floats<Cos>, nullptr, true},
    {"Tan", infer_same, on_floats<Tan>, nullptr, true},
    {"Asin", infer_same, on_floats<Asin>, nullptr, true},
    {"Acos", infer_same, on_floats<Acos>, nullptr, true},
    {"Atan", infer_same, on_floats<Atan>, nullptr, true},
    {"Sinh", infer_same, on_floats<Sinh>, nullptr, true},
    {"Cosh", infer_same, on_floats<Cosh>, nullptr, true},
    {"Asinh", infer_same, on_floats<Asinh>, nullptr, true},
    {"Acosh", infer_same, on_floats<Acosh>, nullptr, true},
    {"Atanh", infer_same, on_floats<Atanh>, nullptr, true},
    {"Exp2", infer_same, on_floats<Exp2>, nullptr, true},
    {"Rsqrt", infer_same, on_floats<Rsqrt>, nullptr, true},
    {"Softsign", infer_same, on_floats<Softsign>, nullptr, true},
    {"Softplus", infer_same, on_floats<Softplus>, nullptr, true},
    {"HardSwish", infer_same, on_floats<HardSwish>, nullptr, true},
    {"Mish", infer_same, on_floats<Mish>, nullptr, true},
    {"Not", infer_not, evaluate_not, nullptr, true},
    {"IsNaN", infer_predicate, evaluate_predicate<IsNan>},
    {"IsInf", infer_predicate, evaluate_predicate<IsInf>},
};

}  // namespace

std::span<const Kernel> unary_kernels() { return rows; }

}  // namespace mlq::kernels
