#include "compiler/frontends/nhwc/build.h"

#include <algorithm>
#include <array>
#include <set>

#include "compiler/frontends/nhwc/permute.h"
#include "compiler/graph/edit.h"
#include "compiler/support/error.h"

namespace mlqc::nhwc {

using mlq::DataType;
using mlq::Tensor;

namespace {

bool is_integer(DataType type) {
  return type == DataType::int8 || type == DataType::int16 || type == DataType::int32 ||
         type == DataType::int64 || type == DataType::uint8 || type == DataType::uint16 ||
         type == DataType::uint32 || type == DataType::uint64;
}

}  // namespace

void Build::begin(std::string name, std::string kind) {
  name_ = std::move(name);
  kind_ = std::move(kind);
}

void Build::fail(const std::string& what) const {
  const std::string who = name_.empty() ? "the network " : "layer '" + name_ + "' (" + kind_ + ") ";
  throw Error(Exit::model, {{source.path.string()}, who + what, "MLQ312", "", {}});
}

void Build::require(bool good, const char* what) const {
  if (!good) fail(what);
}

TensorId Build::node(std::string op, Ids inputs, Attributes attributes) {
  return nodes(std::move(op), std::move(inputs), 1, std::move(attributes))[0];
}

Ids Build::nodes(std::string op, Ids inputs, std::size_t outputs, Attributes attributes) {
  mlq::Node node{std::move(op), name_, std::move(inputs), {}, std::move(attributes)};
  for (std::size_t i = 0; i < outputs; ++i) {
    Tensor result;
    result.name = fresh_name(name_);
    node.outputs.push_back(mlq::add_tensor(graph, std::move(result)));
  }
  if (mlq::Status status = infer_node(graph, node); !status) fail("cannot be: " + status.error());
  Ids results = node.outputs;
  if (!fold_node(graph, node)) graph.nodes.push_back(std::move(node));
  return results;
}

Ids Build::stated(std::string op, Ids inputs, Attributes attributes, const std::vector<Tensor>& results) {
  mlq::Node node{std::move(op), name_, std::move(inputs), {}, std::move(attributes)};
  for (Tensor result : results) {
    result.name = fresh_name(name_);
    node.outputs.push_back(mlq::add_tensor(graph, std::move(result)));
  }
  graph.nodes.push_back(node);
  return node.outputs;
}

TensorId Build::capture(TensorId outer) {
  const auto [place, is_new] = captured_.try_emplace(outer, mlq::no_tensor);
  if (is_new) place->second = mlq::add_tensor(graph, outer_->tensor(outer));
  return place->second;
}

namespace {

mlq::Feature feature_of(const Tensor& tensor, TensorId id) {
  mlq::Feature feature;
  feature.name = tensor.name;
  feature.tensor = id;
  feature.type = tensor.type;
  feature.shape = tensor.shape;
  return feature;
}

}  // namespace

TensorId Build::argument(const std::string& name, DataType type, const Shape& shape) {
  const TensorId id = mlq::add_tensor(graph, {fresh_name(name), type, shape, {}, {}});
  graph.inputs.push_back(feature_of(tensor(id), id));
  return id;
}

// Memory of its own: what is captured or constant belongs to somebody else.
void Build::result(TensorId id) {
  const Tensor of = tensor(id);
  const TensorId own = stated("Identity", {id}, {}, {{"", of.type, of.shape, {}, {}}})[0];
  graph.outputs.push_back(feature_of(tensor(own), own));
}

std::shared_ptr<const mlq::Graph> Build::finish() {
  Build& all = root();
  std::set<std::string> captured;
  for (const auto& [outer, mine] : captured_) captured.insert(tensor(mine).name);
  captured_.clear();
  remove_dead(graph);  // what is named here counts as read
  for (Tensor& tensor : graph.tensors) {
    if (!tensor.data) continue;
    const bool from_outer = captured.contains(tensor.name);
    const bool real = tensor.type == DataType::float32 || tensor.type == DataType::float16;
    if (!from_outer && (!real || tensor.shape.empty())) continue;
    if (!from_outer && all.moved_.insert(tensor.name).second) mlq::add_tensor(all.graph, tensor);
    if (real) tensor.type = DataType::float32;
    tensor.data.reset();
    tensor.quantization.reset();
  }
  return std::make_shared<const mlq::Graph>(std::move(graph));
}

TensorId Build::input(const std::string& name, DataType type, Shape shape, bool batch) {
  if (batch && !shape.empty() && shape[0] < 0) shape[0] = 1;
  mlq::Feature feature;
  feature.name = name;
  feature.type = type;
  feature.shape = shape;
  Tensor tensor;
  tensor.name = name;
  tensor.type = is_integer(type) ? DataType::int64 : type;
  tensor.shape = std::move(shape);
  feature.tensor = mlq::add_tensor(graph, std::move(tensor));
  graph.inputs.push_back(feature);
  return feature.tensor;
}

void Build::output(const std::string& name, TensorId id) {
  mlq::Feature feature;
  feature.name = name;
  feature.tensor = id;
  feature.type = tensor(id).type == DataType::float16 ? DataType::float32 : tensor(id).type;
  feature.shape = shape(id);
  graph.outputs.push_back(std::move(feature));
}

std::string Build::fresh_name(std::string_view what) {
  return std::string(what) + ":" + std::to_string(root().fresh_++);
}

std::string Build::weight_name(const char* field) {
  const std::string name = name_ + "/" + field;
  const int times = root().used_[name]++;
  return times == 0 ? name : name + "_" + std::to_string(times);
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
    fail("has the axis " + std::to_string(axis) + ", which a tensor of rank " + std::to_string(rank) +
         " has not");
  return axis < 0 ? axis + rank : axis;
}

Ints Build::constant_ints(TensorId id, const char* what) const {
  if (id != mlq::no_tensor)
    if (auto values = integers_of(graph, id)) return *values;
  fail(std::string("needs ") + what + " that are known when it is compiled");
}

TensorId Build::permuted(TensorId id, const Ints& perm, const char* field) {
  if (!is_constant(id)) return transpose(id, perm);
  require(shape(id).size() == perm.size(), "has weights of another rank than it needs");
  Tensor result = permute(tensor(id), perm);
  result.name = weight_name(field);
  return mlq::add_tensor(graph, std::move(result));
}

TensorId Build::reshaped(TensorId id, const Shape& target, const char* field) {
  if (!is_constant(id)) return reshape(id, target);
  Tensor result = tensor(id);
  require(mlq::element_count(target) == mlq::element_count(result.shape) &&
              (!result.quantization || mlq::axis_of(result.quantization->blocks).value_or(1) <= 0),
          "has weights of another size than it needs");
  result.shape = target;
  result.name = weight_name(field);
  return mlq::add_tensor(graph, std::move(result));
}

TensorId Build::named(TensorId id, const char* field) {
  if (!is_constant(id)) return id;
  Tensor result = tensor(id);
  result.name = weight_name(field);
  return mlq::add_tensor(graph, std::move(result));
}

TensorId Build::cast(TensorId id, DataType type) {
  if (is_integer(type)) type = DataType::int64;
  const DataType now = tensor(id).type == DataType::float16 ? DataType::float32 : tensor(id).type;
  return now == type ? id : node("Cast", {id}, {{"to", onnx_type(type)}});
}

TensorId Build::shape_of(TensorId id) {
  return mlq::element_count(shape(id)) ? ints(shape(id)) : node("Shape", {id});
}

std::int64_t onnx_type(DataType type) {
  constexpr std::pair<DataType, std::int64_t> table[] = {
      {DataType::float32, 1},  {DataType::uint8, 2},    {DataType::int8, 3},    {DataType::uint16, 4},
      {DataType::int16, 5},    {DataType::int32, 6},    {DataType::int64, 7},   {DataType::boolean, 9},
      {DataType::float16, 10}, {DataType::float64, 11}, {DataType::uint32, 12}, {DataType::uint64, 13}};
  return std::find_if(std::begin(table), std::end(table), [&](const auto& row) { return row.first == type; })
      ->second;
}

}  // namespace mlqc::nhwc
