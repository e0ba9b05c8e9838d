#include "compiler/backends/onnx_writer/writer.h"

#include <fmt/format.h>
#include <onnx/onnx_pb.h>

#include <algorithm>

#include "compiler/backends/onnx_weights.h"
#include "compiler/graph/edit.h"
#include "compiler/support/error.h"

namespace mlqc::onnx_writer {

using ::onnx::AttributeProto;
using ::onnx::TensorProto;

namespace {

AttributeProto& attribute(NodeProto& node, std::string_view name, AttributeProto::AttributeType type) {
  AttributeProto& made = *node.add_attribute();
  made.set_name(std::string(name));
  made.set_type(type);
  return made;
}

template <class T>
std::string as_text(std::span<const T> values) {
  return {reinterpret_cast<const char*>(values.data()), values.size_bytes()};
}

void fill(TensorProto& tensor, int type, const Ints& shape, std::string bytes) {
  tensor.set_data_type(type);
  for (const std::int64_t dim : shape) tensor.add_dims(dim);
  tensor.set_raw_data(std::move(bytes));
}

bool among(std::string_view names, std::string_view name) {
  for (std::size_t at = 0; at < names.size();) {
    const std::size_t end = std::min(names.find(' ', at), names.size());
    if (names.substr(at, end - at) == name) return true;
    at = end + 1;
  }
  return false;
}

}  // namespace

void set(NodeProto& node, std::string_view name, std::int64_t value) {
  attribute(node, name, AttributeProto::INT).set_i(value);
}
void set(NodeProto& node, std::string_view name, float value) {
  attribute(node, name, AttributeProto::FLOAT).set_f(value);
}
void set(NodeProto& node, std::string_view name, const std::string& value) {
  attribute(node, name, AttributeProto::STRING).set_s(value);
}
void set(NodeProto& node, std::string_view name, const Ints& values) {
  attribute(node, name, AttributeProto::INTS).mutable_ints()->Add(values.begin(), values.end());
}
void set(NodeProto& node, std::string_view name, const std::vector<float>& values) {
  attribute(node, name, AttributeProto::FLOATS).mutable_floats()->Add(values.begin(), values.end());
}
void set(NodeProto& node, std::string_view name, const Names& values) {
  AttributeProto& made = attribute(node, name, AttributeProto::STRINGS);
  for (const std::string& value : values) made.add_strings(value);
}

int type_of(const mlq::Tensor& tensor) {
  const bool real = tensor.quantization || tensor.type == mlq::DataType::float16;
  return real ? onnx_format::t_float : onnx_format::onnx_type(tensor.type);
}

Writer::Writer(const Source& source, const mlq::Graph& graph, ::onnx::GraphProto& to, bool trial)
    : source(source), graph(graph), to_(to), trial_(trial) {
  for (const auto& features : {graph.inputs, graph.outputs})
    for (const mlq::Feature& feature : features) names_.insert(feature.name);
  for (const mlq::Node& node : graph.nodes)
    if (node.op == "MatMul") multiplied_.insert(node.inputs.begin(), node.inputs.end());
}

void Writer::begin(const mlq::Node& node) { node_ = &node; }

void Writer::fail(const std::string& what) const {
  const std::string who = node_ ? fmt::format("layer '{}' ({}) ", node_->name, node_->op) : "the network ";
  throw Error(Exit::model, {{source.path.string()},
                            who + what + ": an ONNX model cannot be written",
                            "MLQ503",
                            "do not emit onnx",
                            {}});
}

void Writer::require(bool good, const char* what) const {
  if (!good) fail(what);
}

bool Writer::given(std::size_t i) const {
  return i < node_->inputs.size() && node_->inputs[i] != mlq::no_tensor;
}

TensorId Writer::operand(std::size_t i) const {
  if (!given(i)) fail(fmt::format("has no operand number {}", i + 1));
  return node_->inputs[i];
}

const mlq::Tensor& Writer::result(std::size_t i) const {
  require(i < node_->outputs.size() && node_->outputs[i] != mlq::no_tensor, "has too few results");
  return tensor(node_->outputs[i]);
}

bool Writer::is_float(std::size_t i) const { return onnx_format::is_float(type_of(tensor(operand(i)))); }

std::string Writer::unique(const std::string& name) {
  std::string chosen = name.empty() ? "value" : name;
  for (int i = 1; !names_.insert(chosen).second; ++i) chosen = fmt::format("{}:{}", name, i);
  return chosen;
}

std::string Writer::fresh() { return unique(node_ ? node_->name : "value"); }

void Writer::name_value(TensorId id, const std::string& name) {
  names_.insert(name);
  values_[id] = name;
}

std::string Writer::value(TensorId id) {
  if (const auto known = values_.find(id); known != values_.end()) return known->second;
  const std::string name = unique(tensor(id).name);
  values_[id] = name;
  if (tensor(id).data) write_constant(id, name);
  return name;
}

void Writer::write_constant(TensorId id, const std::string& name) {
  const mlq::Tensor& from = tensor(id);
  require(type_of(from) != onnx_format::t_none, "reads a constant of a type that ONNX has not");
  if (trial_) return;
  if (from.quantization || from.type == mlq::DataType::float16) {
    const Reader reader = multiplied_.contains(id) ? Reader::matmul : Reader::any;
    for (NodeProto& made : restoring_nodes(source, from, name, TensorProto::FLOAT, opset, reader))
      *to_.add_node() = std::move(made);
    return;
  }
  TensorProto& tensor = *to_.add_initializer();
  tensor.set_name(name);
  fill(tensor, type_of(from), from.shape, as_text(from.data->bytes.first(*mlq::data_size(from))));
}

std::string Writer::in(std::size_t i) { return value(operand(i)); }

std::string Writer::in_as(std::size_t i, int type) {
  return type_of(tensor(operand(i))) == type ? in(i) : cast(in(i), type);
}

std::string Writer::out(std::size_t i) {
  require(i < node_->outputs.size(), "has too few results");
  return node_->outputs[i] == mlq::no_tensor ? "" : value(node_->outputs[i]);
}

Ints Writer::numbers(std::size_t i, std::string_view attribute, Ints otherwise) const {
  if (!given(i)) return node_->get_ints(attribute, std::move(otherwise));
  if (const auto values = integers_of(graph, operand(i))) return *values;
  fail(fmt::format("has {} that depend on its input", attribute));
}

std::string Writer::list(std::size_t i, std::string_view attribute) {
  if (given(i)) {
    if (const auto values = integers_of(graph, operand(i))) return ints(*values);
    return in_as(i, onnx_format::t_int64);
  }
  if (!node_->attributes.contains(attribute)) return "";
  return ints(node_->get_ints(attribute));
}

std::string Writer::constant(int type, const Ints& shape, std::string bytes) {
  const std::string name = fresh();
  TensorProto& tensor = *to_.add_initializer();
  tensor.set_name(name);
  fill(tensor, type, shape, std::move(bytes));
  return name;
}

std::string Writer::ints(const Ints& values) {
  return constant(TensorProto::INT64, {static_cast<std::int64_t>(values.size())},
                  as_text(std::span<const std::int64_t>(values)));
}
std::string Writer::scalar(std::int64_t value) {
  return constant(TensorProto::INT64, {}, as_text(std::span<const std::int64_t>(&value, 1)));
}
std::string Writer::number(float value) {
  return constant(TensorProto::FLOAT, {}, as_text(std::span<const float>(&value, 1)));
}
std::string Writer::floats(const std::vector<float>& values) {
  return constant(TensorProto::FLOAT, {static_cast<std::int64_t>(values.size())},
                  as_text(std::span<const float>(values)));
}

NodeProto& Writer::add(std::string_view op, const Names& inputs, const Names& outputs) {
  NodeProto& made = *to_.add_node();
  made.set_op_type(std::string(op));
  const std::string name = node_ && !node_->name.empty() ? node_->name : outputs.at(0);
  std::string chosen = name;
  for (int i = 1; !node_names_.insert(chosen).second; ++i) chosen = fmt::format("{}_{}", name, i);
  made.set_name(chosen);
  for (const std::string& input : inputs) made.add_input(input);
  for (const std::string& output : outputs) made.add_output(output);
  return made;
}

std::string Writer::step(std::string_view op, const Names& inputs) {
  std::string result = fresh();
  add(op, inputs, {result});
  return result;
}

std::string Writer::cast(const std::string& x, int type) {
  std::string result = fresh();
  set(add("Cast", {x}, {result}), "to", std::int64_t{type});
  return result;
}

void Writer::copy_attributes(NodeProto& to, std::string_view names, std::string_view ignored) const {
  for (const auto& [name, value] : node_->attributes) {
    if (among(ignored, name)) continue;
    if (!among(names, name)) fail(fmt::format("has the attribute '{}', which ONNX has not", name));
    std::visit(
        [&, &name = name](const auto& held) {
          if constexpr (std::is_same_v<std::decay_t<decltype(held)>, std::shared_ptr<const mlq::Graph>>)
            fail("has a network inside");
          else
            set(to, name, held);
        },
        value);
  }
}

void same(Writer& w, const Row& row) {
  Names inputs, outputs;
  for (std::size_t i = 0; i < w.node().inputs.size(); ++i) {
    const bool whole = row.integers.find(static_cast<char>('0' + i)) != std::string_view::npos;
    inputs.push_back(!w.given(i) ? "" : whole ? w.in_as(i, onnx_format::t_int64) : w.in(i));
  }
  while (!inputs.empty() && inputs.back().empty()) inputs.pop_back();
  for (std::size_t i = 0; i < w.node().outputs.size(); ++i) outputs.push_back(w.out(i));
  w.copy_attributes(w.add(row.name.empty() ? row.op : row.name, inputs, outputs), row.attributes);
}

}  // namespace mlqc::onnx_writer
