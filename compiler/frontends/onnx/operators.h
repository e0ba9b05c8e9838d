// ONNX's operators and how each is said in the graph's. Adding one is a row in the file of its family; an
// operator without a row passes as it is when a kernel has its name.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "compiler/frontends/onnx/build.h"

namespace mlqc::onnx_format {

// One node of the file while it is lowered.
class Op {
 public:
  Op(Build& build, const ::onnx::NodeProto& node) : b(build), proto(node) {}

  Build& b;
  const ::onnx::NodeProto& proto;

  const std::string& type() const;
  std::size_t inputs() const;
  std::size_t outputs() const;
  bool given(std::size_t i) const;
  const std::string& input_name(std::size_t i) const;
  // Operand i; fails when it is not there.
  Value in(std::size_t i = 0);
  // Operand i, or nothing.
  Value maybe(std::size_t i);
  Values ins();
  bool wanted(std::size_t i) const;
  void out(const Value& value, std::size_t i = 0);
  void outs(const Values& values);

  // Null when the node has no such attribute. In a function's body, an attribute of the call may stand for
  // it.
  const ::onnx::AttributeProto* attribute(std::string_view name) const;
  std::int64_t i(std::string_view name, std::int64_t otherwise) const;
  float f(std::string_view name, float otherwise) const;
  std::string s(std::string_view name, const std::string& otherwise) const;
  Ints is(std::string_view name) const;
  std::vector<float> fs(std::string_view name) const;
  std::optional<Value> t(std::string_view name) const;
  // All of them but graphs and tensors; lists of strings are joined by commas.
  Attributes attributes() const;
};

struct Row {
  std::string_view op;
  void (*lower)(Op& op);
  std::string_view domain = "";
};

std::span<const Row> arithmetic_rows();
std::span<const Row> array_rows();
std::span<const Row> attention_rows();
std::span<const Row> control_rows();
std::span<const Row> loss_rows();
std::span<const Row> norm_rows();
std::span<const Row> quantized_rows();
std::span<const Row> sequence_rows();
std::span<const Row> signal_rows();

// Null where there is none.
const Row* find_row(std::string_view domain, std::string_view op);
// Throws Error MLQ311 naming all operators that cannot be run.
void check_supported(const Model& model, const ::onnx::GraphProto& graph);
// A node: by its function's body, its row, or as it is.
void lower(Build& b, const ::onnx::NodeProto& node);
// The whole of a graph: initializers, then its nodes. Inputs are the caller's.
void lower_graph(Build& b, const ::onnx::GraphProto& graph);

// The operator by its name, with all its operands and attributes.
void pass(Op& op);

}  // namespace mlqc::onnx_format
