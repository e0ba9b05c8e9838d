#include "tests/kernels/run.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

namespace mlq::test {
namespace {

// Aligned, with room behind, as the executor allocates.
struct Buffer {
  std::vector<std::byte> bytes;
  explicit Buffer(std::size_t n) : bytes(n + 2 * padding_after, std::byte{0x7f}) {}
  std::byte* data() {
    auto address = reinterpret_cast<std::uintptr_t>(bytes.data());
    return bytes.data() + (padding_after - address % padding_after) % padding_after;
  }
};

std::size_t count_of(const Shape& shape) { return static_cast<std::size_t>(element_count(shape).value()); }

const void* source(const Array& a) {
  if (a.type == DataType::float32) return a.floats.data();
  if (a.type == DataType::int64) return a.ints.data();
  return a.bytes.data();
}

Array from_value(const Value& value) {
  Array a;
  a.shape = value.shape, a.type = value.type;
  std::size_t n = count_of(value.shape);
  auto* p = static_cast<const std::byte*>(value.data);
  if (a.type == DataType::float32)
    a.floats.resize(n);
  else if (a.type == DataType::int64)
    a.ints.resize(n);
  else
    a.bytes.resize(n * size_of(a.type));
  if (n > 0) std::memcpy(const_cast<void*>(source(a)), p, n * size_of(a.type));
  return a;
}

}  // namespace

Array Array::of(Shape shape, std::vector<float> values) {
  Array a;
  a.shape = std::move(shape), a.floats = std::move(values);
  return a;
}
Array Array::of_ints(Shape shape, std::vector<std::int64_t> values) {
  Array a;
  a.shape = std::move(shape), a.ints = std::move(values), a.type = DataType::int64;
  return a;
}
Array Array::of_bools(Shape shape, std::vector<std::uint8_t> values) {
  Array a;
  a.shape = std::move(shape), a.bytes = std::move(values), a.type = DataType::boolean;
  return a;
}
Array Array::none() {
  Array a;
  a.absent = true;
  return a;
}

Result<std::vector<Array>> run(const std::string& op, const Attributes& attributes,
                               std::vector<Array> operands, std::size_t outputs, How how) {
  const Kernel* kernel = find_kernel(op);
  if (!kernel) return Failure{"no kernel " + op};
  Node node{op, "test", {}, {}, attributes};
  std::vector<Buffer> buffers;
  buffers.reserve(operands.size() + outputs);
  std::vector<Value> inputs, results(outputs);
  for (std::size_t i = 0; i < operands.size(); ++i) {
    Array& a = operands[i];
    node.inputs.push_back(a.absent ? no_tensor : static_cast<TensorId>(i));
    std::size_t bytes = a.absent ? 0 : count_of(a.shape) * size_of(a.type);
    buffers.emplace_back(bytes);
    if (bytes > 0) std::memcpy(buffers.back().data(), source(a), bytes);
    inputs.push_back(a.absent ? Value{} : Value{a.type, a.shape, buffers.back().data(), a.constant || i > 0});
  }
  for (std::size_t i = 0; i < outputs; ++i)
    node.outputs.push_back(static_cast<TensorId>(operands.size() + i));
  Call call{node, inputs, results};
  if (Status s = kernel->infer(call); !s) return Failure{s.error()};
  for (Value& value : results) {
    if (!element_count(value.shape)) return Failure{"a result of unknown or impossible size"};
    buffers.emplace_back(count_of(value.shape) * size_of(value.type));
    value.data = buffers.back().data();
  }
  std::unique_ptr<Prepared> prepared;
  if (how == How::prepare && kernel->prepare) {
    auto made = kernel->prepare(call);
    if (!made) return Failure{made.error()};
    prepared = std::move(*made);
    // Constants may be freed once the node is prepared.
    for (std::size_t i = 1; prepared && i < inputs.size(); ++i)
      if (inputs[i].constant) std::fill(buffers[i].bytes.begin(), buffers[i].bytes.end(), std::byte{0xff});
  }
  Status s = prepared ? prepared->run(nullptr) : kernel->evaluate(call);
  if (!s) return Failure{s.error()};
  std::vector<Array> arrays;
  for (const Value& value : results) arrays.push_back(from_value(value));
  return arrays;
}

Array run_one(const std::string& op, const Attributes& attributes, std::vector<Array> operands, How how) {
  auto results = run(op, attributes, std::move(operands), 1, how);
  EXPECT_TRUE(results.ok()) << results.error();
  return results ? std::move((*results)[0]) : Array{};
}

Array random_array(std::mt19937& random, Shape shape) {
  Array a;
  a.shape = std::move(shape);
  a.floats.resize(count_of(a.shape));
  for (float& v : a.floats) v = static_cast<float>(random() % 20000) / 10000.0f - 1.0f;
  return a;
}

std::int64_t pick(std::mt19937& random, std::int64_t low, std::int64_t high) {
  return low + static_cast<std::int64_t>(random() % static_cast<std::uint32_t>(high - low + 1));
}

void expect_near(const Array& actual, const Array& expected, float tolerance) {
  ASSERT_EQ(to_string(actual.shape), to_string(expected.shape));
  ASSERT_EQ(actual.type, expected.type);
  ASSERT_EQ(actual.ints, expected.ints);
  ASSERT_EQ(actual.bytes, expected.bytes);
  for (std::size_t i = 0; i < expected.floats.size(); ++i) {
    float a = actual.floats[i], e = expected.floats[i];
    if (a == e || (std::isnan(a) && std::isnan(e))) continue;
    ASSERT_LE(std::fabs(a - e), tolerance * std::fmax(1.0f, std::fabs(e))) << "element " << i;
  }
}

Array to_nhwc(const Array& a) {
  Array b = a;
  auto n = a.shape[0], c = a.shape[1], plane = a.shape[2] * a.shape[3];
  b.shape = {n, a.shape[2], a.shape[3], c};
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t k = 0; k < c; ++k)
      for (std::int64_t p = 0; p < plane; ++p)
        b.floats[(i * plane + p) * c + k] = a.floats[(i * c + k) * plane + p];
  return b;
}

}  // namespace mlq::test
