// Runs one operator as the executor would, for tests.
#pragma once

#include <random>
#include <string>
#include <vector>

#include "mlq/kernel.h"

namespace mlq::test {

// A dense array of floats or int64; the other vector is empty.
struct Array {
  Shape shape;
  std::vector<float> floats;
  std::vector<std::int64_t> ints;
  DataType type = DataType::float32;
  std::vector<std::uint8_t> bytes;  // of other types
  bool constant = false;
  bool absent = false;

  static Array of(Shape shape, std::vector<float> values);
  static Array of_ints(Shape shape, std::vector<std::int64_t> values);
  static Array of_bools(Shape shape, std::vector<std::uint8_t> values);
  static Array none();
};

using Attributes = std::map<std::string, Attribute, std::less<>>;

enum class How { evaluate, prepare };

// Infers and computes; a failure of either is the result. With How::prepare, and where the kernel has it,
// through the prepared form, on operands marked constant but the first.
Result<std::vector<Array>> run(const std::string& op, const Attributes& attributes,
                               std::vector<Array> operands, std::size_t outputs = 1, How how = How::evaluate);

// run that must succeed; the first result.
Array run_one(const std::string& op, const Attributes& attributes, std::vector<Array> operands,
              How how = How::evaluate);

// Numbers in [-1, 1).
Array random_array(std::mt19937& random, Shape shape);
std::int64_t pick(std::mt19937& random, std::int64_t low, std::int64_t high);

// Same shape, and each element within tolerance * max(1, |expected|).
void expect_near(const Array& actual, const Array& expected, float tolerance = 1e-5f);

// [N, C, H, W] -> [N, H, W, C].
Array to_nhwc(const Array& a);

}  // namespace mlq::test
