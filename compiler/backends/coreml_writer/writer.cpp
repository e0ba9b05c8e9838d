#include "compiler/backends/coreml_writer/writer.h"

#include <Eigen/Core>
#include <cmath>
#include <cstring>

#include "compiler/backends/coreml_writer/packed.h"
#include "compiler/frontends/coreml/network.pb.h"
#include "compiler/graph/edit.h"
#include "compiler/support/error.h"

namespace mlqc::coreml_writer {

namespace {

constexpr std::int64_t largest_constant = std::int64_t{1} << 26;

std::vector<float> decoded(const mlq::Tensor& tensor) {
  std::vector<float> values(static_cast<std::size_t>(mlq::element_count(tensor.shape).value_or(0)));
  if (tensor.type == mlq::DataType::int64) {
    std::vector<std::int64_t> integers(values.size());
    std::memcpy(integers.data(), tensor.data->bytes.data(), integers.size() * sizeof(std::int64_t));
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(integers[i]);
  } else if (tensor.type == mlq::DataType::boolean) {
    for (std::size_t i = 0; i < values.size(); ++i)
      values[i] = tensor.data->bytes[i] != std::byte{0} ? 1.0f : 0.0f;
  } else if (!mlq::dequantize(tensor, values).ok()) {
    values.clear();
  }
  return values;
}

std::string as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

void write_quantization(const mlq::Quantization& from, coreml::Quantization& to) {
  to.set_number_of_bits(static_cast<std::uint64_t>(from.bits));
  if (from.table.empty()) {
    to.mutable_linear_quantization()->mutable_scale()->Add(from.scale.begin(), from.scale.end());
    to.mutable_linear_quantization()->mutable_bias()->Add(from.offset.begin(), from.offset.end());
  } else {
    to.mutable_lookup_table_quantization()->mutable_float_value()->Add(from.table.begin(), from.table.end());
  }
}

}  // namespace

Writer::Writer(const Source& source, const mlq::Graph& graph, coreml::NeuralNetwork& network)
    : source(source), graph(graph), network_(network) {}

Writer::Writer(Writer& outer, const mlq::Graph& graph, coreml::NeuralNetwork& network)
    : source(outer.source), graph(graph), network_(network), outer_(&outer), node_(outer.node_) {
  for (const mlq::Feature& input : graph.inputs) made_.insert(input.tensor);
  for (const mlq::Node& node : graph.nodes) made_.insert(node.outputs.begin(), node.outputs.end());
}

void Writer::begin(const mlq::Node& node) { node_ = &node; }

void Writer::fail(const std::string& what) const {
  const std::string who = node_ ? "layer '" + node_->name + "' (" + node_->op + ") " : "the network ";
  throw Error(Exit::usage, {{source.path.string()},
                            who + what + ": a Core ML model cannot be written",
                            "MLQ502",
                            "do not emit coreml",
                            {}});
}

void Writer::require(bool good, const char* what) const {
  if (!good) fail(what);
}

bool Writer::given(std::size_t i) const {
  return i < node_->inputs.size() && node_->inputs[i] != mlq::no_tensor;
}

TensorId Writer::operand(std::size_t i) const {
  if (!given(i)) fail("has no operand number " + std::to_string(i));
  return node_->inputs[i];
}

Ints Writer::ints(std::size_t i, const char* what) const {
  if (given(i))
    if (auto values = integers_of(graph, operand(i))) return *values;
  fail(std::string("has ") + what + " that depend on its input");
}

std::vector<float> Writer::floats(std::size_t i, const char* what) const {
  if (is_constant(i)) return decoded(tensor(operand(i)));
  fail(std::string("has ") + what + " that depend on its input");
}

std::string Writer::unique(std::string name, std::set<std::string>& names) {
  if (name.empty()) name = "layer";
  std::string chosen = name;
  for (int i = 1; !names.insert(chosen).second; ++i) chosen = name + "_" + std::to_string(i);
  return chosen;
}

std::string Writer::fresh() { return unique(node_ ? node_->name : "", root().blob_names_); }

void Writer::reserve(const std::string& name) { root().blob_names_.insert(name); }

void Writer::name_blob(TensorId id, std::string name) {
  root().blob_names_.insert(name);
  blobs_[id] = std::move(name);
}

std::string Writer::blob(TensorId id) {
  if (const auto known = blobs_.find(id); known != blobs_.end()) return known->second;
  const mlq::Tensor& constant = tensor(id);
  if (outer_ && !constant.data && !made_.contains(id)) return blobs_[id] = outer_->blob_around(constant);
  const std::string name = unique(constant.name, root().blob_names_);
  blobs_[id] = name;
  if (!constant.data) return name;
  const auto count = mlq::element_count(constant.shape);
  require(count && *count <= largest_constant, "reads a constant that is too large");
  finish();  // the layer that asks has not begun
  auto& load = *layer({}, {name}).mutable_load_constant_nd();
  for (const std::int64_t size : constant.shape) load.add_shape(static_cast<std::uint64_t>(size));
  if (constant.shape.empty()) load.add_shape(1);
  weights(*load.mutable_data(), id);
  finish();
  return name;
}

std::string Writer::blob_around(const mlq::Tensor& wanted) {
  for (std::size_t i = 0; i < graph.tensors.size(); ++i)
    if (graph.tensors[i].name == wanted.name) return blob(static_cast<TensorId>(i));
  require(outer_ != nullptr, "has a branch or a body that reads what is not there");
  return outer_->blob_around(wanted);
}

const mlq::Tensor* Writer::named(const std::string& name) const {
  for (const mlq::Tensor& tensor : graph.tensors)
    if (tensor.name == name) return &tensor;
  return outer_ ? outer_->named(name) : nullptr;
}

void Writer::copy(const std::string& from, const std::string& to) {
  layer({from}, {to}).mutable_activation()->mutable_linear()->set_alpha(1);
}

std::string Writer::number(float value) {
  if (const auto known = numbers_.find(value); known != numbers_.end()) return known->second;
  const std::string name = fresh();
  auto& load = *layer({}, {name}).mutable_load_constant_nd();
  load.add_shape(1);
  load.mutable_data()->add_float_value(value);
  return numbers_[value] = name;
}

std::string Writer::in(std::size_t i) { return blob(operand(i)); }

std::string Writer::out(std::size_t i) {
  require(i < node_->outputs.size(), "has too few results");
  return blob(node_->outputs[i]);
}

void Writer::same(std::size_t result, std::size_t operand) {
  // A result that has a name already is an output of the network.
  const TensorId id = node_->outputs.at(result);
  if (blobs_.count(id))
    copy(in(operand), blobs_[id]);
  else
    blobs_[id] = in(operand);
}

NeuralNetworkLayer& Writer::layer(const Blobs& inputs, const Blobs& outputs) {
  NeuralNetworkLayer& layer = *network_.add_layers();
  layer.set_name(unique(node_ ? node_->name : outputs.at(0), root().layer_names_));
  for (const std::string& name : inputs) layer.add_input(name);
  for (const std::string& name : outputs) layer.add_output(name);
  return layer;
}

std::pair<NeuralNetworkLayer*, std::string> Writer::step(const Blobs& inputs) {
  std::string result = fresh();
  NeuralNetworkLayer& made = layer(inputs, {result});
  return {&made, std::move(result)};
}

void Writer::at_rank_4(const std::function<void(NeuralNetworkLayer&)>& fill) {
  require(rank(0) >= 2 && rank(0) <= 4, "has an operand that is no image");
  if (rank(0) == 4) return fill(layer({in()}, {out()}));
  auto [expand, x] = step({in()});
  for (int axis = 2; axis < 6 - rank(0); ++axis) expand->mutable_expand_dims()->add_axes(axis);
  auto [made, y] = step({x});
  fill(*made);
  coreml::Squeeze& squeeze = *layer({y}, {out()}).mutable_squeeze();
  for (int axis = 2; axis < 6 - rank(0); ++axis) squeeze.add_axes(axis);
}

void Writer::weights(coreml::Weights& to, TensorId id, const Ints& permutation, int axis) {
  const mlq::Tensor& from = tensor(id);
  require(from.data.has_value(), "has weights that are not constant");
  weights(to, permutation.empty() ? from : permuted(from, permutation), axis);
}

void Writer::weights(coreml::Weights& to, const mlq::Tensor& from, int axis) {
  layer_weights_.push_back(&to);
  if (from.quantization && !from.quantization->table.empty() &&
      from.quantization->table.size() != std::size_t{1} << from.quantization->bits)
    throw Error(Exit::usage, {{source.path.string()},
                              "a Core ML model cannot hold one table for each channel of '" + from.name + "'",
                              "MLQ502",
                              "say granularity: per_tensor, or do not emit coreml",
                              {}});
  const std::size_t size = mlq::data_size(from).value_or(0);
  const std::optional<int> groups =
      from.quantization ? mlq::axis_of(from.quantization->blocks) : std::nullopt;
  if (groups && (*groups < 0 || *groups == axis)) {
    to.set_raw_value(as_text(from.data->bytes.first(size)));
    write_quantization(*from.quantization, *to.mutable_quantization());
  } else if (from.type == mlq::DataType::float16 && !from.quantization) {
    to.set_float16_value(as_text(from.data->bytes.first(size)));
  } else {
    const std::vector<float> values = decoded(from);
    require(values.size() == static_cast<std::size_t>(mlq::element_count(from.shape).value_or(0)),
            "has a constant of a type that the format has not");
    to.mutable_float_value()->Add(values.begin(), values.end());
  }
}

void Writer::finish() {
  bool halves = false;
  for (const coreml::Weights* weights : layer_weights_) halves |= !weights->float16_value().empty();
  for (coreml::Weights* weights : layer_weights_) {
    if (!halves || weights->float_value().empty()) continue;
    std::string bytes;
    for (const float value : weights->float_value()) {
      const auto half = Eigen::half_impl::float_to_half_rtne(value);
      require(std::isinf(value) || !std::isinf(Eigen::half_impl::half_to_float(half)),
              "has a number that is too large for half floats, beside others");
      bytes.append(reinterpret_cast<const char*>(&half.x), 2);
    }
    weights->clear_float_value();
    weights->set_float16_value(bytes);
  }
  layer_weights_.clear();
}

}  // namespace mlqc::coreml_writer
