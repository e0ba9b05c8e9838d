#include <fmt/format.h>
#include <onnx/onnx_pb.h>

#include "compiler/frontends/onnx/build.h"
#include "compiler/frontends/onnx/tensor.h"
#include "compiler/frontends/onnx/upgrade.h"
#include "compiler/support/error.h"
#include "mlq/kernel.h"

namespace mlqc::onnx_format {

namespace {

using ::onnx::AttributeProto;
using ::onnx::NodeProto;

// Lists of strings (activations of recurrent operators) travel as one, separated by commas.
std::string join(const AttributeProto& attribute) {
  std::string text;
  for (const std::string& part : attribute.strings()) text += (text.empty() ? "" : ",") + part;
  return text;
}

std::shared_ptr<const mlq::Graph> subgraph(const ::onnx::GraphProto& proto, Model& model,
                                           const Scope& outer) {
  Scope scope;
  scope.outer = &outer;
  build_graph(proto, model, scope);
  return std::make_shared<const mlq::Graph>(std::move(scope.graph));
}

std::optional<mlq::Attribute> to_attribute(const AttributeProto& proto, Model& model, const Scope& scope) {
  switch (proto.type()) {
    case AttributeProto::INT:
      return proto.i();
    case AttributeProto::FLOAT:
      return proto.f();
    case AttributeProto::STRING:
      return proto.s();
    case AttributeProto::INTS:
      return std::vector<std::int64_t>(proto.ints().begin(), proto.ints().end());
    case AttributeProto::FLOATS:
      return std::vector<float>(proto.floats().begin(), proto.floats().end());
    case AttributeProto::STRINGS:
      return join(proto);
    case AttributeProto::GRAPH:
      return subgraph(proto.g(), model, scope);
    default:
      return {};
  }
}

mlq::Tensor floats(const std::vector<float>& values, mlq::Shape shape) {
  return {"", mlq::DataType::float32, std::move(shape), mlq::copy_data(std::span(values)), {}};
}
mlq::Tensor ints(const std::vector<std::int64_t>& values, mlq::Shape shape) {
  return {"", mlq::DataType::int64, std::move(shape), mlq::copy_data(std::span(values)), {}};
}

// The value of a Constant node, of whichever attribute carries it.
std::optional<mlq::Tensor> constant_value(const NodeProto& node, const Source& source) {
  for (const AttributeProto& attribute : node.attribute()) {
    const auto count_i = static_cast<std::int64_t>(attribute.ints_size());
    const auto count_f = static_cast<std::int64_t>(attribute.floats_size());
    if (attribute.name() == "value") return to_tensor(attribute.t(), source);
    if (attribute.name() == "value_int") return ints({attribute.i()}, {});
    if (attribute.name() == "value_float") return floats({attribute.f()}, {});
    if (attribute.name() == "value_ints")
      return ints({attribute.ints().begin(), attribute.ints().end()}, {count_i});
    if (attribute.name() == "value_floats")
      return floats({attribute.floats().begin(), attribute.floats().end()}, {count_f});
  }
  return {};
}

std::string name_of(const NodeProto& node) {
  if (!node.name().empty()) return node.name();
  return node.output_size() > 0 ? node.output(0) : node.op_type();
}

mlq::TensorId define(Scope& scope, const std::string& name) {
  if (name.empty()) return mlq::no_tensor;
  mlq::Tensor tensor;
  tensor.name = name;
  return scope.ids[name] = mlq::add_tensor(scope.graph, std::move(tensor));
}

// ConstantOfShape's value is a tensor of one number: Expand says the same without a tensor attribute.
bool add_constant_of_shape(const NodeProto& node, Model& model, Scope& scope) {
  if (node.op_type() != "ConstantOfShape") return false;
  mlq::Tensor value = floats({0.0f}, {1});
  for (const AttributeProto& attribute : node.attribute())
    if (attribute.name() == "value") value = to_tensor(attribute.t(), model.source);
  value.name = name_of(node) + "/value";
  const mlq::TensorId constant = mlq::add_tensor(scope.graph, std::move(value));
  mlq::Node expand{"Expand", name_of(node), {constant, resolve(scope, node.input(0), model)}, {}, {}};
  expand.outputs.push_back(define(scope, node.output(0)));
  scope.graph.nodes.push_back(std::move(expand));
  return true;
}

bool add_constant(const NodeProto& node, Model& model, Scope& scope) {
  if (node.op_type() != "Constant" || node.output_size() != 1) return false;
  std::optional<mlq::Tensor> value = constant_value(node, model.source);
  if (!value) return false;
  value->name = node.output(0);
  scope.ids[node.output(0)] = mlq::add_tensor(scope.graph, *std::move(value));
  return true;
}

// Operators older than set 7 aligned their second operand at an axis: [C] at axis 1 of rank 4 is [C, 1, 1].
bool add_alignment(const NodeProto& node, Model& model, Scope& scope) {
  if (node.op_type() != "AlignTo") return false;
  const mlq::TensorId first = resolve(scope, node.input(0), model),
                      second = resolve(scope, node.input(1), model);
  if (!mlq::infer_shapes(scope.graph)) return false;
  const auto rank = [&](mlq::TensorId id) {
    return static_cast<std::int64_t>(scope.graph.tensors[static_cast<std::size_t>(id)].shape.size());
  };
  std::int64_t axis = node.attribute(0).i();
  if (axis < 0) axis += rank(first);
  std::vector<std::int64_t> axes;
  for (std::int64_t i = axis + rank(second); i < rank(first); ++i) axes.push_back(i - axis);
  const mlq::TensorId list =
      mlq::add_constant(scope.graph, node.output(0) + "/axes", {static_cast<std::int64_t>(axes.size())},
                        std::span(std::as_const(axes)));
  mlq::Node unsqueeze{"Unsqueeze", node.output(0), {second, list}, {}, {}};
  unsqueeze.outputs.push_back(define(scope, node.output(0)));
  scope.graph.nodes.push_back(std::move(unsqueeze));
  return true;
}

void add_plain(const NodeProto& proto, Model& model, Scope& scope) {
  mlq::Node node{proto.op_type(), name_of(proto), {}, {}, {}};
  const bool known = mlq::find_kernel(node.op) || node.op == "If" || node.op == "Loop" || node.op == "Scan";
  if (!known) model.unsupported.insert(fmt::format("{} ({})", node.op, node.name));
  for (const std::string& input : proto.input()) node.inputs.push_back(resolve(scope, input, model));
  for (const AttributeProto& attribute : proto.attribute())
    if (auto value = to_attribute(attribute, model, scope)) node.attributes.emplace(attribute.name(), *value);
  for (const std::string& output : proto.output()) node.outputs.push_back(define(scope, output));
  scope.graph.nodes.push_back(std::move(node));
}

}  // namespace

mlq::TensorId resolve(Scope& scope, const std::string& name, const Model& model) {
  if (name.empty()) return mlq::no_tensor;
  if (const auto found = scope.ids.find(name); found != scope.ids.end()) return found->second;
  for (const Scope* outer = scope.outer; outer; outer = outer->outer)
    if (outer->ids.contains(name)) return define(scope, name);
  throw Error(Exit::model, {{model.source.path.string()},
                            fmt::format("the value '{}' is read before any node makes it", name),
                            "MLQ334",
                            "the graph has a cycle or lacks a node; check the file with onnx.checker",
                            {}});
}

void add_node(const NodeProto& node, Model& model, Scope& scope) {
  for (const NodeProto& part : upgrade(node, model.opset, fmt::format("mlq.{}.", model.fresh++))) {
    if (add_constant(part, model, scope) || add_constant_of_shape(part, model, scope) ||
        add_alignment(part, model, scope))
      continue;
    add_plain(part, model, scope);
  }
}

}  // namespace mlqc::onnx_format
