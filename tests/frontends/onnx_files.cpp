#include "tests/frontends/onnx_files.h"

#include <onnx/onnx-data_pb.h>
#include <onnx/onnx_pb.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <set>

#include "tests/support/files.h"

namespace mlq::test {

namespace {

using ::onnx::TensorProto;

// Bits of one element, whether it has a sign, and the bits of exponent and mantissa where it is a float.
struct Layout {
  int bits = 0;
  bool sign = false;
  int exponent = 0, mantissa = 0, bias = 0;
  enum Special { ieee, fn, fnuz, none } special = none;
};

Layout layout_of(int type) {
  switch (type) {
    case 2:
      return {8, false};
    case 3:
      return {8, true};
    case 4:
      return {16, false};
    case 5:
      return {16, true};
    case 6:
      return {32, true};
    case 7:
      return {64, true};
    case 9:
      return {8, false};
    case 10:
      return {16, true, 5, 10, 15, Layout::ieee};
    case 12:
      return {32, false};
    case 13:
      return {64, false};
    case 16:
      return {16, true, 8, 7, 127, Layout::ieee};
    case 17:
      return {8, true, 4, 3, 7, Layout::fn};
    case 18:
      return {8, true, 4, 3, 8, Layout::fnuz};
    case 19:
      return {8, true, 5, 2, 15, Layout::ieee};
    case 20:
      return {8, true, 5, 2, 16, Layout::fnuz};
    case 21:
      return {4, false};
    case 22:
      return {4, true};
    case 23:
      return {4, true, 2, 1, 1, Layout::none};
    case 24:
      return {8, false, 8, 0, 127, Layout::fn};
    case 25:
      return {2, false};
    case 26:
      return {2, true};
    default:
      return {};
  }
}

double to_number(std::uint64_t word, const Layout& l) {
  const int exponent = static_cast<int>(word >> l.mantissa & ((1u << l.exponent) - 1));
  const auto fraction = static_cast<double>(word & ((1u << l.mantissa) - 1));
  const bool negative = l.sign && (word >> (l.bits - 1) & 1) != 0;
  const auto top = static_cast<int>((1u << l.exponent) - 1);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  if (l.special == Layout::fnuz && word == 1u << (l.bits - 1)) return nan;
  if (l.special == Layout::fn && exponent == top && fraction == std::ldexp(1.0, l.mantissa) - 1) return nan;
  if (l.special == Layout::ieee && exponent == top)
    return fraction != 0 ? nan : (negative ? -1 : 1) * std::numeric_limits<double>::infinity();
  const bool subnormal = exponent == 0 && l.mantissa > 0;
  const double significand = (subnormal ? 0.0 : 1.0) + std::ldexp(fraction, -l.mantissa);
  return (negative ? -1 : 1) * std::ldexp(significand, (subnormal ? 1 : exponent) - l.bias);
}

// The elements as raw bits, from whichever field has them.
std::vector<std::uint64_t> words_of(const TensorProto& proto, int bits, std::size_t count) {
  std::vector<std::uint64_t> words(count);
  std::string bytes = proto.raw_data();
  if (!proto.has_raw_data()) {
    if (bits >= 8) {
      for (std::size_t i = 0; i < count; ++i) {
        const int k = static_cast<int>(i);
        words[i] = proto.int64_data_size() > k    ? static_cast<std::uint64_t>(proto.int64_data(k))
                   : proto.uint64_data_size() > k ? proto.uint64_data(k)
                   : proto.int32_data_size() > k
                       ? static_cast<std::uint64_t>(static_cast<std::int64_t>(proto.int32_data(k)))
                       : 0;
      }
      return words;
    }
    for (const std::int32_t value : proto.int32_data()) bytes.push_back(static_cast<char>(value));
  }
  for (std::size_t i = 0; i < count; ++i)
    for (std::size_t k = 0; k < static_cast<std::size_t>(bits); ++k) {
      const std::size_t at = i * static_cast<std::size_t>(bits) + k;
      if (at / 8 >= bytes.size()) return words;
      words[i] |= static_cast<std::uint64_t>(static_cast<unsigned char>(bytes[at / 8]) >> at % 8 & 1) << k;
    }
  return words;
}

template <class T>
std::vector<double> raw_or(const TensorProto& proto, std::size_t count, const auto& field) {
  std::vector<double> values(field.begin(), field.end());
  if (!proto.has_raw_data()) return values;
  values.resize(count);
  for (std::size_t i = 0; i < count; ++i) {
    T value = 0;
    if ((i + 1) * sizeof value <= proto.raw_data().size())
      std::memcpy(&value, proto.raw_data().data() + i * sizeof value, sizeof value);
    values[i] = static_cast<double>(value);
  }
  return values;
}

template <class T>
void append(std::vector<std::byte>& bytes, T value) {
  const std::size_t at = bytes.size();
  bytes.resize(at + sizeof value);
  std::memcpy(bytes.data() + at, &value, sizeof value);
}

bool is_whole(DataType type) {
  return type != DataType::float32 && type != DataType::float64 && type != DataType::float16;
}

std::uint16_t to_half(double value) {
  // By search: slow and beyond doubt.
  const Layout half = layout_of(10);
  if (std::isnan(value)) return 0x7e00;
  const bool negative = std::signbit(value);
  std::uint16_t low = 0, high = 0x7c00;
  while (high - low > 1) {
    const auto middle = static_cast<std::uint16_t>((low + high) / 2);
    (to_number(middle, half) <= std::fabs(value) ? low : high) = middle;
  }
  if (to_number(high, half) == std::fabs(value)) low = high;
  return static_cast<std::uint16_t>(low | (negative ? 0x8000 : 0));
}

void append_as(std::vector<std::byte>& bytes, DataType type, double value, std::int64_t word) {
  switch (type) {
    case DataType::float32:
      return append(bytes, static_cast<float>(value));
    case DataType::float64:
      return append(bytes, value);
    case DataType::float16:
      return append(bytes, to_half(value));
    case DataType::int8:
      return append(bytes, static_cast<std::int8_t>(word));
    case DataType::int16:
      return append(bytes, static_cast<std::int16_t>(word));
    case DataType::int32:
      return append(bytes, static_cast<std::int32_t>(word));
    case DataType::int64:
      return append(bytes, word);
    case DataType::uint8:
      return append(bytes, static_cast<std::uint8_t>(word));
    case DataType::uint16:
      return append(bytes, static_cast<std::uint16_t>(word));
    case DataType::uint32:
      return append(bytes, static_cast<std::uint32_t>(word));
    case DataType::uint64:
      return append(bytes, static_cast<std::uint64_t>(word));
    case DataType::boolean:
      return append(bytes, static_cast<std::uint8_t>(word != 0));
  }
}

template <class T>
T element(const Array& array, std::size_t i) {
  T value;
  std::memcpy(&value, array.bytes.data() + i * sizeof value, sizeof value);
  return value;
}

double number(const Array& array, std::size_t i) {
  if (array.type == DataType::float32) return element<float>(array, i);
  if (array.type == DataType::float64) return element<double>(array, i);
  return to_number(element<std::uint16_t>(array, i), layout_of(10));
}

std::int64_t word(const Array& array, std::size_t i) {
  switch (array.type) {
    case DataType::int8:
      return element<std::int8_t>(array, i);
    case DataType::int16:
      return element<std::int16_t>(array, i);
    case DataType::int32:
      return element<std::int32_t>(array, i);
    case DataType::uint16:
      return element<std::uint16_t>(array, i);
    case DataType::uint32:
      return element<std::uint32_t>(array, i);
    case DataType::uint8:
    case DataType::boolean:
      return element<std::uint8_t>(array, i);
    default:
      return element<std::int64_t>(array, i);
  }
}

void collect(const ::onnx::GraphProto& graph, std::set<std::string>& operators) {
  for (const auto& node : graph.node()) {
    operators.insert(node.domain().empty() ? node.op_type() : node.domain() + "." + node.op_type());
    for (const auto& attribute : node.attribute())
      if (attribute.has_g()) collect(attribute.g(), operators);
  }
}

}  // namespace

OnnxNumbers read_onnx_tensor(const std::filesystem::path& file) {
  TensorProto proto;
  OnnxNumbers numbers;
  // An optional that holds a tensor is taken for the tensor; its first field is a name where a tensor's is a
  // shape.
  ::onnx::OptionalProto optional;
  const std::string bytes = read(file);
  if (optional.ParseFromString(bytes) && optional.has_tensor_value() && optional.elem_type() == 1)
    proto = optional.tensor_value();
  else if (!proto.ParseFromString(bytes))
    return numbers;
  if (proto.data_type() == 0 || proto.data_type() == 8) return numbers;
  numbers.type = proto.data_type();
  numbers.shape.assign(proto.dims().begin(), proto.dims().end());
  const auto count = static_cast<std::size_t>(element_count(numbers.shape).value_or(0));
  if (numbers.type == 1) numbers.values = raw_or<float>(proto, count, proto.float_data());
  if (numbers.type == 11) numbers.values = raw_or<double>(proto, count, proto.double_data());
  if (numbers.type == 1 || numbers.type == 11) return numbers;
  const Layout layout = layout_of(numbers.type);
  for (const std::uint64_t bits : words_of(proto, layout.bits, count)) {
    const std::uint64_t mask = layout.bits == 64 ? ~0ull : (1ull << layout.bits) - 1;
    auto value = static_cast<std::int64_t>(bits & mask);
    if (layout.sign && layout.bits < 64 && (bits >> (layout.bits - 1) & 1) != 0)
      value -= std::int64_t{1} << layout.bits;
    numbers.words.push_back(value);
    numbers.values.push_back(layout.exponent > 0 ? to_number(bits & mask, layout)
                                                 : static_cast<double>(value));
  }
  return numbers;
}

Array to_array(const OnnxNumbers& numbers, DataType type) {
  Array array{type, numbers.shape, {}};
  for (std::size_t i = 0; i < numbers.values.size(); ++i)
    append_as(array.bytes, type, numbers.values[i], numbers.words.empty() ? 0 : numbers.words[i]);
  return array;
}

std::string compare(const Array& result, const OnnxNumbers& expected, double relative, double absolute) {
  if (result.shape != expected.shape)
    return "shape " + to_string(result.shape) + " instead of " + to_string(expected.shape);
  for (std::size_t i = 0; i < expected.values.size(); ++i) {
    if (is_whole(result.type)) {
      if (word(result, i) != expected.words.at(i))
        return "number " + std::to_string(i) + " is " + std::to_string(word(result, i)) + ", not " +
               std::to_string(expected.words.at(i));
      continue;
    }
    const double is = number(result, i), wanted = expected.values[i];
    if (is == wanted || (std::isnan(is) && std::isnan(wanted))) continue;
    if (!(std::fabs(is - wanted) <= absolute + relative * std::fabs(wanted)))
      return "number " + std::to_string(i) + " is " + std::to_string(is) + ", not " + std::to_string(wanted);
  }
  return "";
}

OnnxSummary summarize(const std::filesystem::path& model) {
  ::onnx::ModelProto proto;
  OnnxSummary summary;
  if (!proto.ParseFromString(read(model))) return summary;
  std::set<std::string> operators, initialized;
  collect(proto.graph(), operators);
  summary.operators.assign(operators.begin(), operators.end());
  for (const auto& initializer : proto.graph().initializer()) initialized.insert(initializer.name());
  for (const auto& input : proto.graph().input())
    if (!initialized.contains(input.name())) summary.inputs.push_back(input.name());
  return summary;
}

}  // namespace mlq::test
