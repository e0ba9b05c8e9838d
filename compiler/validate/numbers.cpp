#include "compiler/validate/numbers.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>

#include "compiler/validate/metric.h"

namespace mlqc {

namespace {

using mlq::DataType;

// Whether a double is a T of the same value. 2^53 and beyond, where doubles skip whole numbers, are not.
template <class T>
bool holds(double value) {
  const double most = std::min(static_cast<double>(std::numeric_limits<T>::max()), 9007199254740991.0);
  const double least = std::is_signed_v<T> ? -most - 1 : 0;
  return value >= least && value <= most && value == std::trunc(value);
}

template <class T>
bool append(std::span<const double> values, std::vector<std::byte>& out) {
  if constexpr (std::is_integral_v<T>)
    if (!std::ranges::all_of(values, holds<T>)) return false;
  out.resize(values.size() * sizeof(T));
  for (std::size_t i = 0; i < values.size(); ++i) {
    const T value = static_cast<T>(values[i]);
    std::memcpy(&out[i * sizeof(T)], &value, sizeof value);
  }
  return true;
}

bool append(std::span<const double> values, DataType type, std::vector<std::byte>& out) {
  switch (type) {
    case DataType::float32:
      return append<float>(values, out);
    case DataType::float64:
      return append<double>(values, out);
    case DataType::int8:
      return append<std::int8_t>(values, out);
    case DataType::int16:
      return append<std::int16_t>(values, out);
    case DataType::int32:
      return append<std::int32_t>(values, out);
    case DataType::int64:
      return append<std::int64_t>(values, out);
    case DataType::uint8:
      return append<std::uint8_t>(values, out);
    case DataType::uint16:
      return append<std::uint16_t>(values, out);
    case DataType::uint32:
      return append<std::uint32_t>(values, out);
    case DataType::uint64:
      return append<std::uint64_t>(values, out);
    case DataType::boolean:
      return std::ranges::all_of(values, [](double v) { return v <= 1; }) &&
             append<std::uint8_t>(values, out);
    case DataType::float16:
      return false;
  }
  return false;
}

}  // namespace

bool is_float(DataType type) {
  return type == DataType::float16 || type == DataType::float32 || type == DataType::float64;
}

mlq::Result<mlq::Array> convert(mlq::Array array, DataType type) {
  if (array.type == type) return array;
  mlq::Array converted{type, array.shape, {}};
  if (append(user_values(mlq::Feature{}, array), type, converted.bytes)) return converted;
  return mlq::Failure{
      fmt::format("holds {} numbers that are no {} numbers", name_of(array.type), name_of(type))};
}

mlq::Result<mlq::Array> to_array(std::span<const double> values, DataType type, const mlq::Shape& shape) {
  mlq::Array array{DataType::float64, shape, {}};
  append<double>(values, array.bytes);
  return convert(std::move(array), type);
}

}  // namespace mlqc
