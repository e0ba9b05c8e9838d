#include "runtime-stub/src/convert.h"

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>

namespace mlq {

namespace {

// The C++ type of a DataType, as a value to call with.
template <class Call>
void with_type(DataType type, const Call& call) {
  switch (type) {
    case DataType::float32:
      return call(float());
    case DataType::float16:
      return call(Eigen::half());
    case DataType::float64:
      return call(double());
    case DataType::int8:
      return call(std::int8_t());
    case DataType::int16:
      return call(std::int16_t());
    case DataType::int32:
      return call(std::int32_t());
    case DataType::int64:
      return call(std::int64_t());
    case DataType::uint8:
      return call(std::uint8_t());
    case DataType::uint16:
      return call(std::uint16_t());
    case DataType::uint32:
      return call(std::uint32_t());
    case DataType::uint64:
      return call(std::uint64_t());
    case DataType::boolean:
      return call(bool());
  }
}

template <class T>
T from_double(double value) {
  if constexpr (std::is_same_v<T, bool>) {
    return value != 0;
  } else if constexpr (std::is_integral_v<T>) {
    if (std::isnan(value)) return 0;
    if (value <= static_cast<double>(std::numeric_limits<T>::min())) return std::numeric_limits<T>::min();
    if (value >= static_cast<double>(std::numeric_limits<T>::max())) return std::numeric_limits<T>::max();
    return static_cast<T>(value);
  } else {
    return static_cast<T>(value);
  }
}

// Callers' numbers need not be aligned, and a boolean's byte need not be 0 or 1.
template <class T>
double load(const std::byte* bytes) {
  if constexpr (std::is_same_v<T, bool>) {
    return *bytes != std::byte{0};
  } else {
    T value;
    std::memcpy(&value, bytes, sizeof value);
    return static_cast<double>(value);
  }
}

template <class T>
void store(std::byte* bytes, double number) {
  const T value = from_double<T>(number);
  std::memcpy(bytes, &value, sizeof value);
}

}  // namespace

void convert(DataType from, const void* source, DataType to, void* target, std::size_t count) {
  const auto* in = static_cast<const std::byte*>(source);
  auto* out = static_cast<std::byte*>(target);
  if (from == to) {
    if (count > 0) std::memcpy(out, in, count * size_of(to));
    return;
  }
  // By blocks of doubles: twice twelve loops instead of twelve times twelve.
  double block[256];
  for (std::size_t begin = 0; begin < count; begin += std::size(block)) {
    const std::size_t n = std::min(std::size(block), count - begin);
    with_type(from, [&](auto type) {
      for (std::size_t i = 0; i < n; ++i) block[i] = load<decltype(type)>(in + (begin + i) * sizeof type);
    });
    with_type(to, [&](auto type) {
      for (std::size_t i = 0; i < n; ++i) store<decltype(type)>(out + (begin + i) * sizeof type, block[i]);
    });
  }
}

}  // namespace mlq
