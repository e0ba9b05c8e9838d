// A Core ML neural network in the making, from a Graph of any source. Its blobs have exactly the graph's
// shapes (EXACT_ARRAY_MAPPING, specification version 4 and later), so that every node becomes a layer or a
// few of them.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/frontends/frontend.h"
#include "mlq/graph.h"

namespace mlqc::coreml {
class Model;
class NeuralNetwork;
class NeuralNetworkLayer;
class Weights;
}  // namespace mlqc::coreml

namespace mlqc::coreml_writer {

using coreml::NeuralNetworkLayer;
using mlq::Shape;
using mlq::TensorId;
using Ints = std::vector<std::int64_t>;
using Blobs = std::vector<std::string>;

class Writer {
 public:
  Writer(const Source& source, const mlq::Graph& graph, coreml::NeuralNetwork& network);
  // Of a network inside of another: it sees the blobs of `outer`, which must outlive it, by their names.
  Writer(Writer& outer, const mlq::Graph& graph, coreml::NeuralNetwork& network);

  const Source& source;
  const mlq::Graph& graph;

  // What is written from here on.
  void begin(const mlq::Node& node);
  const mlq::Node& node() const { return *node_; }
  // Throws Error MLQ502: the layer, its operator, and what is wrong.
  [[noreturn]] void fail(const std::string& what) const;
  void require(bool good, const char* what) const;

  bool given(std::size_t i) const;
  TensorId operand(std::size_t i) const;  // fails when it is not given
  const Shape& shape(std::size_t i) const { return tensor(operand(i)).shape; }
  int rank(std::size_t i) const { return static_cast<int>(shape(i).size()); }
  const mlq::Tensor& tensor(TensorId id) const { return graph.tensors[static_cast<std::size_t>(id)]; }
  bool is_constant(std::size_t i) const { return given(i) && tensor(operand(i)).data.has_value(); }
  // The numbers of a constant operand; fails, saying what it is, when it is not one.
  Ints ints(std::size_t i, const char* what) const;
  std::vector<float> floats(std::size_t i, const char* what) const;

  // The blobs of operands (constants are loaded once) and of results.
  std::string in(std::size_t i = 0);
  std::string out(std::size_t i = 0);
  std::string blob(TensorId id);
  std::string fresh();
  // A blob that holds one number.
  std::string number(float value);
  // The result is the operand: no layer.
  void same(std::size_t result = 0, std::size_t operand = 0);
  void name_blob(TensorId id, std::string name);
  // No fresh blob gets this name.
  void reserve(const std::string& name);
  // Under another name.
  void copy(const std::string& from, const std::string& to);
  // The tensor of this graph, or of one around, that a nested graph means by a name; null when there is none.
  const mlq::Tensor* named(const std::string& name) const;

  // Appends a layer named after the node.
  NeuralNetworkLayer& layer(const Blobs& inputs, const Blobs& outputs);
  // The same with one new blob as its result, which is also given.
  std::pair<NeuralNetworkLayer*, std::string> step(const Blobs& inputs);

  // Appends a layer that reads [N, C, H, W]: where the operand has two or three axes, one or two of one place
  // stand behind the channels meanwhile. Fails where it has others.
  void at_rank_4(const std::function<void(NeuralNetworkLayer&)>& fill);

  // Writes a constant, its axes permuted; quantized ones stay so. `axis` is that of the output channels in
  // what is written: the format can hold scales along it only.
  void weights(coreml::Weights& to, TensorId id, const Ints& permutation = {}, int axis = 0);
  // The same of a part of one.
  void weights(coreml::Weights& to, const mlq::Tensor& part, int axis = 0);
  // Nothing in a layer may be floats beside half floats; called when a layer has all its weights.
  void finish();

  int version = 4;  // of the specification: the lowest that has all layers
  void needs_version(int least) {
    if (outer_) return outer_->needs_version(least);
    version = least > version ? least : version;
  }

 private:
  Writer& root() { return outer_ ? outer_->root() : *this; }
  std::string unique(std::string name, std::set<std::string>& names);
  std::string blob_around(const mlq::Tensor& tensor);

  coreml::NeuralNetwork& network_;
  Writer* outer_ = nullptr;
  std::set<TensorId> made_;  // of a nested graph: its inputs and the results of its nodes
  const mlq::Node* node_ = nullptr;
  std::map<TensorId, std::string> blobs_;
  std::map<float, std::string> numbers_;
  std::set<std::string> blob_names_, layer_names_;
  std::vector<coreml::Weights*> layer_weights_;
};

// Writes the node that the writer stands at.
struct Row {
  std::string_view op;
  void (*write)(Writer& writer, const Row& row);
  void (*set)(NeuralNetworkLayer& layer) = nullptr;  // which layer, of rows that need no more
};

std::span<const Row> activation_rows();
std::span<const Row> arithmetic_rows();
std::span<const Row> control_rows();
std::span<const Row> custom_rows();
std::span<const Row> dense_rows();
std::span<const Row> normalization_rows();
std::span<const Row> recurrent_rows();
std::span<const Row> search_rows();
std::span<const Row> shape_rows();
std::span<const Row> spatial_rows();

const Row* find_row(std::string_view op);

// The layers of all nodes.
void write_nodes(Writer& writer);

// Reads like the operator: one layer of all operands.
void direct(Writer& writer, const Row& row);

// Inputs before the layers, outputs after them, labels.
void write_inputs(Writer& writer, coreml::Model& model);
void write_outputs(Writer& writer, coreml::Model& model, coreml::NeuralNetwork& network);

}  // namespace mlqc::coreml_writer
