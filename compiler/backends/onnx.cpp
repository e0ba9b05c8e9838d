// Of an ONNX source, its own model with other weights: what the graph has quantized becomes numbers of few
// bits and standard operators that turn them into the weights again; everything else stays as it was.
#include <onnx/onnx_pb.h>

#include <algorithm>
#include <map>
#include <set>

#include "compiler/backends/formats.h"
#include "compiler/backends/onnx_external.h"
#include "compiler/backends/onnx_floats.h"
#include "compiler/backends/onnx_weights.h"
#include "compiler/backends/onnx_writer/write.h"
#include "compiler/graph/rewrite.h"
#include "compiler/support/error.h"

namespace mlqc {

namespace {

using mlq::Tensor;
using ::onnx::AttributeProto;
using ::onnx::GraphProto;
using ::onnx::NodeProto;
using ::onnx::TensorProto;

[[noreturn]] void refuse(const Source& source, const std::string& what, const std::string& hint) {
  throw Error(Exit::usage, {{source.path.string()}, what, "MLQ502", hint, {}});
}

bool is_float(int type) {
  return type == TensorProto::FLOAT || type == TensorProto::FLOAT16 || type == TensorProto::DOUBLE;
}

struct Rewriter {
  const Source& source;
  int opset;
  std::map<std::string, const Tensor*> wanted = {};  // weights in fewer bits, by name
  bool restores_halves = false;                      // weights that were halves are floats now
  std::set<std::string> multiplied = {};             // what MatMul nodes read

  // Nothing when the weight stays as it is. Integers in the file are weights that were quantized before.
  std::vector<NodeProto> replacement(const std::string& name, const TensorProto& proto) {
    const auto found = wanted.find(name);
    if (found == wanted.end() || !is_float(proto.data_type())) return {};
    const bool half = proto.data_type() == TensorProto::FLOAT16;
    if (!found->second->quantization && half) return {};
    restores_halves |= half;
    return restoring_nodes(source, *found->second, name, half ? TensorProto::FLOAT : proto.data_type(), opset,
                           multiplied.contains(name) ? Reader::matmul : Reader::any);
  }

  void rewrite(GraphProto& graph) {
    for (const NodeProto& node : graph.node())
      if (node.op_type() == "MatMul") multiplied.insert(node.input().begin(), node.input().end());
    std::vector<NodeProto> nodes;
    for (int i = graph.initializer_size(); i-- > 0;) {
      const std::string name = graph.initializer(i).name();
      std::vector<NodeProto> made = replacement(name, graph.initializer(i));
      if (made.empty()) continue;
      nodes.insert(nodes.begin(), made.begin(), made.end());
      graph.mutable_initializer()->DeleteSubrange(i, 1);
      for (int k = graph.input_size(); k-- > 0;)  // where old versions of the format list it, too
        if (graph.input(k).name() == name) graph.mutable_input()->DeleteSubrange(k, 1);
    }
    for (NodeProto& node : *graph.mutable_node()) {
      for (AttributeProto& attribute : *node.mutable_attribute())
        if (attribute.has_g()) rewrite(*attribute.mutable_g());
      std::vector<NodeProto> made;
      if (node.op_type() == "Constant" && node.output_size() == 1 && node.attribute_size() == 1)
        made = replacement(node.output(0), node.attribute(0).t());
      if (made.empty()) made.push_back(std::move(node));
      nodes.insert(nodes.end(), made.begin(), made.end());
    }
    graph.clear_node();
    for (NodeProto& node : nodes) *graph.add_node() = std::move(node);
  }
};

void collect(const mlq::Graph& graph, std::map<std::string, const Tensor*>& wanted) {
  for (const Tensor& tensor : graph.tensors)
    if (tensor.data && (tensor.quantization || tensor.type == mlq::DataType::float16))
      wanted.emplace(tensor.name, &tensor);
  for (const mlq::Node& node : graph.nodes)
    for (const auto& [key, value] : node.attributes)
      if (const auto* inner = std::get_if<std::shared_ptr<const mlq::Graph>>(&value))
        collect(**inner, wanted);
}

::onnx::ModelProto rewritten(const Source& source, const mlq::Graph& graph) {
  ::onnx::ModelProto proto;
  const auto bytes = source.bytes.bytes;
  if (!proto.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
    refuse(source, "the source is no ONNX model", "");
  Rewriter rewriter{source, 1};
  for (const auto& set : proto.opset_import())
    if (set.domain().empty() || set.domain() == "ai.onnx") rewriter.opset = static_cast<int>(set.version());
  collect(graph, rewriter.wanted);
  rewriter.rewrite(*proto.mutable_graph());
  if (rewriter.restores_halves) compute_in_floats(proto);
  return proto;
}

std::vector<std::byte> serialized(const Source& source, const ::onnx::ModelProto& proto) {
  const std::string text = proto.SerializeAsString();
  if (text.empty()) refuse(source, "the quantized ONNX model is larger than 2 GiB", "emit mlq alone");
  const auto all = std::as_bytes(std::span(text));
  return {all.begin(), all.end()};
}

}  // namespace

void check_onnx(const Source& source, const mlq::Graph& graph) {
  if (source.format != "onnx") onnx_writer::check(source, simplify(graph));
}

std::vector<std::byte> write_onnx(const Source& source, const mlq::Graph& graph) {
  if (source.format != "onnx") return onnx_writer::write(source, graph);
  return serialized(source, rewritten(source, graph));
}

std::vector<WrittenFile> write_onnx_files(const Source& source, const mlq::Graph& graph,
                                          const std::string& name) {
  if (source.format != "onnx") return {{".onnx", write_onnx(source, graph)}};
  const std::string beside = ".onnx.data";
  ::onnx::ModelProto proto = rewritten(source, graph);
  std::vector<std::byte> data = gather_external(source, proto, name + beside);
  std::vector<WrittenFile> files = {{".onnx", serialized(source, proto)}};
  if (!data.empty()) files.push_back({beside, std::move(data)});
  return files;
}

}  // namespace mlqc
