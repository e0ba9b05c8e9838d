#include "compiler/frontends/onnx/build.h"

#include <onnx/onnx_pb.h>

#include <algorithm>
#include <array>

#include "compiler/frontends/onnx/tensor.h"
#include "compiler/graph/edit.h"
#include "compiler/support/error.h"

namespace mlqc::onnx_format {

using mlq::DataType;
using mlq::Tensor;

namespace {

DataType computed(DataType type) { return type == DataType::float16 ? DataType::float32 : type; }

int default_type(DataType type) {
  if (type == DataType::boolean) return t_bool;
  return type == DataType::float32 ? t_float : t_int64;
}

}  // namespace

int Model::opset(std::string_view domain) const {
  const auto found = opsets.find(domain);
  return found == opsets.end() ? 1 : found->second;
}

void Build::begin(std::string name, std::string kind) {
  name_ = std::move(name);
  kind_ = std::move(kind);
}

void Build::fail(const std::string& what) const {
  const std::string who = kind_.empty() ? "the network " : "node '" + name_ + "' (" + kind_ + ") ";
  throw Error(Exit::model, {{model.source.path.string()}, who + what, "MLQ336", model.open, {}});
}

void Build::require(bool good, const char* what) const {
  if (!good) fail(what);
}

std::string Build::fresh_name() { return name_ + ":" + std::to_string(model.fresh++); }

TensorId Build::result(std::string name) {
  Tensor tensor;
  tensor.name = std::move(name);
  const TensorId id = mlq::add_tensor(graph, std::move(tensor));
  unnamed_.insert(id);
  return id;
}

Value Build::node(std::string op, const Values& inputs, Attributes attributes, int type) {
  return nodes(std::move(op), inputs, 1, std::move(attributes), type)[0];
}

Values Build::nodes(std::string op, const Values& inputs, std::size_t outputs, Attributes attributes,
                    int type) {
  mlq::Node node{std::move(op), name_, {}, {}, std::move(attributes)};
  for (const Value& input : inputs) {
    require(!input.list, "reads a sequence where a tensor must be");
    node.inputs.push_back(input.id);
  }
  for (std::size_t i = 0; i < outputs; ++i) node.outputs.push_back(result(fresh_name()));
  if (mlq::Status status = infer_node(graph, node); !status) fail("cannot be: " + status.error());
  const std::vector<TensorId> ids = node.outputs;
  if (!fold_node(graph, node)) graph.nodes.push_back(std::move(node));
  Values results;
  for (const TensorId id : ids) {
    Value value{id, type};
    const DataType found = computed(graph.tensors[static_cast<std::size_t>(id)].type);
    for (const Value& input : inputs)
      if (value.type == t_none && input.given() && inside(input.type) == found) value.type = input.type;
    if (value.type == t_none || inside(value.type) != found) value.type = default_type(found);
    results.push_back(value);
  }
  return results;
}

Values Build::stated(std::string op, const Values& inputs, Attributes attributes,
                     const std::vector<std::pair<int, Shape>>& results) {
  mlq::Node node{std::move(op), name_, {}, {}, std::move(attributes)};
  for (const Value& input : inputs) node.inputs.push_back(input.id);
  Values values;
  for (const auto& [type, shape] : results) {
    values.push_back({result(fresh_name()), type});
    node.outputs.push_back(values.back().id);
    Tensor& tensor = graph.tensors[static_cast<std::size_t>(values.back().id)];
    tensor.type = inside(type);
    tensor.shape = shape;
  }
  graph.nodes.push_back(std::move(node));
  return values;
}

Value Build::input(const std::string& name, int type, Shape shape) {
  return {mlq::add_tensor(graph, {name, inside(type), std::move(shape), {}, {}}), type};
}

Value Build::constant(Tensor tensor, int type) {
  const bool named = !tensor.name.empty();
  if (!named) tensor.name = fresh_name();
  const TensorId id = mlq::add_tensor(graph, std::move(tensor));
  if (!named) unnamed_.insert(id);
  return {id, type};
}

Value Build::floats(const Shape& shape, std::span<const float> values) {
  return {mlq::add_constant(graph, fresh_name(), shape, values), t_float};
}
Value Build::number(float value) { return floats({}, std::array{value}); }
Value Build::ints(const Ints& values) {
  return {mlq::add_constant(graph, fresh_name(), {static_cast<std::int64_t>(values.size())},
                            std::span<const std::int64_t>(values)),
          t_int64};
}
Value Build::scalar(std::int64_t value) {
  return {mlq::add_constant(graph, fresh_name(), {}, std::span<const std::int64_t>(&value, 1)), t_int64};
}
Value Build::truth(bool value) {
  const std::array<std::uint8_t, 1> bytes{value};
  return constant(
      {fresh_name(), DataType::boolean, {}, mlq::copy_data(std::span<const std::uint8_t>(bytes)), {}},
      t_bool);
}

const ::onnx::TensorProto* Build::initializer(const std::string& name) const {
  const auto found = names.initializers.find(name);
  return found == names.initializers.end() ? nullptr : found->second;
}

std::optional<Value> Build::look_up(const std::string& name) {
  if (const auto found = names.values.find(name); found != names.values.end()) return found->second;
  if (const auto* proto = initializer(name)) {
    Tensor tensor = to_tensor(*proto, {model.source, model.owner});
    tensor.name = name;
    return names.values[name] = constant(std::move(tensor), proto->data_type());
  }
  if (!outer) return {};
  const std::optional<Value> found = outer->look_up(name);
  if (!found) return {};
  return names.values[name] = capture(*found, *outer);
}

// A tensor of the graph around this one has its name here; a constant is one here as well.
Value Build::capture(const Value& value, const Build& from) {
  Value mine{mlq::no_tensor, value.type};
  if (value.list) {
    auto list = std::make_shared<Values>();
    for (const Value& item : *value.list) list->push_back(capture(item, from));
    mine.list = list;
    return mine;
  }
  if (!value.given()) return mine;
  const auto [place, is_new] = captured_.try_emplace({&from, value.id}, mlq::no_tensor);
  if (is_new) place->second = mlq::add_tensor(graph, from.tensor(value));
  mine.id = place->second;
  return mine;
}

Value Build::resolve(const std::string& name) {
  if (name.empty()) return {};
  if (const std::optional<Value> found = look_up(name)) return *found;
  throw Error(Exit::model, {{model.source.path.string()},
                            "the value '" + name + "' is read before any node makes it",
                            "MLQ336",
                            "the graph has a cycle or lacks a node; check the file with onnx.checker",
                            {}});
}

void Build::define(const std::string& name, Value value) {
  if (name.empty()) return;
  // A body that is unrolled defines its names again and again: the first time counts.
  if (value.id != mlq::no_tensor && unnamed_.erase(value.id) > 0 && given_.insert(name).second)
    graph.tensors[static_cast<std::size_t>(value.id)].name = name;
  names.values[name] = std::move(value);
}

std::int64_t Build::axis(std::int64_t axis, std::int64_t rank) const {
  if (axis < -rank || axis >= rank)
    fail("has the axis " + std::to_string(axis) + ", which a tensor of rank " + std::to_string(rank) +
         " has not");
  return axis < 0 ? axis + rank : axis;
}

std::int64_t Build::dim(const Value& value, std::int64_t at) const {
  const std::int64_t size = shape(value)[static_cast<std::size_t>(axis(at, rank(value)))];
  require(size >= 0, "needs a dimension that is known when it is compiled");
  return size;
}

std::optional<Ints> Build::known_ints(const Value& value) const {
  return value.given() ? integers_of(graph, value.id) : std::nullopt;
}

Ints Build::constant_ints(const Value& value, const char* what) const {
  if (const auto values = known_ints(value)) return *values;
  fail(std::string("needs ") + what + " that is known when it is compiled");
}

std::optional<float> Build::known_float(const Value& value) const {
  if (!value.given()) return {};
  const auto values = floats_of(graph, value.id, 1);
  return values && values->size() == 1 ? std::optional(values->front()) : std::nullopt;
}

Value Build::slice(const Value& x, std::int64_t at, std::int64_t from, std::int64_t to, std::int64_t step) {
  return node("Slice", {x, ints({from}), ints({to}), ints({at}), ints({step})});
}

Value Build::reduce(const char* op, const Value& x, const Ints& axes, bool keep) {
  return node(op, {x, ints(axes)}, {{"keepdims", std::int64_t{keep}}});
}

Value Build::as_float(const Value& x) {
  if (is_float(x.type)) return x;
  // Inside, the upper half of the 64-bit numbers without sign are negative.
  const Value y = x.type == t_uint64 ? node("Cast", {x}, {{"to", std::int64_t{t_uint64}}}, t_uint64) : x;
  return node("Cast", {y}, {{"to", std::int64_t{t_float}}}, t_float);
}

Value Build::as_integer(const Value& x) {
  if (is_integer(x.type)) return x;
  return node("Cast", {x}, {{"to", std::int64_t{t_int64}}}, t_int64);
}

Value Build::wrapped(const Value& x, int type) {
  if (!is_integer(type) || bits_of(type) == 64) return {x.id, type};
  Value y = x;
  if (bits_of(type) >= 8) {
    y = node("Cast", {x}, {{"to", std::int64_t{type}}}, type);
  } else {  // C++ has no such type: to the upper bits of a byte and back
    const std::int64_t factor = 1 << (8 - bits_of(type));
    y = node("Cast", {mul(x, scalar(factor))}, {{"to", std::int64_t{is_signed(type) ? t_int8 : t_uint8}}});
    y = node("Cast", {y}, {{"to", std::int64_t{t_int64}}});
    return {node("FloorDiv", {y, scalar(factor)}).id, type};
  }
  return {node("Cast", {y}, {{"to", std::int64_t{t_int64}}}).id, type};
}

Value Build::cast(const Value& x, int type, bool saturate, const std::string& rounding) {
  if (x.type == type) return x;
  if (type == t_bool) return node("Cast", {x}, {{"to", std::int64_t{t_bool}}}, t_bool);
  if (is_integer(type)) {
    if (is_integer(x.type) && bits_of(type) == 64) return {x.id, type};
    if (type == t_uint64 && is_float(x.type)) {
      const Value y = node("Cast", {x}, {{"to", std::int64_t{t_uint64}}}, t_uint64);
      return {node("Cast", {y}, {{"to", std::int64_t{t_int64}}}).id, type};
    }
    return wrapped(as_integer(x), type);
  }
  const Value y = as_float(x);
  if (type == t_float || type == t_double) return {y.id, type};
  const std::int64_t clamps = saturate ? 1 : 0;
  return node("RoundFloat", {y}, {{"to", std::int64_t{type}}, {"saturate", clamps}, {"round_mode", rounding}},
              type);
}

}  // namespace mlqc::onnx_format
