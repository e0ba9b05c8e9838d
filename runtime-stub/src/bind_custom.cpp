#include "runtime-stub/src/bind_custom.h"

#include <algorithm>

namespace mlq {

namespace {

bool lacks_code(const Graph& graph) {
  return std::any_of(graph.nodes.begin(), graph.nodes.end(), [](const Node& node) {
    if (node.op == custom_op) return !node.code;
    return std::any_of(node.attributes.begin(), node.attributes.end(), [](const auto& attribute) {
      const auto* inner = std::get_if<std::shared_ptr<const Graph>>(&attribute.second);
      return inner && lacks_code(**inner);
    });
  });
}

Status bind(Node& node, std::span<const CustomClass> classes) {
  if (node.code) return {};
  const std::string name = custom_class_of(node);
  const auto found = std::find_if(classes.begin(), classes.end(),
                                  [&](const CustomClass& candidate) { return candidate.name == name; });
  if (found == classes.end() || !found->create)
    return Failure{describe_custom(node) +
                   " is not supported: the program names no such class in LoadOptions::custom_layers"};
  node.code = std::make_shared<const CustomClass>(*found);
  return {};
}

}  // namespace

Status bind_custom(Graph& graph, std::span<const CustomClass> classes) {
  if (!lacks_code(graph)) return {};
  for (Node& node : graph.nodes) {
    if (node.op == custom_op) {
      if (Status status = bind(node, classes); !status) return status;
      continue;
    }
    for (auto& [key, attribute] : node.attributes) {
      auto* inner = std::get_if<std::shared_ptr<const Graph>>(&attribute);
      if (!inner || !lacks_code(**inner)) continue;
      auto bound = std::make_shared<Graph>(**inner);  // graphs within graphs are shared and do not change
      if (Status status = bind_custom(*bound, classes); !status) return status;
      *inner = std::move(bound);
    }
  }
  return {};
}

}  // namespace mlq
