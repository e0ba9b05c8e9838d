#include "compiler/frontends/onnx/tensor.h"

#include <fmt/format.h>
#include <onnx/onnx_pb.h>

#include <cstring>

#include "compiler/frontends/onnx/external.h"
#include "compiler/support/error.h"

namespace mlqc::onnx_format {

namespace {

using mlq::DataType;
using ::onnx::TensorProto;

[[noreturn]] void refuse(const Source& source, const char* code, const std::string& what) {
  throw Error(Exit::model, {{source.path.string()},
                            what,
                            code,
                            "export the model again, or check the file with onnx.checker",
                            {}});
}

// The numbers of a repeated field, narrowed to the element type as the format stores small types in wide
// fields (int32_data holds halves, bytes and booleans too).
template <class T, class Field>
mlq::Data narrow(const Field& field) {
  auto values = std::make_shared<std::vector<T>>();
  values->reserve(static_cast<std::size_t>(field.size()));
  for (const auto value : field) values->push_back(static_cast<T>(value));
  return {std::as_bytes(std::span(*values)), values};
}

mlq::Data from_fields(const TensorProto& proto, DataType type) {
  switch (type) {
    case DataType::float32:
      return narrow<float>(proto.float_data());
    case DataType::float64:
      return narrow<double>(proto.double_data());
    case DataType::int64:
      return narrow<std::int64_t>(proto.int64_data());
    case DataType::uint64:
      return narrow<std::uint64_t>(proto.uint64_data());
    case DataType::uint32:
      return narrow<std::uint32_t>(proto.uint64_data());
    case DataType::int32:
      return narrow<std::int32_t>(proto.int32_data());
    case DataType::float16:
    case DataType::uint16:
      return narrow<std::uint16_t>(proto.int32_data());
    case DataType::int16:
      return narrow<std::int16_t>(proto.int32_data());
    case DataType::int8:
      return narrow<std::int8_t>(proto.int32_data());
    case DataType::uint8:
    case DataType::boolean:
      return narrow<std::uint8_t>(proto.int32_data());
  }
  return {};
}

mlq::Data from_external(const TensorProto& proto, const Source& source) {
  std::string location;
  std::int64_t offset = 0, length = -1;
  for (const auto& entry : proto.external_data()) {
    if (entry.key() == "location") location = entry.value();
    if (entry.key() == "offset") offset = std::strtoll(entry.value().c_str(), nullptr, 10);
    if (entry.key() == "length") length = std::strtoll(entry.value().c_str(), nullptr, 10);
  }
  return read_external(source, proto.name(), location, offset, length);
}

}  // namespace

DataType to_data_type(int type, const std::string& what, const Source& source) {
  switch (type) {
    case TensorProto::FLOAT:
      return DataType::float32;
    case TensorProto::FLOAT16:
      return DataType::float16;
    case TensorProto::DOUBLE:
      return DataType::float64;
    case TensorProto::INT8:
      return DataType::int8;
    case TensorProto::INT16:
      return DataType::int16;
    case TensorProto::INT32:
      return DataType::int32;
    case TensorProto::INT64:
      return DataType::int64;
    case TensorProto::UINT8:
      return DataType::uint8;
    case TensorProto::UINT16:
      return DataType::uint16;
    case TensorProto::UINT32:
      return DataType::uint32;
    case TensorProto::UINT64:
      return DataType::uint64;
    case TensorProto::BOOL:
      return DataType::boolean;
    default:
      break;
  }
  const std::string name =
      ::onnx::TensorProto_DataType_IsValid(type)
          ? ::onnx::TensorProto_DataType_Name(static_cast<::onnx::TensorProto_DataType>(type))
          : fmt::format("number {}", type);
  refuse(source, "MLQ331", fmt::format("{} has the element type {}, which mlq does not support", what, name));
}

mlq::Tensor to_tensor(const TensorProto& proto, const Source& source) {
  mlq::Tensor tensor;
  tensor.name = proto.name();
  tensor.type = to_data_type(proto.data_type(), fmt::format("tensor '{}'", proto.name()), source);
  tensor.shape.assign(proto.dims().begin(), proto.dims().end());
  const auto needed = mlq::data_size(tensor);
  if (!needed)
    refuse(
        source, "MLQ332",
        fmt::format("tensor '{}' has the impossible shape {}", proto.name(), mlq::to_string(tensor.shape)));
  if (proto.data_location() == TensorProto::EXTERNAL) {
    tensor.data = from_external(proto, source);
  } else if (proto.has_raw_data()) {
    tensor.data = mlq::copy_data<char>(proto.raw_data());
  } else {
    tensor.data = from_fields(proto, tensor.type);
  }
  if (tensor.data->bytes.size() != *needed)
    refuse(source, "MLQ332",
           fmt::format("tensor '{}' of shape {} needs {} bytes and has {}", proto.name(),
                       mlq::to_string(tensor.shape), *needed, tensor.data->bytes.size()));
  return tensor;
}

}  // namespace mlqc::onnx_format
