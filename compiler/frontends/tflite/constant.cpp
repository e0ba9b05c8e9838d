// The file's constants as tensors: quantized weights keep their bytes.
#include <cstring>

#include "compiler/frontends/tflite/operators.h"
#include "model_generated.h"

namespace mlqc::tflite {

using mlq::DataType;

namespace {

// TensorType of the format.
constexpr DataType types[] = {DataType::float32, DataType::float16, DataType::int32,   DataType::uint8,
                              DataType::int64,   DataType::float32, DataType::boolean, DataType::int16,
                              DataType::float32, DataType::int8,    DataType::float64};
constexpr int string_type = 5, complex_type = 8;

bool is_quantized(const wire::Tensor& tensor) {
  return tensor.quantization() && tensor.quantization()->scale() &&
         tensor.quantization()->scale()->size() > 0;
}

// Scales and zero points of a tensor, one per group.
struct Grid {
  int axis = -1;
  std::vector<float> scale;
  std::vector<std::int64_t> zero;
};

Grid grid_of(const Net& net, const wire::Tensor& tensor, const Shape& shape) {
  const wire::Quantization& q = *tensor.quantization();
  Grid grid;
  grid.scale.assign(q.scale()->begin(), q.scale()->end());
  if (q.zero_point()) grid.zero.assign(q.zero_point()->begin(), q.zero_point()->end());
  grid.zero.resize(grid.scale.size(), grid.zero.empty() ? 0 : grid.zero[0]);
  if (grid.scale.size() > 1) {
    net.b.require(
        q.axis() >= 0 && static_cast<std::size_t>(q.axis()) < shape.size() &&
            shape[static_cast<std::size_t>(q.axis())] == static_cast<std::int64_t>(grid.scale.size()),
        "has a constant with another number of scales than its axis has places");
    grid.axis = q.axis();
  }
  return grid;
}

// Which group an element is in.
std::size_t group_of(const Grid& grid, const Shape& shape, std::size_t element) {
  if (grid.axis < 0) return 0;
  std::size_t inner = 1;
  for (std::size_t i = static_cast<std::size_t>(grid.axis) + 1; i < shape.size(); ++i)
    inner *= static_cast<std::size_t>(shape[i]);
  return element / inner % grid.scale.size();
}

// Eight bits stay as they are: q - zero is (q + 128) - (zero + 128) where the type is signed.
TensorId packed(Net& net, mlq::Tensor result, const Grid& grid, bool is_signed) {
  mlq::Quantization q{8, mlq::blocks_along(grid.axis), grid.scale, {}, {}};
  for (std::size_t i = 0; i < grid.scale.size(); ++i)
    q.offset.push_back(-grid.scale[i] * static_cast<float>(grid.zero[i] + (is_signed ? 128 : 0)));
  if (is_signed) {
    std::vector<std::byte> bytes(result.data->bytes.begin(), result.data->bytes.end());
    for (std::byte& byte : bytes) byte ^= std::byte{0x80};
    result.data = mlq::copy_data(std::span<const std::byte>(bytes));
  }
  result.type = DataType::float32;
  result.quantization = std::move(q);
  return mlq::add_tensor(net.b.graph, std::move(result));
}

template <class T, class To, class Convert>
TensorId converted(Net& net, const mlq::Tensor& from, DataType type, const Convert& convert) {
  std::vector<To> values(from.data->bytes.size() / sizeof(T));
  for (std::size_t i = 0; i < values.size(); ++i) {
    T value;
    std::memcpy(&value, from.data->bytes.data() + i * sizeof value, sizeof value);
    values[i] = convert(value, i);
  }
  return mlq::add_tensor(net.b.graph,
                         {from.name, type, from.shape, mlq::copy_data(std::span<const To>(values)), {}});
}

template <class T>
TensorId dequantized(Net& net, const mlq::Tensor& from, const Grid& grid) {
  return converted<T, float>(net, from, DataType::float32, [&](T value, std::size_t i) {
    const std::size_t g = group_of(grid, from.shape, i);
    return static_cast<float>(static_cast<double>(grid.scale[g]) *
                              static_cast<double>(static_cast<std::int64_t>(value) - grid.zero[g]));
  });
}

std::span<const std::byte> bytes_of(const Net& net, const wire::Tensor& tensor) {
  const auto* buffers = net.model.buffers();
  net.b.require(buffers && tensor.buffer() < buffers->size(), "has a tensor whose data are not in the file");
  const wire::Buffer* buffer = buffers->Get(tensor.buffer());
  if (tensor.buffer() == 0 || !buffer || !buffer->data()) return {};
  return std::as_bytes(std::span(buffer->data()->data(), buffer->data()->size()));
}

}  // namespace

DataType data_type(const Net& net, const wire::Tensor& tensor) {
  const int type = tensor.type();
  net.b.require(
      type >= 0 && type < static_cast<int>(std::size(types)) && type != string_type && type != complex_type,
      "has a tensor of strings, complex numbers or another type that mlq does not know");
  return types[type];
}

std::optional<std::pair<float, float>> range_of(const wire::Tensor& tensor) {
  if (!is_quantized(tensor)) return std::nullopt;
  const DataType type = types[tensor.type() >= 0 && tensor.type() < 11 ? tensor.type() : 0];
  if (type != DataType::int8 && type != DataType::uint8) return std::nullopt;
  const auto* zeros = tensor.quantization()->zero_point();
  const float scale = tensor.quantization()->scale()->Get(0);
  const std::int64_t zero = zeros && zeros->size() > 0 ? zeros->Get(0) : 0,
                     low = type == DataType::int8 ? -128 : 0;
  return std::pair{scale * static_cast<float>(low - zero), scale * static_cast<float>(low + 255 - zero)};
}

TensorId constant(Net& net, const wire::Tensor& tensor) {
  const auto bytes = bytes_of(net, tensor);
  if (bytes.empty()) return mlq::no_tensor;
  if (tensor.sparsity() && tensor.sparsity()->traversal_order())
    net.b.fail("has sparse weights, which mlq does not support");
  mlq::Tensor result;
  if (tensor.name()) result.name = tensor.name()->str();
  result.type = data_type(net, tensor);
  if (tensor.shape()) result.shape.assign(tensor.shape()->begin(), tensor.shape()->end());
  const auto count = mlq::element_count(result.shape);
  net.b.require(count && static_cast<std::size_t>(*count) == bytes.size() / mlq::size_of(result.type) &&
                    bytes.size() % mlq::size_of(result.type) == 0,
                "has a constant whose shape does not fit its data");
  result.data = mlq::Data{bytes, net.b.source.bytes.owner, net.b.source.bytes.in_file};
  if (reinterpret_cast<std::uintptr_t>(bytes.data()) % mlq::size_of(result.type) != 0)
    result.data = mlq::copy_data(bytes);
  const bool quantized = is_quantized(tensor);
  const Grid grid = quantized ? grid_of(net, tensor, result.shape) : Grid{};
  switch (result.type) {
    case DataType::int8:
    case DataType::uint8:
      if (quantized) return packed(net, result, grid, result.type == DataType::int8);
      break;
    case DataType::int16:
      if (quantized) return dequantized<std::int16_t>(net, result, grid);
      break;
    case DataType::int32:
      if (quantized) return dequantized<std::int32_t>(net, result, grid);
      return converted<std::int32_t, std::int64_t>(net, result, DataType::int64,
                                                   [](std::int32_t value, std::size_t) { return value; });
    case DataType::int64:
      if (quantized) return dequantized<std::int64_t>(net, result, grid);
      break;
    case DataType::float64:
      return converted<double, float>(net, result, DataType::float32,
                                      [](double value, std::size_t) { return static_cast<float>(value); });
    default:
      break;
  }
  return mlq::add_tensor(net.b.graph, std::move(result));
}

}  // namespace mlqc::tflite
