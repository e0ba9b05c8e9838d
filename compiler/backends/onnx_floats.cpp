#include "compiler/backends/onnx_floats.h"

#include <onnx/onnx_pb.h>

#include <set>
#include <string>

namespace mlqc {

namespace {

using ::onnx::AttributeProto;
using ::onnx::GraphProto;
using ::onnx::NodeProto;
using ::onnx::TensorProto;
using ::onnx::TypeProto;
using ::onnx::ValueInfoProto;
using Nodes = ::google::protobuf::RepeatedPtrField<NodeProto>;
using Infos = ::google::protobuf::RepeatedPtrField<ValueInfoProto>;
using Names = std::set<std::string>;

const std::string as_half = "/half", as_float = "/float";

NodeProto cast(const std::string& x, const std::string& y, int type, bool words) {
  NodeProto node;
  node.set_op_type("Cast");
  node.add_input(x);
  node.add_output(y);
  AttributeProto& to = *node.add_attribute();
  to.set_name("to");
  to.set_type(words ? AttributeProto::STRING : AttributeProto::INT);
  if (words)
    to.set_s(::onnx::TensorProto_DataType_Name(static_cast<::onnx::TensorProto_DataType>(type)));
  else
    to.set_i(type);
  return node;
}

// Tensors, and what sequences and optionals are made of.
void make_float(TypeProto& type) {
  if (type.has_tensor_type() && type.tensor_type().elem_type() == TensorProto::FLOAT16)
    type.mutable_tensor_type()->set_elem_type(TensorProto::FLOAT);
  if (type.has_sequence_type()) make_float(*type.mutable_sequence_type()->mutable_elem_type());
  if (type.has_optional_type()) make_float(*type.mutable_optional_type()->mutable_elem_type());
}
void make_float(Infos& infos) {
  for (ValueInfoProto& info : infos) make_float(*info.mutable_type());
}

// Its results are halves because it says so itself, not because its operands are.
bool makes_halves(const NodeProto& node) {
  for (const AttributeProto& attribute : node.attribute()) {
    const bool type = attribute.name() == "to" || attribute.name() == "dtype";
    if (type && (attribute.i() == TensorProto::FLOAT16 || attribute.s() == "FLOAT16")) return true;
    if (attribute.has_t() && attribute.t().data_type() == TensorProto::FLOAT16) return true;
  }
  return false;
}

struct Converter {
  bool words;     // Cast names its type by a word
  Names borders;  // inputs and outputs of the model that are halves

  void nodes(Nodes& list) const;
  void body(GraphProto& graph) const;
  void subgraph(GraphProto& graph) const {
    body(graph);
    make_float(*graph.mutable_input());
    make_float(*graph.mutable_output());
  }
  void inside(std::string& name) const {
    if (borders.contains(name)) name += as_float;
  }
};

void Converter::nodes(Nodes& list) const {
  Nodes made;
  for (NodeProto& node : list) {
    for (std::string& name : *node.mutable_input()) inside(name);
    for (std::string& name : *node.mutable_output()) inside(name);
    for (AttributeProto& attribute : *node.mutable_attribute()) {
      if (attribute.has_g()) subgraph(*attribute.mutable_g());
      for (GraphProto& inner : *attribute.mutable_graphs()) subgraph(inner);
    }
    const std::string result = node.output_size() == 1 && makes_halves(node) ? node.output(0) : "";
    if (!result.empty()) node.set_output(0, result + as_half);
    *made.Add() = std::move(node);
    if (!result.empty()) *made.Add() = cast(result + as_half, result, TensorProto::FLOAT, words);
  }
  list.Swap(&made);
}

void Converter::body(GraphProto& graph) const {
  Nodes all;
  for (TensorProto& tensor : *graph.mutable_initializer()) {
    if (tensor.data_type() != TensorProto::FLOAT16) continue;
    const std::string name = tensor.name();
    tensor.set_name(name + as_half);
    *all.Add() = cast(tensor.name(), name, TensorProto::FLOAT, words);
    for (ValueInfoProto& info : *graph.mutable_input())  // old versions of the format list it there, too
      if (info.name() == name) info.set_name(tensor.name());
  }
  nodes(*graph.mutable_node());
  all.MergeFrom(graph.node());
  graph.mutable_node()->Swap(&all);
  make_float(*graph.mutable_value_info());
}

// Of the inputs or outputs, those that are halves and no weights.
Names halves(const Infos& infos, const GraphProto& graph) {
  Names names;
  for (const ValueInfoProto& info : infos)
    if (info.type().tensor_type().elem_type() == TensorProto::FLOAT16) names.insert(info.name());
  for (const TensorProto& tensor : graph.initializer()) names.erase(tensor.name());
  return names;
}

}  // namespace

void compute_in_floats(::onnx::ModelProto& model) {
  GraphProto& graph = *model.mutable_graph();
  bool words = model.opset_import_size() == 0;
  for (const auto& set : model.opset_import())
    if (set.domain().empty() || set.domain() == "ai.onnx") words = set.version() < 6;
  const Names inputs = halves(graph.input(), graph), outputs = halves(graph.output(), graph);
  Converter converter{words, inputs};
  converter.borders.insert(outputs.begin(), outputs.end());
  converter.body(graph);
  for (auto& function : *model.mutable_functions()) converter.nodes(*function.mutable_node());
  Nodes all;
  for (const std::string& name : inputs) *all.Add() = cast(name, name + as_float, TensorProto::FLOAT, words);
  all.MergeFrom(graph.node());
  for (const std::string& name : outputs)
    if (!inputs.contains(name)) *all.Add() = cast(name + as_float, name, TensorProto::FLOAT16, words);
  graph.mutable_node()->Swap(&all);
}

}  // namespace mlqc
