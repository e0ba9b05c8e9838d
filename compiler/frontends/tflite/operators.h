// Built-in operators and how each is said in the graph's. Adding one is a row in the file of its family.
#pragma once

#include <span>
#include <string>

#include "compiler/frontends/nhwc/build.h"

namespace mlqc::tflite {

namespace wire {
struct Model;
struct Operator;
struct SubGraph;
struct Tensor;
}  // namespace wire

using mlq::TensorId;
using nhwc::Attributes;
using nhwc::Ids;
using nhwc::Ints;
using nhwc::Shape;

// The network being lowered.
struct Net {
  nhwc::Build b;
  const wire::Model& model;
  const wire::SubGraph& graph;
  std::vector<TensorId> values = {};  // by the file's number of the tensor; no_tensor until it is known
  const wire::Operator* op = nullptr;
  std::vector<std::pair<std::string, TensorId>> states = {};  // results that the next prediction takes back

  std::size_t inputs() const;
  bool given(std::size_t i) const;
  // The file's tensor.
  const wire::Tensor& tensor(std::int64_t index) const;
  const wire::Tensor& result(std::size_t i = 0) const;
  TensorId value(std::int64_t index);
  TensorId in(std::size_t i = 0);
  TensorId in_or_none(std::size_t i) { return given(i) ? in(i) : mlq::no_tensor; }
  Ids ins();
  void out(TensorId id, std::size_t i = 0);
  // After arithmetic: the fused activation, then the range that the result's type can hold.
  void finish(TensorId id, int activation);
};

// The constant as it lies in the file, quantized where it is; no_tensor when the tensor has no data.
TensorId constant(Net& net, const wire::Tensor& tensor);
// The range of numbers that a quantized tensor can hold; nothing for others.
std::optional<std::pair<float, float>> range_of(const wire::Tensor& tensor);
// Of the numbers themselves; throws Error on types that mlq does not know.
mlq::DataType data_type(const Net& net, const wire::Tensor& tensor);

struct Row {
  int code;  // the number of the operator in the format
  const char* name;
  void (*lower)(Net& net, const char* op);
  const char* op = "";  // for lowerings that several share
};

std::span<const Row> arithmetic_rows();
std::span<const Row> array_rows();
// Known by their names.
std::span<const Row> custom_rows();
std::span<const Row> dense_rows();
std::span<const Row> recurrent_rows();
std::span<const Row> spatial_rows();
std::span<const Row> suppression_rows();

// Null where mlq cannot run the operator. `custom` is the name of an operator that is not built in.
const Row* find_row(int code, std::string_view custom = "");
int code_of(const Net& net, const wire::Operator& op);
// Throws Error MLQ311 naming all operators that cannot be run.
void check_supported(const Net& net);
void lower_operators(Net& net);

}  // namespace mlqc::tflite
