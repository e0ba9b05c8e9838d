// Cast between all types, RoundFloat onto the grid of a smaller float format, BitCast. The attribute `to` is
// ONNX's number of the type.
#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>
#include <type_traits>

#include "runtime-stub/kernels/families.h"
#include "runtime-stub/kernels/support.h"

namespace mlq::kernels {
namespace {

using Half = Eigen::half;
struct Boolean {
  std::uint8_t value;
};

std::optional<DataType> from_onnx(std::int64_t number) {
  switch (number) {
    case 1:
      return DataType::float32;
    case 2:
      return DataType::uint8;
    case 3:
      return DataType::int8;
    case 5:
      return DataType::int16;
    case 6:
      return DataType::int32;
    case 7:
      return DataType::int64;
    case 9:
      return DataType::boolean;
    case 10:
      return DataType::float16;
    case 11:
      return DataType::float64;
    case 4:
      return DataType::uint16;
    case 12:
      return DataType::uint32;
    case 13:
      return DataType::uint64;
    default:
      return std::nullopt;
  }
}

template <class T>
double to_double(T x) {
  if constexpr (std::is_same_v<T, Boolean>)
    return x.value != 0;
  else
    return static_cast<double>(x);
}

// A float that does not fit an integer has no defined conversion in C++: it is pinned, NaN is 0.
template <class To, class From>
To convert(From x) {
  if constexpr (std::is_same_v<To, Boolean>) {
    return {static_cast<std::uint8_t>(to_double(x) != 0.0)};
  } else if constexpr (std::is_integral_v<To> && std::is_integral_v<From>) {
    return static_cast<To>(x);
  } else if constexpr (std::is_integral_v<To>) {
    double d = to_double(x);
    if (std::isnan(d)) return 0;
    // The highest 64-bit integers are not doubles: rounding up would pass the check and overflow.
    if (d >= static_cast<double>(std::numeric_limits<To>::max())) return std::numeric_limits<To>::max();
    if (d <= static_cast<double>(std::numeric_limits<To>::min())) return std::numeric_limits<To>::min();
    return static_cast<To>(d);
  } else if constexpr (std::is_same_v<To, Half>) {
    return Half(static_cast<float>(to_double(x)));
  } else {
    return static_cast<To>(to_double(x));
  }
}

template <class To, class From>
void convert_all(const void* x, void* y, std::int64_t n) {
  auto* from = static_cast<const From*>(x);
  auto* to = static_cast<To*>(y);
  for (std::int64_t i = 0; i < n; ++i) to[i] = convert<To>(from[i]);
}

// Calls f with a null pointer of the C++ type.
template <class F>
void with_type(DataType type, F f) {
  switch (type) {
    case DataType::float32:
      return f(static_cast<float*>(nullptr));
    case DataType::float16:
      return f(static_cast<Half*>(nullptr));
    case DataType::float64:
      return f(static_cast<double*>(nullptr));
    case DataType::int8:
      return f(static_cast<std::int8_t*>(nullptr));
    case DataType::int16:
      return f(static_cast<std::int16_t*>(nullptr));
    case DataType::int32:
      return f(static_cast<std::int32_t*>(nullptr));
    case DataType::int64:
      return f(static_cast<std::int64_t*>(nullptr));
    case DataType::uint8:
      return f(static_cast<std::uint8_t*>(nullptr));
    case DataType::uint16:
      return f(static_cast<std::uint16_t*>(nullptr));
    case DataType::uint32:
      return f(static_cast<std::uint32_t*>(nullptr));
    case DataType::uint64:
      return f(static_cast<std::uint64_t*>(nullptr));
    case DataType::boolean:
      return f(static_cast<Boolean*>(nullptr));
  }
}

Status infer_cast(Call& call) {
  auto type = from_onnx(call.node.get_int("to", 0));
  if (!type) return fail(call, "unknown type in attribute 'to'");
  Status s = infer_same(call);
  if (s) call.outputs[0].type = *type;
  return s;
}

Status evaluate_cast(const Call& call) {
  auto n = product(call.outputs[0].shape);
  with_type(call.inputs[0].type, [&]<class From>(From*) {
    with_type(call.outputs[0].type,
              [&]<class To>(To*) { convert_all<To, From>(call.inputs[0].data, call.outputs[0].data, n); });
  });
  return {};
}

// A float format: bits of the mantissa, exponent of the smallest normal number, largest number, and what
// lies beyond it where nothing saturates.
struct Grid {
  int mantissa, lowest;
  double largest;
  bool infinity;
};
std::optional<Grid> grid_of(std::int64_t number) {
  switch (number) {
    case 1:
    case 11:
      return Grid{23, -126, static_cast<double>(std::numeric_limits<float>::max()), true};
    case 10:
      return Grid{10, -14, 65504, true};
    case 16:
      return Grid{7, -126, 0x1.fep127, true};
    case 17:
      return Grid{3, -6, 448, false};
    case 18:
      return Grid{3, -7, 240, false};
    case 19:
      return Grid{2, -14, 57344, true};
    case 20:
      return Grid{2, -15, 57344, false};
    case 23:
      return Grid{1, 0, 6, false};
    default:
      return std::nullopt;
  }
}

// To nearest, halves to even, as all conversions of floats do.
double round_to(const Grid& grid, double x) {
  if (x == 0 || !std::isfinite(x)) return x;
  const double step = std::ldexp(1.0, std::max(std::ilogb(x), grid.lowest) - grid.mantissa);
  return std::nearbyint(x / step) * step;
}

float onto_grid(const Grid& grid, std::int64_t number, bool saturate, float value) {
  if (std::isnan(value)) return number == 23 ? -0.0f : value;  // four bits have no NaN
  double x = round_to(grid, value);
  if ((number == 18 || number == 20) && x == 0) x = 0;  // these have one zero
  // The formats of 16 bits know infinity; smaller ones are asked whether to stay finite.
  const bool wide = number == 10 || number == 16 || number == 1 || number == 11;
  if (number == 23 || (saturate && !wide))
    return static_cast<float>(std::clamp(x, -grid.largest, grid.largest));
  if (std::fabs(x) <= grid.largest) return static_cast<float>(x);
  if (grid.infinity) return std::copysign(std::numeric_limits<float>::infinity(), value);
  return std::numeric_limits<float>::quiet_NaN();
}

// Exponents alone (FLOAT8E8M0): powers of two, up, down or to the nearest.
float onto_power(float value, bool saturate, const std::string& mode) {
  if (std::isnan(value) || value < 0) return std::numeric_limits<float>::quiet_NaN();
  double exponent = std::log2(static_cast<double>(value));
  if (mode == "nearest")  // by the mantissa, whose middle is one and a half
    exponent =
        value == 0 ? -127 : std::ilogb(value) + (std::ldexp(value, -std::ilogb(value)) >= 1.5f ? 1 : 0);
  else
    exponent = mode == "down" ? std::floor(exponent) : std::ceil(exponent);
  if (exponent > 127 && !saturate) return std::numeric_limits<float>::quiet_NaN();
  return static_cast<float>(std::ldexp(1.0, static_cast<int>(std::clamp(exponent, -127.0, 127.0))));
}

Status infer_round_float(Call& call) {
  if (Status s = infer_same(call); !s) return s;
  const std::int64_t to = call.node.get_int("to", 0);
  if (call.inputs[0].type != DataType::float32) return fail(call, "is for float32 only");
  if (to != 24 && !grid_of(to)) return fail(call, "unknown format in attribute 'to'");
  return {};
}
Status evaluate_round_float(const Call& call) {
  const std::int64_t to = call.node.get_int("to", 0), n = product(call.outputs[0].shape);
  const bool saturate = call.node.get_int("saturate", 1) != 0;
  const std::string mode = call.node.get_string("round_mode", "up");
  const Grid grid = grid_of(to).value_or(Grid{});
  for (std::int64_t i = 0; i < n; ++i) {
    const float x = in<float>(call, 0)[i];
    out<float>(call)[i] = to == 24 ? onto_power(x, saturate, mode) : onto_grid(grid, to, saturate, x);
  }
  return {};
}

Status infer_bit_cast(Call& call) {
  auto type = from_onnx(call.node.get_int("to", 0));
  if (!type) return fail(call, "unknown type in attribute 'to'");
  Status s = infer_same(call);
  if (!s) return s;
  if (size_of(*type) != size_of(call.inputs[0].type)) return fail(call, "types of different sizes");
  call.outputs[0].type = *type;
  return {};
}
Status evaluate_bit_cast(const Call& call) {
  const auto bytes = product(call.outputs[0].shape) * size_of(call.outputs[0].type);
  if (bytes > 0 && call.outputs[0].data != call.inputs[0].data)
    std::memcpy(call.outputs[0].data, call.inputs[0].data, bytes);
  return {};
}

constexpr Kernel rows[] = {
    {"Cast", infer_cast, evaluate_cast, nullptr, true},
    {"RoundFloat", infer_round_float, evaluate_round_float, nullptr, true},
    {"BitCast", infer_bit_cast, evaluate_bit_cast, nullptr, true},
};

}  // namespace

std::span<const Kernel> cast_kernels() { return rows; }

}  // namespace mlq::kernels
