// A GraphProto on its way to a Graph.
#pragma once

#include <map>
#include <set>
#include <string>

#include "compiler/frontends/frontend.h"

namespace onnx {
class GraphProto;
class ModelProto;
class NodeProto;
class FunctionProto;
}  // namespace onnx

namespace mlqc::onnx_format {

// What is the same for every graph of one model.
struct Model {
  const Source& source;
  int opset = 1;
  std::map<std::string, const ::onnx::FunctionProto*> functions;  // by "domain::name"
  std::set<std::string> unsupported;  // "Op (node)", collected so that all are named at once
  int fresh = 0;                      // numbers the values that upgrades invent
};

// `outer` is the graph around a subgraph, whose values a subgraph may read, or null.
struct Scope {
  mlq::Graph graph;
  std::map<std::string, mlq::TensorId> ids;
  const Scope* outer = nullptr;
};

// Initializers, inputs, nodes and outputs of `proto`, in this order.
void build_graph(const ::onnx::GraphProto& proto, Model& model, Scope& scope);

// The id of a value that exists; of an outer graph's value, a tensor of the same name that is neither made
// here nor constant. no_tensor for "". Throws Error MLQ334.
mlq::TensorId resolve(Scope& scope, const std::string& name, const Model& model);

// Adds what stands for `node`: upgraded to operator set 17, functions inlined, constants folded into tensors.
void add_node(const ::onnx::NodeProto& node, Model& model, Scope& scope);

}  // namespace mlqc::onnx_format
