#include <fmt/format.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <onnx/onnx_pb.h>

#include <limits>

#include "compiler/frontends/onnx/build.h"
#include "compiler/frontends/onnx/onnx.h"
#include "compiler/frontends/onnx/tensor.h"
#include "compiler/support/error.h"

namespace mlqc {

namespace onnx_format {

namespace {

using ::onnx::ValueInfoProto;

[[noreturn]] void refuse(const Source& source, const char* code, const std::string& what, const char* hint) {
  throw Error(Exit::model, {{source.path.string()}, what, code, hint, {}});
}

mlq::Feature to_feature(const ValueInfoProto& info, const Model& model) {
  if (!info.type().has_tensor_type() && info.type().value_case() != ::onnx::TypeProto::VALUE_NOT_SET)
    refuse(model.source, "MLQ335",
           fmt::format("'{}' is a sequence, map or optional, which mlq does not support", info.name()),
           "export the model with tensors as inputs and outputs");
  mlq::Feature feature;
  feature.name = info.name();
  feature.description = info.doc_string();
  const auto& tensor = info.type().tensor_type();
  if (tensor.elem_type() != 0)
    feature.type = to_data_type(tensor.elem_type(), fmt::format("'{}'", info.name()), model.source);
  for (const auto& dim : tensor.shape().dim())
    feature.shape.push_back(dim.has_dim_value() ? dim.dim_value() : -1);
  return feature;
}

void add_initializers(const ::onnx::GraphProto& proto, Model& model, Scope& scope) {
  for (const auto& initializer : proto.initializer())
    scope.ids[initializer.name()] = mlq::add_tensor(scope.graph, to_tensor(initializer, model.source));
  if (proto.sparse_initializer_size() > 0)
    refuse(model.source, "MLQ331", "the model has sparse initializers, which mlq does not support",
           "store them dense");
}

// Before IR version 4, initializers were listed among the inputs as well.
void add_inputs(const ::onnx::GraphProto& proto, Model& model, Scope& scope) {
  for (const auto& info : proto.input()) {
    if (scope.ids.contains(info.name())) continue;
    mlq::Feature feature = to_feature(info, model);
    feature.tensor = mlq::add_tensor(scope.graph, {info.name(), feature.type, feature.shape, {}, {}});
    scope.ids[info.name()] = feature.tensor;
    scope.graph.inputs.push_back(std::move(feature));
  }
}

void add_outputs(const ::onnx::GraphProto& proto, Model& model, Scope& scope) {
  for (const auto& info : proto.output()) {
    mlq::Feature feature = to_feature(info, model);
    feature.tensor = resolve(scope, info.name(), model);
    scope.graph.outputs.push_back(std::move(feature));
  }
}

// Outputs that the file leaves open take what inference found.
void settle_outputs(mlq::Graph& graph) {
  for (mlq::Feature& output : graph.outputs) {
    const mlq::Tensor& tensor = graph.tensors[static_cast<std::size_t>(output.tensor)];
    output.type = tensor.type;
    if (mlq::element_count(tensor.shape)) output.shape = tensor.shape;
  }
}

int opset_of(const ::onnx::ModelProto& proto) {
  for (const auto& set : proto.opset_import())
    if (set.domain().empty() || set.domain() == "ai.onnx") return static_cast<int>(set.version());
  return 1;  // IR version 1 and 2 name none
}

::onnx::ModelProto parse(const Source& source) {
  ::onnx::ModelProto proto;
  if (source.bytes.bytes.size() > std::numeric_limits<int>::max())
    refuse(source, "MLQ333", "the file is larger than 2 GiB", "save the model with external data");
  if (!proto.ParseFromArray(source.bytes.bytes.data(), static_cast<int>(source.bytes.bytes.size())) ||
      !proto.has_graph())
    refuse(source, "MLQ333", "this is no ONNX model, or a damaged one",
           "export it again, or check it with onnx.checker");
  return proto;
}

void refuse_unsupported(const Model& model) {
  if (model.unsupported.empty()) return;
  Diagnostic diagnostic{
      {model.source.path.string()}, "", "MLQ310", "map them in the manifest: custom_layers: - op: NAME", {}};
  diagnostic.what = fmt::format("{} operator{} not supported", model.unsupported.size(),
                                model.unsupported.size() == 1 ? " is" : "s are");
  diagnostic.notes.assign(model.unsupported.begin(), model.unsupported.end());
  throw Error(Exit::model, diagnostic);
}

}  // namespace

void build_graph(const ::onnx::GraphProto& proto, Model& model, Scope& scope) {
  add_initializers(proto, model, scope);
  add_inputs(proto, model, scope);
  for (const auto& node : proto.node()) add_node(node, model, scope);
  add_outputs(proto, model, scope);
}

}  // namespace onnx_format

mlq::Graph import_onnx(const Source& source) {
  const ::onnx::ModelProto proto = onnx_format::parse(source);
  onnx_format::Model model{source, onnx_format::opset_of(proto), {}, {}};
  onnx_format::Scope scope;
  onnx_format::build_graph(proto.graph(), model, scope);
  onnx_format::refuse_unsupported(model);
  for (const auto& entry : proto.metadata_props())
    scope.graph.metadata.emplace_back(entry.key(), entry.value());
  if (const mlq::Status status = mlq::infer_shapes(scope.graph); !status)
    onnx_format::refuse(source, "MLQ336", status.error(), "");
  onnx_format::settle_outputs(scope.graph);
  return std::move(scope.graph);
}

}  // namespace mlqc
