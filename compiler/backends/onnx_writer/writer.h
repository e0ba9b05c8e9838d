// An ONNX graph in the making, from a Graph of any source: every node becomes an operator, or a few of them,
// of one operator set that all of today's runtimes know.
#pragma once

#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/frontends/frontend.h"
#include "compiler/frontends/onnx/types.h"
#include "mlq/graph.h"

namespace onnx {
class GraphProto;
class NodeProto;
}  // namespace onnx

namespace mlqc::onnx_writer {

using mlq::Shape;
using mlq::TensorId;
using ::onnx::NodeProto;
using Ints = std::vector<std::int64_t>;
using Names = std::vector<std::string>;

inline constexpr int opset = 17, ir_version = 8;

void set(NodeProto& node, std::string_view name, std::int64_t value);
void set(NodeProto& node, std::string_view name, float value);
void set(NodeProto& node, std::string_view name, const std::string& value);
void set(NodeProto& node, std::string_view name, const Ints& values);
void set(NodeProto& node, std::string_view name, const std::vector<float>& values);
void set(NodeProto& node, std::string_view name, const Names& values);

class Writer {
 public:
  // A trial writes no bytes of weights: it only finds out what cannot be written.
  Writer(const Source& source, const mlq::Graph& graph, ::onnx::GraphProto& to, bool trial);

  const Source& source;
  const mlq::Graph& graph;

  // What is written from here on.
  void begin(const mlq::Node& node);
  void end() { node_ = nullptr; }
  const mlq::Node& node() const { return *node_; }
  // Throws Error MLQ503 (Exit::model): the layer, its operator, and what is wrong.
  [[noreturn]] void fail(const std::string& what) const;
  void require(bool good, const char* what) const;

  bool given(std::size_t i) const;
  TensorId operand(std::size_t i) const;  // fails when it is not given
  const mlq::Tensor& tensor(TensorId id) const { return graph.tensors[static_cast<std::size_t>(id)]; }
  const Shape& shape(std::size_t i) const { return tensor(operand(i)).shape; }
  int rank(std::size_t i) const { return static_cast<int>(shape(i).size()); }
  const mlq::Tensor& result(std::size_t i = 0) const;
  bool is_float(std::size_t i) const;

  // Names of operands (constants are written once) and of results.
  std::string in(std::size_t i = 0);
  std::string in_as(std::size_t i, int type);  // converted to the type where it has another
  std::string out(std::size_t i = 0);
  std::string value(TensorId id);
  void name_value(TensorId id, const std::string& name);
  std::string fresh();

  // Numbers of a constant operand, or of the attribute that stands for it; fails where they are not constant.
  Ints numbers(std::size_t i, std::string_view attribute, Ints otherwise = {}) const;
  // The same as the name of a list of int64, computed ones too; "" where there is neither operand nor
  // attribute.
  std::string list(std::size_t i, std::string_view attribute);

  // New constants.
  std::string ints(const Ints& values);
  std::string scalar(std::int64_t value);
  std::string number(float value);
  std::string floats(const std::vector<float>& values);

  NodeProto& add(std::string_view op, const Names& inputs, const Names& outputs);
  // The same with one new result, whose name is given back.
  std::string step(std::string_view op, const Names& inputs);
  std::string cast(const std::string& x, int type);
  NodeProto& last(std::string_view op, const Names& inputs) { return add(op, inputs, {out()}); }
  // The node's attributes of these names; fails where it has others, which ONNX does not know, unless they
  // are ignored.
  void copy_attributes(NodeProto& to, std::string_view names, std::string_view ignored = "") const;

  std::string unique(const std::string& name);

 private:
  void write_constant(TensorId id, const std::string& name);
  std::string constant(int type, const Ints& shape, std::string bytes);

  ::onnx::GraphProto& to_;
  bool trial_;
  const mlq::Node* node_ = nullptr;
  std::map<TensorId, std::string> values_;
  std::set<TensorId> multiplied_;  // what MatMul nodes read
  std::set<std::string, std::less<>> names_, node_names_;
};

// Writes the node that the writer stands at.
struct Row {
  std::string_view op;
  void (*write)(Writer& writer, const Row& row);
  std::string_view attributes = "";  // ONNX's, separated by spaces
  std::string_view integers = "";    // operands that ONNX wants as int64, each by its digit
  std::string_view name = "";        // ONNX's name, where it is another
};

std::span<const Row> activation_rows();
std::span<const Row> arithmetic_rows();
std::span<const Row> dense_rows();
std::span<const Row> indexing_rows();
std::span<const Row> normalization_rows();
std::span<const Row> recurrent_rows();
std::span<const Row> shape_rows();
std::span<const Row> spatial_rows();

// Null for an operator that has no row.
const Row* find_row(std::string_view op);

// One operator of the same operands, results and attributes.
void same(Writer& writer, const Row& row);

// The type that a value has in ONNX: halves that constants hold are read as floats.
int type_of(const mlq::Tensor& tensor);

void write_inputs(Writer& writer, ::onnx::GraphProto& to);
// Results that are outputs as they are get their names before nodes are written.
void name_outputs(Writer& writer);
void write_outputs(Writer& writer, ::onnx::GraphProto& to);

}  // namespace mlqc::onnx_writer
