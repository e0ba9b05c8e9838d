#include "compiler/frontends/coreml/build.h"

#include <array>

#include "compiler/frontends/coreml/layers.h"
#include "compiler/frontends/coreml/network.pb.h"
#include "compiler/graph/edit.h"
#include "compiler/support/error.h"

namespace mlqc::coreml {

using mlq::DataType;
using mlq::Tensor;

namespace {

// Results of floating-point type are float32 to all readers, however a constant is stored.
DataType seen_type(const Tensor& tensor) {
  return tensor.type == DataType::float16 ? DataType::float32 : tensor.type;
}

}  // namespace

void Build::begin(const NeuralNetworkLayer& next) {
  layer = &next;
  first_tensor_ = graph.tensors.size();
}

void Build::fail(const std::string& what) const {
  const std::string who =
      layer ? "layer '" + layer->name() + "' (" + kind_name(*layer) + ") " : "the network ";
  throw Error(Exit::model, {{source.path.string()}, who + what, "MLQ312", "", {}});
}

void Build::require(bool good, const char* what) const {
  if (!good) fail(what);
}

int Build::inputs() const { return layer->input_size(); }
int Build::outputs() const { return layer->output_size(); }

TensorId Build::in(int i) const {
  if (i >= inputs()) fail("needs " + std::to_string(i + 1) + " inputs and has " + std::to_string(inputs()));
  const auto found = blobs.find(layer->input(i));
  if (found == blobs.end()) fail("reads '" + layer->input(i) + "', which nothing before it makes");
  return found->second;
}

Ids Build::ins() const {
  Ids ids;
  for (int i = 0; i < inputs(); ++i) ids.push_back(in(i));
  return ids;
}

void Build::out(TensorId id, int i) {
  if (i >= outputs()) fail("has " + std::to_string(outputs()) + " outputs, needs " + std::to_string(i + 1));
  id = cast(id, DataType::float32);
  if (rank(id) == 0) id = reshape(id, {1});  // blobs have at least one dimension
  Tensor& tensor = graph.tensors[static_cast<std::size_t>(id)];
  const bool own = static_cast<std::size_t>(id) >= first_tensor_ && !tensor.data;
  if (own) tensor.name = layer->output(i);
  blobs.insert_or_assign(layer->output(i), id);
}

TensorId Build::node(std::string op, Ids inputs, Attributes attributes) {
  return nodes(std::move(op), std::move(inputs), 1, std::move(attributes))[0];
}

Ids Build::nodes(std::string op, Ids inputs, int outputs, Attributes attributes) {
  mlq::Node node{
      std::move(op), layer ? layer->name() : "preprocessing", std::move(inputs), {}, std::move(attributes)};
  for (int i = 0; i < outputs; ++i) {
    Tensor result;
    result.name = fresh_name(node.name);
    node.outputs.push_back(mlq::add_tensor(graph, std::move(result)));
  }
  infer(node);
  graph.nodes.push_back(node);
  return node.outputs;
}

void Build::infer(const mlq::Node& node) {
  if (mlq::Status status = infer_node(graph, node); !status) fail("cannot be: " + status.error());
}

std::string Build::fresh_name(std::string_view what) {
  return std::string(what) + ":" + std::to_string(fresh_++);
}

TensorId Build::number(float value) { return floats({}, std::array{value}); }

TensorId Build::floats(const Shape& shape, std::span<const float> values) {
  return mlq::add_constant(graph, fresh_name("constant"), shape, values);
}

TensorId Build::ints(const Ints& values) {
  return mlq::add_constant(graph, fresh_name("constant"), {static_cast<std::int64_t>(values.size())},
                           std::span<const std::int64_t>(values));
}

TensorId Build::scalar(std::int64_t value) {
  return mlq::add_constant(graph, fresh_name("constant"), {}, std::span<const std::int64_t>(&value, 1));
}

std::int64_t Build::axis(std::int64_t axis, int rank) const {
  if (axis < -rank || axis >= rank)
    fail("has the axis " + std::to_string(axis) + ", which a blob of rank " + std::to_string(rank) +
         " has not");
  return axis < 0 ? axis + rank : axis;
}

std::int64_t Build::dimension(TensorId id, std::int64_t which) const {
  return shape(id)[static_cast<std::size_t>(axis(which, rank(id)))];
}

TensorId Build::cast(TensorId id, DataType type) {
  // ONNX's number of the type (TensorProto.DataType).
  const std::int64_t to = type == DataType::float32 ? 1 : type == DataType::int64 ? 7 : 9;
  const bool same = seen_type(graph.tensors[static_cast<std::size_t>(id)]) == type;
  return same ? id : node("Cast", {id}, {{"to", to}});
}

TensorId Build::shape_of(TensorId id) {
  return mlq::element_count(shape(id)) ? ints(shape(id)) : node("Shape", {id});
}

std::int64_t size(const Build& build, std::uint64_t value) {
  if (value >= std::uint64_t{1} << 31) build.fail("has the impossible size " + std::to_string(value));
  return static_cast<std::int64_t>(value);
}

}  // namespace mlqc::coreml
