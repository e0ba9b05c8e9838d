// Arithmetic of two operands that broadcast.
#include <cmath>
#include <limits>
#include <type_traits>

#include "runtime-stub/kernels/elementwise.h"
#include "runtime-stub/kernels/families.h"
#include "runtime-stub/kernels/plane.h"

namespace mlq::kernels {
namespace {

// Signed overflow is undefined in C++; integer operators wrap as everywhere else in the field.
template <class T, class F>
T wrap(T a, T b, F f) {
  if constexpr (std::is_integral_v<T>) {
    using U = std::make_unsigned_t<T>;
    return static_cast<T>(f(static_cast<U>(a), static_cast<U>(b)));
  } else {
    return f(a, b);
  }
}

struct Add {
  template <class T>
  T operator()(T a, T b) const {
    return wrap(a, b, [](auto x, auto y) { return x + y; });
  }
};
struct Sub {
  template <class T>
  T operator()(T a, T b) const {
    return wrap(a, b, [](auto x, auto y) { return x - y; });
  }
};
struct Mul {
  template <class T>
  T operator()(T a, T b) const {
    return wrap(a, b, [](auto x, auto y) { return x * y; });
  }
};
// Division by zero and of the lowest number by -1 trap in integers; they give 0 and the wrapped number.
struct Div {
  template <class T>
  T operator()(T a, T b) const {
    if constexpr (std::is_integral_v<T>) {
      if (b == 0) return 0;
      if (b == -1) return Sub()(T{0}, a);
    }
    return a / b;
  }
};
struct FloorDiv {
  template <class T>
  T operator()(T a, T b) const {
    if constexpr (std::is_integral_v<T>) {
      T q = Div()(a, b);
      return b != 0 && b != -1 && a % b != 0 && (a < 0) != (b < 0) ? q - 1 : q;
    } else {
      return std::floor(a / b);
    }
  }
};
struct Pow {
  template <class T>
  T operator()(T a, T b) const {
    if constexpr (std::is_floating_point_v<T>) {
      return std::pow(a, b);
    } else {
      if (b < 0) return a == 1 ? 1 : a == -1 ? (b % 2 == 0 ? 1 : -1) : 0;
      T result = 1;
      for (; b > 0; b /= 2, a = Mul()(a, a))
        if (b % 2) result = Mul()(result, a);
      return result;
    }
  }
};
// The sign of the divisor, as in Python.
struct Mod {
  template <class T>
  T operator()(T a, T b) const {
    if constexpr (std::is_floating_point_v<T>) {
      T r = std::fmod(a, b);
      return r != 0 && (r < 0) != (b < 0) ? r + b : r;
    } else {
      if (b == 0 || b == -1) return 0;
      T r = a % b;
      return r != 0 && (r < 0) != (b < 0) ? r + b : r;
    }
  }
};
// The sign of the dividend, as C's fmod.
struct Fmod {
  template <class T>
  T operator()(T a, T b) const {
    if constexpr (std::is_floating_point_v<T>)
      return std::fmod(a, b);
    else
      return b == 0 || b == -1 ? 0 : a % b;
  }
};
// A NaN on either side wins.
struct Min {
  template <class T>
  T operator()(T a, T b) const {
    return b < a || b != b ? b : a;
  }
};
struct Max {
  template <class T>
  T operator()(T a, T b) const {
    return b > a || b != b ? b : a;
  }
};
struct PRelu {
  template <class T>
  T operator()(T a, T slope) const {
    return a < 0 ? a * slope : a;
  }
};
struct SquaredDifference {
  template <class T>
  T operator()(T a, T b) const {
    return (a - b) * (a - b);
  }
};

template <class F>
Status on_numbers(const Call& call) {
  switch (call.inputs[0].type) {
    case DataType::float32:
      return apply_binary<float, float>(call, F());
    case DataType::int64:
      return apply_binary<std::int64_t, std::int64_t>(call, F());
    case DataType::int32:
      return apply_binary<std::int32_t, std::int32_t>(call, F());
    default:
      return fail(call, "is for float32, int64 and int32 only");
  }
}
// The same, clamped by a fused activation, through the library for floats.
template <class F>
Status on_numbers_clamped(const Call& call) {
  if (Status s = on_numbers<F>(call); !s) return s;
  float lowest = 0, highest = 0;
  read_bounds(call.node, lowest, highest);
  if (call.inputs[0].type == DataType::float32)
    clamp(out<float>(call), product(call.outputs[0].shape), lowest, highest);
  return {};
}
template <Binary kind>
Result<std::unique_ptr<Prepared>> prepare(const Call& call) {
  if (call.inputs.size() != 2 || call.inputs[0].type != DataType::float32) return std::unique_ptr<Prepared>();
  // Constants need not outlive this call, and the library keeps their address.
  if (call.inputs[0].constant || call.inputs[1].constant) return std::unique_ptr<Prepared>();
  float lowest = 0, highest = 0;
  read_bounds(call.node, lowest, highest);
  return xnnpack_binary(kind, call, lowest, highest);
}
template <class F>
Status on_floats(const Call& call) {
  if (call.inputs[0].type != DataType::float32) return fail(call, "is for float32 only");
  return apply_binary<float, float>(call, F());
}

// Common exponents cost an order of magnitude less than std::pow.
Status evaluate_pow(const Call& call) {
  const Value& e = call.inputs[1];
  if (call.inputs[0].type != DataType::float32 || product(e.shape) != 1) return on_numbers<Pow>(call);
  float exponent = *e.floats();
  if (exponent == 2.0f) return apply_binary<float, float>(call, [](float a, float) { return a * a; });
  if (exponent == 3.0f) return apply_binary<float, float>(call, [](float a, float) { return a * a * a; });
  if (exponent == 1.0f) return apply_binary<float, float>(call, [](float a, float) { return a; });
  return on_floats<Pow>(call);
}

Status evaluate_mod(const Call& call) {
  return call.node.get_int("fmod", 0) ? on_numbers<Fmod>(call) : on_numbers<Mod>(call);
}

// The slope broadcasts to the operand, never the other way.
Status infer_prelu(Call& call) {
  if (Status s = infer_broadcast(call); !s) return s;
  if (call.outputs[0].shape.size() != call.inputs[0].shape.size())
    return fail(call, "slope has too many axes");
  return {};
}

// Operators of any number of operands: the first two give the result, each further one is applied to it.
template <class F, class T>
void accumulate(const Call& call) {
  const Shape& target = call.outputs[0].shape;
  T* y = out<T>(call);
  std::size_t n = call.inputs.size();
  if (n == 1) {
    apply_binary(target, y, in<T>(call, 0), call.inputs[0].shape, in<T>(call, 0), call.inputs[0].shape,
                 [](T a, T) { return a; });
    return;
  }
  apply_binary(target, y, in<T>(call, 0), call.inputs[0].shape, in<T>(call, 1), call.inputs[1].shape, F());
  for (std::size_t i = 2; i < n; ++i)
    apply_binary(target, y, static_cast<const T*>(y), target, in<T>(call, i), call.inputs[i].shape, F());
}
template <class F>
Status variadic(const Call& call) {
  switch (call.inputs[0].type) {
    case DataType::float32:
      accumulate<F, float>(call);
      return {};
    case DataType::int64:
      accumulate<F, std::int64_t>(call);
      return {};
    case DataType::int32:
      accumulate<F, std::int32_t>(call);
      return {};
    default:
      return fail(call, "is for float32, int64 and int32 only");
  }
}
Status evaluate_mean(const Call& call) {
  if (call.inputs[0].type != DataType::float32) return fail(call, "is for float32 only");
  accumulate<Add, float>(call);
  float* y = out<float>(call);
  auto n = product(call.outputs[0].shape);
  auto count = static_cast<float>(call.inputs.size());
  for (std::int64_t i = 0; i < n; ++i) y[i] /= count;
  return {};
}

constexpr Kernel rows[] = {
    {"Add", infer_broadcast, on_numbers_clamped<Add>, prepare<Binary::add>, true},
    {"Sub", infer_broadcast, on_numbers_clamped<Sub>, prepare<Binary::subtract>, true},
    {"Mul", infer_broadcast, on_numbers_clamped<Mul>, prepare<Binary::multiply>, true},
    {"Div", infer_broadcast, on_numbers_clamped<Div>, prepare<Binary::divide>, true},
    {"FloorDiv", infer_broadcast, on_numbers<FloorDiv>, nullptr, true},
    {"Pow", infer_broadcast, evaluate_pow, nullptr, true},
    {"Mod", infer_broadcast, evaluate_mod, nullptr, true},
    {"SquaredDifference", infer_broadcast, on_floats<SquaredDifference>, nullptr, true},
    {"PRelu", infer_prelu, on_floats<PRelu>, nullptr, true},
    {"Min", infer_broadcast_all, variadic<Min>},
    {"Max", infer_broadcast_all, variadic<Max>},
    {"Sum", infer_broadcast_all, variadic<Add>},
    {"Mean", infer_broadcast_all, evaluate_mean},
};

}  // namespace

std::span<const Kernel> binary_kernels() { return rows; }

}  // namespace mlq::kernels
