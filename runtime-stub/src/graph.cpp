#include "mlq/graph.h"

#include <array>

namespace mlq {

namespace {

struct TypeRow {
  const char* name;
  std::size_t size;
};
// In the order of DataType.
constexpr std::array<TypeRow, 12> types = {{{"float32", 4},
                                            {"float16", 2},
                                            {"float64", 8},
                                            {"int8", 1},
                                            {"int16", 2},
                                            {"int32", 4},
                                            {"int64", 8},
                                            {"uint8", 1},
                                            {"uint16", 2},
                                            {"uint32", 4},
                                            {"uint64", 8},
                                            {"boolean", 1}}};

template <class T>
T get(const Node& node, std::string_view key, T otherwise) {
  const auto found = node.attributes.find(key);
  if (found == node.attributes.end()) return otherwise;
  const T* value = std::get_if<T>(&found->second);
  return value ? *value : otherwise;
}

template <class T>
TensorId add_copied(Graph& graph, std::string name, DataType type, Shape shape, std::span<const T> values) {
  Tensor tensor{std::move(name), type, std::move(shape), copy_data(values), std::nullopt};
  return add_tensor(graph, std::move(tensor));
}

}  // namespace

std::size_t size_of(DataType type) {
  const auto row = static_cast<std::size_t>(type);
  return row < types.size() ? types[row].size : 0;
}

const char* name_of(DataType type) {
  const auto row = static_cast<std::size_t>(type);
  return row < types.size() ? types[row].name : "unknown";
}

std::optional<std::int64_t> element_count(const Shape& shape) {
  std::int64_t count = 1;
  for (const std::int64_t dimension : shape)
    if (dimension < 0 || __builtin_mul_overflow(count, dimension, &count)) return std::nullopt;
  return count;
}

std::string to_string(const Shape& shape) {
  if (shape.empty()) return "scalar";
  std::string text;
  for (const std::int64_t dimension : shape) {
    if (!text.empty()) text += 'x';
    text += dimension < 0 ? "?" : std::to_string(dimension);
  }
  return text;
}

std::int64_t Node::get_int(std::string_view key, std::int64_t otherwise) const {
  return get(*this, key, otherwise);
}

float Node::get_float(std::string_view key, float otherwise) const { return get(*this, key, otherwise); }

std::string Node::get_string(std::string_view key, std::string otherwise) const {
  return get(*this, key, std::move(otherwise));
}

std::vector<std::int64_t> Node::get_ints(std::string_view key, std::vector<std::int64_t> otherwise) const {
  return get(*this, key, std::move(otherwise));
}

std::vector<float> Node::get_floats(std::string_view key, std::vector<float> otherwise) const {
  return get(*this, key, std::move(otherwise));
}

TensorId add_tensor(Graph& graph, Tensor tensor) {
  graph.tensors.push_back(std::move(tensor));
  return static_cast<TensorId>(graph.tensors.size() - 1);
}

TensorId add_constant(Graph& graph, std::string name, Shape shape, std::span<const float> values) {
  return add_copied(graph, std::move(name), DataType::float32, std::move(shape), values);
}

TensorId add_constant(Graph& graph, std::string name, Shape shape, std::span<const std::int64_t> values) {
  return add_copied(graph, std::move(name), DataType::int64, std::move(shape), values);
}

}  // namespace mlq
