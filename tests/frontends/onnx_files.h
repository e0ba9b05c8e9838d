// Reading of the ONNX project's test data, independent of the front end.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "mlq/model.h"

namespace mlq::test {

// Numbers of a TensorProto in a .pb file, exact for integers of up to 53 bits and all floats; `words` are
// exact for all integers.
struct OnnxNumbers {
  int type = 0;  // TensorProto.DataType; 0 when the file holds no tensor of numbers
  Shape shape;
  std::vector<double> values;
  std::vector<std::int64_t> words;
};
OnnxNumbers read_onnx_tensor(const std::filesystem::path& file);

// As an app would pass them to a feature of that type.
Array to_array(const OnnxNumbers& numbers, DataType type);

// Why a result is not what was expected, within |expected| * relative + absolute; "" when it is. Integers
// must be equal.
std::string compare(const Array& result, const OnnxNumbers& expected, double relative, double absolute);

// Types of the nodes of the model and of its subgraphs, each once; inputs of the model that no initializer
// fills.
struct OnnxSummary {
  std::vector<std::string> operators;
  std::vector<std::string> inputs;
};
OnnxSummary summarize(const std::filesystem::path& model);

}  // namespace mlq::test
