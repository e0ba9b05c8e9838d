// A graph as text: one line per feature, node and constant.
#include <cstdio>

#include "compiler/graph/rewrite.h"

namespace mlqc {
namespace {

using mlq::Graph;
using mlq::TensorId;

std::string number(float value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.9g", static_cast<double>(value));
  return text;
}

template <class T, class F>
std::string list(const std::vector<T>& values, F text) {
  std::string result = "[";
  for (std::size_t i = 0; i < values.size(); ++i) result += (i ? ", " : "") + text(values[i]);
  return result + "]";
}

struct Text {
  std::string operator()(std::int64_t v) const { return std::to_string(v); }
  std::string operator()(float v) const { return number(v); }
  std::string operator()(const std::string& v) const { return "\"" + v + "\""; }
  std::string operator()(const std::vector<std::int64_t>& v) const { return list(v, *this); }
  std::string operator()(const std::vector<float>& v) const { return list(v, *this); }
  std::string operator()(const std::shared_ptr<const Graph>& v) const { return "{\n" + dump(*v) + "}"; }
};

std::string name_of(const Graph& graph, TensorId id) {
  return id == mlq::no_tensor ? "-" : graph.tensors[id].name;
}

std::string where(const mlq::Shape& blocks) {
  const auto axis = mlq::axis_of(blocks);
  if (!axis) return " in blocks of " + mlq::to_string(blocks);
  return *axis < 0 ? "" : " per axis " + std::to_string(*axis);
}

std::string type_of(const mlq::Tensor& tensor) {
  std::string text = std::string(mlq::name_of(tensor.type)) + " " + mlq::to_string(tensor.shape);
  if (!tensor.quantization) return text;
  const auto& q = *tensor.quantization;
  return text + " " + std::to_string(q.bits) + " bit " + (q.table.empty() ? "linear" : "table") +
         where(q.blocks);
}

std::string names(const Graph& graph, const std::vector<TensorId>& ids) {
  std::string text;
  for (std::size_t i = 0; i < ids.size(); ++i) text += (i ? ", " : "") + name_of(graph, ids[i]);
  return text;
}

}  // namespace

std::string dump(const Graph& graph) {
  std::string text;
  for (const auto& input : graph.inputs)
    text += "input " + input.name + " = " + name_of(graph, input.tensor) + ": " +
            type_of(graph.tensors[input.tensor]) + "\n";
  for (const auto& tensor : graph.tensors)
    if (tensor.data) text += "constant " + tensor.name + ": " + type_of(tensor) + "\n";
  for (const auto& node : graph.nodes) {
    text += names(graph, node.outputs) + " = " + node.op + "(" + names(graph, node.inputs) + ")";
    for (const auto& [key, value] : node.attributes) text += " " + key + "=" + std::visit(Text(), value);
    if (!node.outputs.empty() && node.outputs[0] != mlq::no_tensor)
      text += ": " + type_of(graph.tensors[node.outputs[0]]);
    text += "  # " + node.name + "\n";
  }
  for (const auto& output : graph.outputs)
    text += "output " + output.name + " = " + name_of(graph, output.tensor) + "\n";
  return text;
}

}  // namespace mlqc
