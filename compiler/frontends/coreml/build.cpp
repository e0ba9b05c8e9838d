#include "compiler/frontends/coreml/build.h"

#include <array>
#include <utility>

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

Build::Build(Build& outer)
    : source(outer.source),
      weights(outer.weights),
      rank5(outer.rank5),
      layer(outer.layer),
      stage(outer.stage),
      subject(outer.subject),
      outer_(&outer) {}

// Bodies of loops are lowered more than once, so that nested ones could keep a hostile file's reader busy.
constexpr std::int64_t most_layers = 1 << 17;

void Build::begin(const NeuralNetworkLayer& next) {
  layer = &next;
  first_tensor_ = graph.tensors.size();
  if (++root().lowered_ > most_layers) fail("stands in loops that are nested too deeply");
}

bool Build::knows(std::string_view name) const {
  return blobs.find(name) != blobs.end() || (outer_ && outer_->knows(name));
}

TensorId Build::find(std::string_view name) {
  if (const auto own = blobs.find(name); own != blobs.end()) return own->second;
  for (const Build* b = outer_; b; b = b->outer_)
    if (const auto found = b->blobs.find(name); found != b->blobs.end())
      return capture(b->graph.tensors[static_cast<std::size_t>(found->second)]);
  fail("reads '" + std::string(name) + "', which nothing before it makes");
}

// A nested graph names a tensor of a graph around it; names are unique, as fresh_name and out see to.
TensorId Build::capture(const Tensor& tensor) {
  const auto [place, is_new] = captured_.emplace(tensor.name, mlq::no_tensor);
  if (is_new) place->second = mlq::add_tensor(graph, {tensor.name, seen_type(tensor), tensor.shape, {}, {}});
  return place->second;
}

// All weights belong to the outermost graph, where the quantizer looks for them; a body that is lowered again
// finds them there.
TensorId Build::weight(const Weights& message, const Shape& shape, int axis) {
  if (!outer_) return own_weight(message, shape, axis);
  Build& all = root();
  const auto [place, is_new] = all.shared_weights_.emplace(message.place(), mlq::no_tensor);
  if (is_new) {
    const NeuralNetworkLayer* const before = std::exchange(all.layer, layer);
    place->second = all.own_weight(message, shape, axis);
    all.layer = before;
  }
  return capture(all.graph.tensors[static_cast<std::size_t>(place->second)]);
}

void Build::fail(const std::string& what) const {
  const std::string who =
      layer ? "layer '" + layer->name() + "' (" + kind_name(*layer) + ") " : subject + " ";
  throw Error(Exit::model, {{source.path.string()}, who + what, "MLQ312", "", {}});
}

void Build::require(bool good, const char* what) const {
  if (!good) fail(what);
}

int Build::inputs() const { return layer->input_size(); }
int Build::outputs() const { return layer->output_size(); }

TensorId Build::in(int i) {
  if (i >= inputs()) fail("needs " + std::to_string(i + 1) + " inputs and has " + std::to_string(inputs()));
  return find(layer->input(i));
}

Ids Build::ins() {
  Ids ids;
  for (int i = 0; i < inputs(); ++i) ids.push_back(in(i));
  return ids;
}

void Build::out(TensorId id, int i) {
  if (i >= outputs()) fail("has " + std::to_string(outputs()) + " outputs, needs " + std::to_string(i + 1));
  id = cast(id, DataType::float32);
  if (rank(id) == 0) id = reshape(id, {1});  // blobs have at least one dimension
  Tensor& tensor = graph.tensors[static_cast<std::size_t>(id)];
  // Nested graphs find tensors by name, so that a name is given once; a copy may make a blob anew.
  const bool own = static_cast<std::size_t>(id) >= first_tensor_ && !tensor.data;
  if (own && !outer_ && !knows(layer->output(i))) tensor.name = prefix + layer->output(i);
  blobs.insert_or_assign(layer->output(i), id);
}

TensorId Build::node(std::string op, Ids inputs, Attributes attributes) {
  return nodes(std::move(op), std::move(inputs), 1, std::move(attributes))[0];
}

Ids Build::nodes(std::string op, Ids inputs, int outputs, Attributes attributes) {
  mlq::Node node{std::move(op), layer ? layer->name() : stage, std::move(inputs), {}, std::move(attributes)};
  for (int i = 0; i < outputs; ++i) {
    Tensor result;
    result.name = fresh_name(node.name);
    node.outputs.push_back(mlq::add_tensor(graph, std::move(result)));
  }
  infer(node);
  graph.nodes.push_back(node);
  return node.outputs;
}

TensorId Build::result(const Shape& shape) {
  return mlq::add_tensor(graph,
                         {fresh_name(layer ? layer->name() : stage), DataType::float32, shape, {}, {}});
}

void Build::infer(const mlq::Node& node) {
  if (mlq::Status status = infer_node(graph, node); !status) fail("cannot be: " + status.error());
}

std::string Build::fresh_name(std::string_view what) {
  return std::string(what) + ":" + std::to_string(root().fresh_++);
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
