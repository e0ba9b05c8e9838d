// The graph in the making: what the lowerings of all layers share.
//
// Blobs are tensors by name. Core ML computes on floats alone, so every blob is float32: indices and truth
// values are cast where an operator wants another type, and cast back.
//
// Networks with the RANK5 array mapping think in [Sequence, Batch, C, H, W]; here their blobs are [N, C, H,
// W] with N the sequence (the batch is one), so that ordinary picture networks become ordinary NCHW graphs.
// In the other networks blobs have the rank that they say. C, H and W are the axes -3, -2 and -1 in both.
#pragma once

#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/frontends/coreml/weights.h"
#include "compiler/frontends/frontend.h"
#include "mlq/graph.h"

namespace mlqc::coreml {

class NeuralNetworkLayer;
class Weights;

using mlq::Shape;
using mlq::TensorId;
using Ids = std::vector<TensorId>;
using Ints = std::vector<std::int64_t>;
using Attributes = std::map<std::string, mlq::Attribute, std::less<>>;

class Build {
 public:
  Build(const Source& source, const WeightMap& weights) : source(source), weights(weights) {}
  // The graph of a branch or of a loop's body: it reads the blobs of `outer`, which must outlive it, and what
  // it makes is its own.
  explicit Build(Build& outer);

  const Source& source;
  const WeightMap& weights;
  mlq::Graph graph;
  bool rank5 = true;                                   // the array mapping
  const NeuralNetworkLayer* layer = nullptr;           // the one being lowered
  std::map<std::string, TensorId, std::less<>> blobs;  // by name; of a nested graph, those that it made
  std::map<std::string, int, std::less<>> reads;       // of the whole network: how often a blob is read
  std::string prefix;                                  // of tensors' names, where networks share a graph
  std::map<std::string, TensorId, std::less<>> given;  // inputs that an earlier model of a pipeline makes
  std::string stage = "preprocessing";                 // names the nodes that are of no layer
  std::string subject = "the network";                 // of sentences about no layer

  // Of nested graphs: the graph around, and around all.
  Build& root() { return outer_ ? outer_->root() : *this; }
  bool nested() const { return outer_ != nullptr; }
  // Whether the blob exists here or in a graph around this one, and its tensor in this graph.
  bool knows(std::string_view name) const;
  TensorId find(std::string_view name);

  void begin(const NeuralNetworkLayer& layer);

  // Throws Error MLQ312: the layer, its kind, and what is wrong.
  [[noreturn]] void fail(const std::string& what) const;
  // fail() unless `good`.
  void require(bool good, const char* what) const;

  int inputs() const;
  int outputs() const;
  TensorId in(int i = 0);
  Ids ins();
  // Gives the layer's output its tensor. The float form of a tensor of another type is made here.
  void out(TensorId id, int i = 0);

  // One operation of the current layer; its result's shape is inferred at once.
  TensorId node(std::string op, Ids inputs, Attributes attributes = {});
  Ids nodes(std::string op, Ids inputs, int outputs, Attributes attributes = {});
  // A result of a node whose shape only the caller can tell: one with graphs as attributes.
  TensorId result(const Shape& shape);

  TensorId number(float value);  // a scalar
  TensorId floats(const Shape& shape, std::span<const float> values);
  TensorId ints(const Ints& values);  // a vector
  TensorId scalar(std::int64_t value);
  // A weight of the current layer, as it lies in the file: `count` groups of a quantization run along `axis`.
  TensorId weight(const Weights& weights, const Shape& shape, int axis = 0);

  const Shape& shape(TensorId id) const { return graph.tensors[static_cast<std::size_t>(id)].shape; }
  int rank(TensorId id) const { return static_cast<int>(shape(id).size()); }
  // The dimension, counted from the end for axis < 0; fails on axes that are not there.
  std::int64_t dimension(TensorId id, std::int64_t axis) const;
  // The axis counted from the front; fails outside [-rank, rank).
  std::int64_t axis(std::int64_t axis, int rank) const;

  // Common short forms.
  TensorId cast(TensorId id, mlq::DataType type);  // nothing when it is of the type already
  TensorId indices(TensorId id) { return cast(id, mlq::DataType::int64); }
  TensorId truth(TensorId id) { return cast(id, mlq::DataType::boolean); }
  TensorId reshape(TensorId id, const Ints& target) { return node("Reshape", {id, ints(target)}); }
  TensorId transpose(TensorId id, const Ints& permutation) {
    return node("Transpose", {id}, {{"perm", permutation}});
  }
  TensorId add(TensorId a, TensorId b) { return node("Add", {a, b}); }
  TensorId subtract(TensorId a, TensorId b) { return node("Sub", {a, b}); }
  TensorId multiply(TensorId a, TensorId b) { return node("Mul", {a, b}); }
  TensorId divide(TensorId a, TensorId b) { return node("Div", {a, b}); }
  // The dimensions as an int64 vector: a constant where they are known.
  TensorId shape_of(TensorId id);

 private:
  void infer(const mlq::Node& node);
  std::string fresh_name(std::string_view what);
  TensorId capture(const mlq::Tensor& tensor);
  TensorId own_weight(const Weights& weights, const Shape& shape, int axis);

  Build* outer_ = nullptr;
  std::size_t first_tensor_ = 0;  // of the current layer
  int fresh_ = 0;
  std::int64_t lowered_ = 0;                               // layers, those of nested graphs included
  std::map<std::size_t, TensorId> shared_weights_;         // of nested graphs, by their place in the map
  std::map<std::string, TensorId, std::less<>> captured_;  // tensors of graphs around, by their names
};

// Zero stands for a default in many places of the format.
template <class T>
T or_default(T value, T otherwise) {
  return value == T{} ? otherwise : value;
}

// A size or count of the file as a signed number; fails above 2^31, which no honest one reaches.
std::int64_t size(const Build& build, std::uint64_t value);
template <class Repeated>
Ints sizes(const Build& build, const Repeated& values) {
  Ints out;
  for (const auto value : values) out.push_back(size(build, static_cast<std::uint64_t>(value)));
  return out;
}
template <class Repeated>
Ints to_ints(const Repeated& values) {
  return {values.begin(), values.end()};
}

}  // namespace mlqc::coreml
