#include "compiler/quantize/stages.h"

#include <algorithm>
#include <set>

namespace mlqc {

namespace {

using mlq::Graph;
using mlq::Node;
using mlq::TensorId;

std::size_t index(TensorId id) { return static_cast<std::size_t>(id); }

// Nodes that some product depends on, and the products.
std::vector<bool> needed_nodes(const Graph& graph, const std::vector<Product>& products) {
  std::vector<bool> wanted(graph.tensors.size()), needed(graph.nodes.size());
  for (const Product& product : products) needed[product.node] = true;
  for (std::size_t n = graph.nodes.size(); n-- > 0;) {
    const Node& node = graph.nodes[n];
    for (const TensorId id : node.outputs)
      needed[n] = needed[n] || (id != mlq::no_tensor && wanted[index(id)]);
    if (!needed[n]) continue;
    for (const TensorId id : node.inputs)
      if (id != mlq::no_tensor) wanted[index(id)] = true;
  }
  return needed;
}

class Cutter {
 public:
  Cutter(const Graph& graph, const std::vector<Product>& products)
      : graph_(graph),
        products_(products),
        waiting_(needed_nodes(graph, products)),
        there_(graph.tensors.size()),
        product_(graph.nodes.size(), -1) {
    for (std::size_t i = 0; i < products.size(); ++i) product_[products[i].node] = static_cast<int>(i);
    for (std::size_t i = 0; i < graph.tensors.size(); ++i) there_[i] = graph.tensors[i].data.has_value();
    for (const mlq::Feature& input : graph.inputs) there_[index(input.tensor)] = true;
  }

  std::vector<Stage> run() {
    std::vector<Stage> stages;
    for (std::size_t left = products_.size(); left > 0; left -= stages.back().products.size()) {
      Stage stage;
      if (!stages.empty())
        for (const std::size_t p : stages.back().products) take(products_[p].node, stage);
      for (std::size_t n = 0; n < graph_.nodes.size(); ++n) visit(n, stage);
      if (stage.products.empty()) break;  // what is left depends on something that no node makes
      std::sort(stage.nodes.begin(), stage.nodes.end());
      stage.live = live();
      stages.push_back(std::move(stage));
    }
    return stages;
  }

 private:
  bool ready(const Node& node) const {
    return std::all_of(node.inputs.begin(), node.inputs.end(),
                       [&](TensorId id) { return id == mlq::no_tensor || there_[index(id)]; });
  }

  void take(std::size_t n, Stage& stage) {
    stage.nodes.push_back(n);
    waiting_[n] = false;
    for (const TensorId id : graph_.nodes[n].outputs)
      if (id != mlq::no_tensor) there_[index(id)] = true;
  }

  void visit(std::size_t n, Stage& stage) {
    if (!waiting_[n] || !ready(graph_.nodes[n])) return;
    if (product_[n] >= 0)
      stage.products.push_back(static_cast<std::size_t>(product_[n]));
    else
      take(n, stage);
  }

  std::vector<TensorId> live() const {
    std::set<TensorId> ids;
    for (std::size_t n = 0; n < graph_.nodes.size(); ++n)
      for (const TensorId id : graph_.nodes[n].inputs)
        if (waiting_[n] && id != mlq::no_tensor && there_[index(id)] && !graph_.tensors[index(id)].data)
          ids.insert(id);
    return {ids.begin(), ids.end()};
  }

  const Graph& graph_;
  const std::vector<Product>& products_;
  std::vector<bool> waiting_, there_;
  std::vector<int> product_;  // of each node, or -1
};

std::vector<mlq::Feature> features(const Graph& graph, const std::vector<TensorId>& ids) {
  std::vector<mlq::Feature> result;
  for (const TensorId id : ids) {
    const mlq::Tensor& tensor = graph.tensors[index(id)];
    mlq::Feature feature;
    feature.name = tensor.name;
    feature.tensor = id;
    feature.shape = tensor.shape;
    feature.type = tensor.type;
    result.push_back(std::move(feature));
  }
  return result;
}

}  // namespace

std::vector<Stage> make_stages(const Graph& graph, const std::vector<Product>& products) {
  return Cutter(graph, products).run();
}

Graph segment(const Graph& graph, const std::vector<std::size_t>& nodes, const std::vector<TensorId>& inputs,
              const std::vector<TensorId>& outputs) {
  Graph result;
  result.tensors = graph.tensors;
  for (const std::size_t n : nodes) result.nodes.push_back(graph.nodes[n]);
  result.inputs = inputs.empty() ? graph.inputs : features(graph, inputs);
  result.outputs = features(graph, outputs);
  return result;
}

}  // namespace mlqc
