#include "compiler/frontends/onnx/import.h"

#include <fmt/format.h>
#include <onnx/onnx_pb.h>

#include <algorithm>
#include <limits>

#include "compiler/frontends/onnx/model_proto.h"
#include "compiler/frontends/onnx/operators.h"
#include "compiler/support/error.h"
#include "mlq/sizes.h"

namespace mlqc::onnx_format {

namespace {

using ::onnx::ModelProto;
using ::onnx::TypeProto;

[[noreturn]] void refuse(const Source& source, const char* code, const std::string& what,
                         const std::string& hint) {
  throw Error(Exit::model, {{source.path.string()}, what, code, hint, {}});
}

Model describe(const Source& source, const std::shared_ptr<const ModelProto>& proto) {
  Model model{source, proto};
  for (const auto& set : proto->opset_import()) {
    const std::string domain = set.domain() == "ai.onnx" ? "" : set.domain();
    if (domain.empty() && (set.version() < 1 || set.version() > 28))
      refuse(source, "MLQ335",
             fmt::format("the model is of operator set {}; mlq knows 1 to 28", set.version()),
             "convert it with onnx.version_converter");
    model.opsets[domain] = static_cast<int>(set.version());
  }
  for (const auto& function : proto->functions()) {
    const std::string domain = function.domain() == "ai.onnx" ? "" : function.domain();
    model.functions[domain + "::" + function.name()] = &function;
  }
  return model;
}

// A tensor that a feature is; an optional tensor is one that the app always gives.
const TypeProto::Tensor& tensor_type(const Model& model, const ::onnx::ValueInfoProto& info) {
  const TypeProto* type = &info.type();
  if (type->has_optional_type()) type = &type->optional_type().elem_type();
  if (!type->has_tensor_type())
    refuse(model.source, "MLQ335",
           fmt::format("'{}' is no tensor but a sequence, map or nothing at all", info.name()),
           "export the model with tensors as inputs and outputs");
  const int element = type->tensor_type().elem_type();
  if (!is_supported(element))
    refuse(model.source, "MLQ331",
           fmt::format("'{}' has elements of the type {}, which mlq does not run", info.name(),
                       name_of(element)),
           "");
  return type->tensor_type();
}

std::string give_shapes(const std::string& input, const std::string& example) {
  return fmt::format("say it in the manifest: interface: {{ inputs: {{ {}: {{ shapes: {} }} }} }}", input,
                     example);
}

// What to do about an operator that wants to know a dimension which the file leaves open.
std::string hint_of(const mlq::Feature& input) {
  std::string example;
  for (const std::int64_t size : input.shape) {
    if (!example.empty()) example += "x";
    example += std::to_string(size < 0 ? 224 : size);
  }
  return fmt::format("the input '{}' is of shape {}; where it has one size, {}", input.name,
                     mlq::to_string(input.shape), give_shapes(input.name, example));
}

// The allowed shapes that we write where a manifest or another format has them.
bool states_sizes(const Model& model, const std::string& input) {
  const auto& proto = *static_cast<const ModelProto*>(model.owner.get());
  const std::string key = mlq::sizes_key(input);
  return std::ranges::any_of(proto.metadata_props(), [&](const auto& entry) { return entry.key() == key; });
}

void add_input(Build& b, const ::onnx::ValueInfoProto& info) {
  const TypeProto::Tensor& type = tensor_type(b.model, info);
  if (!type.has_shape())
    refuse(b.model.source, "MLQ337",
           fmt::format("the file does not say which shape the input '{}' has", info.name()),
           give_shapes(info.name(), "1x3x224x224"));
  mlq::Feature feature;
  feature.name = info.name();
  feature.description = info.doc_string();
  feature.type = outside(type.elem_type());
  for (const auto& dim : type.shape().dim())
    feature.shape.push_back(dim.has_dim_value() && dim.dim_value() >= 0 ? dim.dim_value() : -1);
  // The first dimension is that of the batch: apps predict one sample at a time, unless somebody said more.
  if (feature.shape.size() > 1 && feature.shape[0] < 0 && !states_sizes(b.model, info.name()))
    feature.shape[0] = 1;
  Value value = b.input(info.name(), type.elem_type(), feature.shape);
  feature.tensor = value.id;
  b.begin(info.name(), "input");
  if (type.elem_type() == t_uint64) {  // as doubles, the largest of them would lose digits on their way in
    b.graph.tensors[static_cast<std::size_t>(value.id)].type = mlq::DataType::uint64;
    value.id = b.node("Cast", {value}, {{"to", std::int64_t{t_int64}}}).id;
  }
  b.define(info.name(), value);
  b.graph.inputs.push_back(std::move(feature));
}

bool is_made_by_node(const Build& b, const Value& value) {
  if (b.is_constant(value)) return false;
  for (const mlq::Feature& feature : b.graph.inputs)
    if (feature.tensor == value.id) return false;
  for (const mlq::Feature& feature : b.graph.outputs)
    if (feature.tensor == value.id) return false;
  return true;
}

void add_output(Build& b, const ::onnx::ValueInfoProto& info) {
  Value value = b.resolve(info.name());
  if (value.list || !value.given())
    refuse(b.model.source, "MLQ335",
           fmt::format("the output '{}' is a sequence, or nothing at all", info.name()),
           "export the model with tensors as outputs");
  b.begin(info.name(), "output");
  // Of a small float, what leaves is on its grid, whatever was computed with float32.
  if (is_float(value.type) && bits_of(value.type) < 32 && value.type != t_half) {
    value = b.node("RoundFloat", {value}, {{"to", std::int64_t{value.type}}}, value.type);
  }
  if (value.type == t_uint64) {
    value = b.stated("Cast", {value}, {{"to", std::int64_t{t_uint64}}}, {{t_uint64, b.shape(value)}})[0];
    b.graph.tensors[static_cast<std::size_t>(value.id)].type = mlq::DataType::uint64;
  } else if (!is_made_by_node(b, value)) {
    value = b.stated("Identity", {value}, {}, {{value.type, b.shape(value)}})[0];
  }
  mlq::Feature feature;
  feature.name = info.name();
  feature.description = info.doc_string();
  feature.tensor = value.id;
  feature.type = outside(value.type);
  feature.shape = b.shape(value);
  b.graph.outputs.push_back(std::move(feature));
}

void add_metadata(const ModelProto& proto, mlq::Graph& graph) {
  const auto add = [&](const char* key, const std::string& text) {
    if (!text.empty()) graph.metadata.emplace_back(key, text);
  };
  add("producer", proto.producer_name());
  add("description", proto.doc_string());
  for (const auto& entry : proto.metadata_props()) add(entry.key().c_str(), entry.value());
}

}  // namespace

::onnx::ModelProto parse_model(const Source& source) {
  ModelProto proto;
  const auto bytes = source.bytes.bytes;
  if (bytes.size() > std::numeric_limits<int>::max())
    refuse(source, "MLQ333", "the file is larger than 2 GiB", "save the model with external data");
  if (!proto.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())) || !proto.has_graph())
    refuse(source, "MLQ333", "this is no ONNX model, or a damaged one",
           "export it again, or check it with onnx.checker");
  return proto;
}

mlq::Graph import(const Source& source) {
  const auto proto = std::make_shared<const ModelProto>(parse_model(source));
  Model model = describe(source, proto);
  check_supported(model, proto->graph());
  Build b(model);
  // Before IR version 4, initializers were listed among the inputs as well; since then they are defaults.
  std::set<std::string> initialized;
  for (const auto& initializer : proto->graph().initializer()) initialized.insert(initializer.name());
  for (const auto& info : proto->graph().input())
    if (!initialized.contains(info.name())) add_input(b, info);
  for (const mlq::Feature& input : b.graph.inputs)
    if (model.open.empty() && std::ranges::count(input.shape, -1) > 0) model.open = hint_of(input);
  b.begin("", "");
  lower_graph(b, proto->graph());
  for (const auto& info : proto->graph().output()) add_output(b, info);
  add_metadata(*proto, b.graph);
  return std::move(b.graph);
}

}  // namespace mlqc::onnx_format
