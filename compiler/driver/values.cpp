#include "compiler/driver/values.h"

#include <cstring>

namespace mlqc {

namespace {

template <class T>
std::vector<double> convert(const std::vector<std::byte>& bytes) {
  std::vector<double> values(bytes.size() / sizeof(T));
  for (std::size_t i = 0; i < values.size(); ++i) {
    T value;
    std::memcpy(&value, &bytes[i * sizeof(T)], sizeof(T));
    values[i] = static_cast<double>(value);
  }
  return values;
}

}  // namespace

const char* word_of(mlq::FeatureKind kind) {
  switch (kind) {
    case mlq::FeatureKind::tensor:
      return "tensor";
    case mlq::FeatureKind::image:
      return "image";
    case mlq::FeatureKind::scores:
      return "scores";
    case mlq::FeatureKind::label:
      return "label";
  }
  return "";
}

const char* word_of(mlq::Color color) {
  switch (color) {
    case mlq::Color::gray:
      return "gray";
    case mlq::Color::rgb:
      return "rgb";
    case mlq::Color::bgr:
      return "bgr";
  }
  return "";
}

std::vector<double> values_of(const mlq::Array& array) {
  using mlq::DataType;
  switch (array.type) {
    case DataType::float32:
      return convert<float>(array.bytes);
    case DataType::float64:
      return convert<double>(array.bytes);
    case DataType::int8:
      return convert<std::int8_t>(array.bytes);
    case DataType::int16:
      return convert<std::int16_t>(array.bytes);
    case DataType::int32:
      return convert<std::int32_t>(array.bytes);
    case DataType::int64:
      return convert<std::int64_t>(array.bytes);
    case DataType::uint8:
    case DataType::boolean:
      return convert<std::uint8_t>(array.bytes);
    case DataType::uint16:
      return convert<std::uint16_t>(array.bytes);
    case DataType::uint32:
      return convert<std::uint32_t>(array.bytes);
    case DataType::uint64:
      return convert<std::uint64_t>(array.bytes);
    case DataType::float16:
      break;  // no model hands out halves: outputs are widened
  }
  return {};
}

}  // namespace mlqc
