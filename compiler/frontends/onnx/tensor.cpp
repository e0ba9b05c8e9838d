#include "compiler/frontends/onnx/tensor.h"

#include <fmt/format.h>
#include <onnx/onnx_pb.h>

#include <cstring>

#include "compiler/frontends/onnx/external.h"
#include "compiler/frontends/onnx/types.h"
#include "compiler/support/error.h"

namespace mlqc::onnx_format {

namespace {

using mlq::Data;
using mlq::DataType;
using ::onnx::TensorProto;

[[noreturn]] void refuse(const Origin& origin, const TensorProto& proto, const std::string& what,
                         const char* code = "MLQ332") {
  throw Error(Exit::model, {{origin.source.path.string()},
                            fmt::format("tensor '{}' {}", proto.name(), what),
                            code,
                            "export the model again, or check the file with onnx.checker",
                            {}});
}

std::int64_t elements(const TensorProto& proto, const Origin& origin) {
  const mlq::Shape shape(proto.dims().begin(), proto.dims().end());
  const auto count = mlq::element_count(shape);
  if (!count) refuse(origin, proto, "has the impossible shape " + mlq::to_string(shape));
  return *count;
}

// Bytes in a file; small types are packed.
std::uint64_t bytes_needed(const TensorProto& proto, std::int64_t count) {
  const auto n = static_cast<std::uint64_t>(count),
             bits = static_cast<std::uint64_t>(bits_of(proto.data_type()));
  return n > UINT64_MAX / 64 ? UINT64_MAX : (n * bits + 7) / 8;
}

template <class T, class Field>
Data narrow(const Field& field) {
  auto values = std::make_shared<std::vector<T>>();
  values->reserve(static_cast<std::size_t>(field.size()));
  for (const auto value : field) values->push_back(static_cast<T>(value));
  return {std::as_bytes(std::span(*values)), values};
}

// The numbers of a repeated field as the bytes that raw data would have: the format stores small types in
// wide fields, and four-bit numbers there as packed bytes.
Data from_fields(const TensorProto& proto) {
  const int type = proto.data_type();
  if (type == t_float) return narrow<float>(proto.float_data());
  if (type == t_double) return narrow<double>(proto.double_data());
  if (type == t_int64) return narrow<std::int64_t>(proto.int64_data());
  if (type == t_uint64) return narrow<std::uint64_t>(proto.uint64_data());
  if (type == t_uint32) return narrow<std::uint32_t>(proto.uint64_data());
  if (type == t_int32) return narrow<std::int32_t>(proto.int32_data());
  if (bits_of(type) == 16) return narrow<std::uint16_t>(proto.int32_data());
  return narrow<std::uint8_t>(proto.int32_data());
}

Data from_external(const TensorProto& proto, const Origin& origin, std::uint64_t needed) {
  std::string location;
  std::int64_t offset = 0, length = static_cast<std::int64_t>(std::min<std::uint64_t>(needed, INT64_MAX));
  for (const auto& entry : proto.external_data()) {
    if (entry.key() == "location") location = entry.value();
    if (entry.key() == "offset") offset = std::strtoll(entry.value().c_str(), nullptr, 10);
    if (entry.key() == "length") length = std::strtoll(entry.value().c_str(), nullptr, 10);
  }
  return read_external(origin.source, proto.name(), location, offset, length);
}

// The bytes as raw data has them, exactly as many as the shape needs.
Data raw(const TensorProto& proto, const Origin& origin) {
  if (!is_supported(proto.data_type()))
    refuse(origin, proto,
           fmt::format("has the element type {}, which mlq does not run", name_of(proto.data_type())),
           "MLQ331");
  const std::int64_t count = elements(proto, origin);
  const std::uint64_t needed = bytes_needed(proto, count);
  Data data;
  if (proto.data_location() == TensorProto::EXTERNAL)
    data = from_external(proto, origin, needed);
  else if (proto.has_raw_data())
    data = {std::as_bytes(std::span(proto.raw_data())), origin.owner};
  else
    data = from_fields(proto);
  if (data.bytes.size() != needed)
    refuse(
        origin, proto,
        fmt::format("of shape {} needs {} bytes and has {}",
                    mlq::to_string({proto.dims().begin(), proto.dims().end()}), needed, data.bytes.size()));
  return data;
}

// Element i of a packed type, lowest bits first.
std::uint32_t packed(const std::byte* bytes, std::size_t i, std::size_t bits) {
  return std::to_integer<std::uint32_t>(bytes[i * bits / 8]) >> (i * bits % 8) & ((1u << bits) - 1);
}

std::int64_t extend(std::uint32_t value, int bits) {
  const auto wide = static_cast<std::int64_t>(value);
  return value >> (bits - 1) & 1 ? wide - (std::int64_t{1} << bits) : wide;
}

template <class From, class To>
Data widen(const Data& data, std::size_t count) {
  auto values = std::make_shared<std::vector<To>>(count);
  for (std::size_t i = 0; i < count; ++i) {
    From value;
    std::memcpy(&value, data.bytes.data() + i * sizeof value, sizeof value);
    (*values)[i] = static_cast<To>(value);
  }
  return {std::as_bytes(std::span(*values)), values};
}

Data decode_floats(const Data& data, int type, std::size_t count) {
  auto values = std::make_shared<std::vector<float>>(count);
  const auto bits = static_cast<std::size_t>(bits_of(type));
  for (std::size_t i = 0; i < count; ++i) {
    std::uint32_t word = 0;
    if (bits == 16)
      std::memcpy(&word, data.bytes.data() + i * 2, 2);
    else
      word = packed(data.bytes.data(), i, bits);
    (*values)[i] = decode_float(type, word);
  }
  return {std::as_bytes(std::span(*values)), values};
}

Data decode_small(const Data& data, int type, std::size_t count) {
  auto values = std::make_shared<std::vector<std::int64_t>>(count);
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint32_t word = packed(data.bytes.data(), i, static_cast<std::size_t>(bits_of(type)));
    (*values)[i] = is_signed(type) ? extend(word, bits_of(type)) : static_cast<std::int64_t>(word);
  }
  return {std::as_bytes(std::span(*values)), values};
}

Data decode(const Data& data, int type, std::size_t count) {
  switch (type) {
    case t_float:
    case t_half:
    case t_int64:
    case t_uint64:
    case t_bool:
      return data;
    case t_double:
      return widen<double, float>(data, count);
    case t_int32:
      return widen<std::int32_t, std::int64_t>(data, count);
    case t_uint32:
      return widen<std::uint32_t, std::int64_t>(data, count);
    case t_int16:
      return widen<std::int16_t, std::int64_t>(data, count);
    case t_uint16:
      return widen<std::uint16_t, std::int64_t>(data, count);
    default:
      return is_float(type) ? decode_floats(data, type, count) : decode_small(data, type, count);
  }
}

}  // namespace

mlq::Tensor to_tensor(const TensorProto& proto, const Origin& origin) {
  const Data data = raw(proto, origin);
  const auto count = static_cast<std::size_t>(elements(proto, origin));
  mlq::Tensor tensor;
  tensor.name = proto.name();
  tensor.type = proto.data_type() == t_half ? DataType::float16 : inside(proto.data_type());
  tensor.shape.assign(proto.dims().begin(), proto.dims().end());
  tensor.data = decode(data, proto.data_type(), count);
  return tensor;
}

Data to_codes(const TensorProto& proto, const Origin& origin) {
  const Data data = raw(proto, origin);
  const auto count = static_cast<std::size_t>(elements(proto, origin));
  const auto bits = static_cast<std::size_t>(bits_of(proto.data_type()));
  const std::uint32_t flip = is_signed(proto.data_type()) ? 1u << (bits - 1) : 0;
  auto codes = std::make_shared<std::vector<std::uint8_t>>(count);
  for (std::size_t i = 0; i < count; ++i)
    (*codes)[i] = static_cast<std::uint8_t>(packed(data.bytes.data(), i, bits) ^ flip);
  return {std::as_bytes(std::span(*codes)), codes};
}

}  // namespace mlqc::onnx_format
