// Cast between all types. The attribute `to` is ONNX's number of the type.
#include <Eigen/Core>
#include <cmath>
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

constexpr Kernel rows[] = {{"Cast", infer_cast, evaluate_cast, nullptr, true}};

}  // namespace

std::span<const Kernel> cast_kernels() { return rows; }

}  // namespace mlq::kernels
