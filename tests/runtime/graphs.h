// Small graphs for the tests of the runtime.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "mlq/model.h"

namespace mlq::test {

// Builds a graph by naming tensors.
struct Builder {
  Graph graph;

  TensorId input(const std::string& name, Shape shape, DataType type = DataType::float32) {
    const TensorId id = add_tensor(graph, {name, type, shape, {}, {}});
    graph.inputs.push_back({name, "", FeatureKind::tensor, id, std::move(shape), type, Color::rgb});
    return id;
  }
  TensorId constant(const std::string& name, Shape shape, const std::vector<float>& values) {
    return add_constant(graph, name, std::move(shape), std::span<const float>(values));
  }
  TensorId integers(const std::string& name, const std::vector<std::int64_t>& values) {
    return add_constant(graph, name, {static_cast<std::int64_t>(values.size())},
                        std::span<const std::int64_t>(values));
  }
  // A tensor that nothing here defines: in a subgraph, one of the graph around it.
  TensorId outer(const std::string& name) { return add_tensor(graph, {name, DataType::float32, {}, {}, {}}); }
  TensorId node(const std::string& op, std::vector<TensorId> inputs, const std::string& name,
                decltype(Node::attributes) attributes = {}) {
    const TensorId id = outer(name);
    graph.nodes.push_back({op, name, std::move(inputs), {id}, std::move(attributes)});
    return id;
  }
  void output(TensorId id, Shape shape, DataType type = DataType::float32) {
    graph.outputs.push_back(
        {graph.tensors[id].name, "", FeatureKind::tensor, id, std::move(shape), type, Color::rgb});
  }
  // With the shapes of all tensors; a failure shows up when the graph is loaded.
  Graph finish() const {
    Graph copy = graph;
    if (Status status = infer_shapes(copy); !status) copy.tensors.clear();
    return copy;
  }
};

inline View view_of(const std::vector<float>& values, Shape shape) {
  return {DataType::float32, std::move(shape), values.data()};
}

inline std::vector<float> floats_of(const Array& array) {
  return {array.floats().begin(), array.floats().end()};
}

// Reproducible numbers, the same on every machine.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed * 2654435761u + 1) {}
  std::uint64_t next() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    return state_ ^= state_ << 17;
  }
  std::size_t below(std::size_t n) { return next() % n; }
  float number() { return static_cast<float>(static_cast<int>(below(2001)) - 1000) / 500; }
  std::vector<float> numbers(std::size_t n) {
    std::vector<float> values(n);
    std::generate(values.begin(), values.end(), [&] { return number(); });
    return values;
  }

 private:
  std::uint64_t state_;
};

}  // namespace mlq::test
