// Constants of the file as tensors: floats stay where they lie, integers become int64.
#include <cstring>

#include "compiler/frontends/tensorflow/graph.pb.h"
#include "compiler/frontends/tensorflow/operators.h"

namespace mlqc::tensorflow {

using mlq::DataType;

namespace {

constexpr int string_type = 7, brain_float = 14;

// DataType of the format: its number, and what the elements are in a file.
constexpr std::pair<int, DataType> types[] = {
    {1, DataType::float32}, {2, DataType::float64},  {3, DataType::int32},   {4, DataType::uint8},
    {5, DataType::int16},   {6, DataType::int8},     {9, DataType::int64},   {10, DataType::boolean},
    {17, DataType::uint16}, {19, DataType::float16}, {22, DataType::uint32}, {23, DataType::uint64}};

template <class To, class From>
TensorId converted(Net& net, const std::string& name, DataType type, const Shape& shape,
                   std::span<const std::byte> bytes) {
  std::vector<To> values(bytes.size() / sizeof(From));
  for (std::size_t i = 0; i < values.size(); ++i) {
    From value;
    std::memcpy(&value, bytes.data() + i * sizeof value, sizeof value);
    values[i] = static_cast<To>(value);
  }
  return mlq::add_tensor(net.b.graph, {name, type, shape, mlq::copy_data(std::span<const To>(values)), {}});
}

// The upper half of a float.
TensorId from_brain_floats(Net& net, const std::string& name, const Shape& shape,
                           std::span<const std::byte> bytes) {
  std::vector<float> values(bytes.size() / 2);
  for (std::size_t i = 0; i < values.size(); ++i)
    std::memcpy(reinterpret_cast<std::byte*>(&values[i]) + 2, bytes.data() + 2 * i, 2);
  return mlq::add_constant(net.b.graph, name, shape, values);
}

// What the list holds, its last number as often as it takes.
template <class To, class List>
mlq::Data filled(Net& net, const List& list, std::size_t count) {
  net.b.require(static_cast<std::size_t>(list.size()) <= count,
                "has a constant with more numbers than places");
  if (static_cast<std::size_t>(list.size()) < count) net.limits.spread += count;
  net.b.require(net.limits.spread <= most_spread, "has constants made of one number that are too large");
  std::vector<To> values(count, list.empty() ? To{} : static_cast<To>(list[list.size() - 1]));
  for (int i = 0; i < list.size(); ++i) values[static_cast<std::size_t>(i)] = static_cast<To>(list[i]);
  return mlq::copy_data(std::span<const To>(values));
}

mlq::Data listed(Net& net, const TensorProto& tensor, std::size_t count) {
  switch (tensor.dtype()) {
    case 1:
      return filled<float>(net, tensor.float_val(), count);
    case 2:
      return filled<double>(net, tensor.double_val(), count);
    case 3:
      return filled<std::int32_t>(net, tensor.int_val(), count);
    case 4:
    case 6:
      return filled<std::uint8_t>(net, tensor.int_val(), count);
    case 5:
    case 17:
      return filled<std::uint16_t>(net, tensor.int_val(), count);
    case 9:
      return filled<std::int64_t>(net, tensor.int64_val(), count);
    case 10: {
      mlq::Data data = filled<std::uint8_t>(net, tensor.bool_val(), count);
      return data;
    }
    case brain_float:
    case 19:
      return filled<std::uint16_t>(net, tensor.half_val(), count);
    case 22:
      return filled<std::uint32_t>(net, tensor.uint32_val(), count);
    default:
      return filled<std::uint64_t>(net, tensor.uint64_val(), count);
  }
}

std::size_t file_size_of(const Net& net, int type) {
  return type == brain_float ? 2 : mlq::size_of(data_type(net, type));
}

Shape shape_of(const Net& net, const TensorShapeProto& proto) {
  Shape shape;
  net.b.require(!proto.unknown_rank() && proto.dim_size() <= 16, "has a constant without a shape");
  for (const auto& dim : proto.dim()) shape.push_back(dim.size());
  return shape;
}

}  // namespace

bool is_string(int type) { return type == string_type; }

DataType data_type(const Net& net, int type) {
  if (type == brain_float) return DataType::float32;
  for (const auto& [number, known] : types)
    if (number == type) return known;
  net.b.fail("has a tensor of strings, complex numbers or another type that mlq does not know");
}

TensorId constant(Net& net, const std::string& name, int type, const Shape& shape, mlq::Data data) {
  const auto count = mlq::element_count(shape);
  const std::size_t size = file_size_of(net, type);
  net.b.require(
      count && static_cast<std::size_t>(*count) == data.bytes.size() / size && data.bytes.size() % size == 0,
      "has a constant whose shape does not fit its data");
  const auto convert = [&]<class From>(From) {
    return converted<std::int64_t, From>(net, name, DataType::int64, shape, data.bytes);
  };
  const DataType known = data_type(net, type);
  if (type == brain_float) return from_brain_floats(net, name, shape, data.bytes);
  switch (known) {
    case DataType::float64:
      return converted<float, double>(net, name, DataType::float32, shape, data.bytes);
    case DataType::int8:
      return convert(std::int8_t{});
    case DataType::uint8:
      return convert(std::uint8_t{});
    case DataType::int16:
      return convert(std::int16_t{});
    case DataType::uint16:
      return convert(std::uint16_t{});
    case DataType::int32:
      return convert(std::int32_t{});
    case DataType::uint32:
      return convert(std::uint32_t{});
    default:
      break;
  }
  if (reinterpret_cast<std::uintptr_t>(data.bytes.data()) % size != 0) data = mlq::copy_data(data.bytes);
  const DataType type_inside = known == DataType::uint64 ? DataType::int64 : known;
  return mlq::add_tensor(net.b.graph, {name, type_inside, shape, std::move(data), {}});
}

TensorId constant(Net& net, const std::string& name, const TensorProto& tensor) {
  data_type(net, tensor.dtype());
  const Shape shape = shape_of(net, tensor.tensor_shape());
  const auto count = mlq::element_count(shape);
  net.b.require(count.has_value(), "has a constant of an impossible shape");
  if (tensor.tensor_content().empty() && *count > 0)
    return constant(net, name, tensor.dtype(), shape, listed(net, tensor, static_cast<std::size_t>(*count)));
  const std::string& bytes = tensor.tensor_content();
  return constant(net, name, tensor.dtype(), shape,
                  {std::as_bytes(std::span(bytes.data(), bytes.size())), net.owner, false});
}

}  // namespace mlqc::tensorflow
