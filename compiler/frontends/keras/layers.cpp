#include "compiler/frontends/keras/layers.h"

#include <algorithm>
#include <cstring>

#include "compiler/frontends/keras/masks.h"
#include "compiler/frontends/nhwc/permute.h"
#include "compiler/frontends/nhwc/spatial.h"
#include "compiler/support/error.h"

namespace mlqc::keras {

using mlq::DataType;

namespace {

using Family = std::span<const Row> (*)();

constexpr Family families[] = {
    activation_rows, attention_rows, conv_recurrent_rows, convolution_rows, dense_rows,
    local_rows,      merge_rows,     normalization_rows,  picture_rows,     pooling_rows,
    recurrent_rows,  shape_rows,     wrapper_rows,
};

std::vector<std::int64_t> int64s_of(const Array& array) {
  std::vector<std::int64_t> values(array.data.bytes.size() / sizeof(std::int64_t));
  std::memcpy(values.data(), array.data.bytes.data(), values.size() * sizeof(std::int64_t));
  return values;
}

mlq::Tensor tensor_of(const Array& array) {
  mlq::Tensor tensor;
  tensor.type = array.type;
  tensor.shape = array.shape;
  tensor.data = array.data;
  return tensor;
}

// Integers among weights stand for floats: a counter, or statistics that were whole numbers.
mlq::Tensor float_tensor(const Array& array) {
  mlq::Tensor tensor = tensor_of(array);
  if (array.type != DataType::int64) return tensor;
  std::vector<float> values;
  for (const std::int64_t value : int64s_of(array)) values.push_back(static_cast<float>(value));
  tensor.type = DataType::float32;
  tensor.data = mlq::copy_data(std::span<const float>(values));
  return tensor;
}

void collect_unsupported(const Net& net, const Network& network, std::vector<const Layer*>& found) {
  for (const Layer& layer : network.layers) {
    if (layer.uses.empty() && !layer.inner) continue;
    if (layer.inner)
      collect_unsupported(net, *layer.inner, found);
    else if (!find_row(layer.kind) && !find_custom(net, layer))
      found.push_back(&layer);
    if (layer.wrapped && !layer.wrapped->inner && !find_row(layer.wrapped->kind))
      found.push_back(layer.wrapped.get());
  }
}

// Values that the uses of layers gave so far.
class Values {
 public:
  void set(const std::string& layer, std::size_t use, Ids results) {
    known_[{layer, static_cast<std::int64_t>(use)}] = std::move(results);
  }
  // no_tensor while nothing is known.
  TensorId get(const Ref& ref) const {
    const auto found = known_.find({ref.layer, ref.use});
    if (found == known_.end() || ref.result < 0 ||
        static_cast<std::size_t>(ref.result) >= found->second.size())
      return mlq::no_tensor;
    return found->second[static_cast<std::size_t>(ref.result)];
  }
  bool has(const std::string& layer, std::size_t use) const {
    return known_.count({layer, static_cast<std::int64_t>(use)}) > 0;
  }

 private:
  std::map<std::pair<std::string, std::int64_t>, Ids> known_;
};

DataType type_of(const Value& config) {
  const Value& said = config["dtype"];
  const std::string name = said.is_map() ? said["config"]["name"].text() : said.text("float32");
  for (const DataType type : {DataType::int8, DataType::int16, DataType::int32, DataType::int64,
                              DataType::uint8, DataType::uint16, DataType::uint32, DataType::boolean})
    if (name == mlq::name_of(type) || (name == "bool" && type == DataType::boolean)) return type;
  return DataType::float32;  // mixed_float16 and the like compute in halves what is the same in floats
}

// The inputs of the whole network, or what a network around this one gives.
void begin_inputs(Net& net, const Network& network, const Ids& given, bool outermost, Values& values) {
  net.b.require(outermost || given.size() == network.inputs.size(),
                "is given another number of operands than it has inputs");
  std::size_t i = 0;
  for (const Ref& ref : network.inputs) {
    const auto layer = std::find_if(network.layers.begin(), network.layers.end(),
                                    [&](const Layer& candidate) { return candidate.name == ref.layer; });
    if (layer == network.layers.end() || values.has(ref.layer, 0))
      net.b.fail("names an input '" + ref.layer + "' that is no layer, or names it twice");
    if (!outermost) {
      values.set(ref.layer, 0, {given[i++]});
      continue;
    }
    const Value& shape = input_shape(*layer);
    if (!shape.is_list())
      net.b.fail(
          "does not say the shape of its input: give the first layer an input_shape, and save it again");
    net.b.require(shape.list().size() <= 8, "has an input of too many dimensions");
    values.set(ref.layer, 0, {net.b.input(layer->name, type_of(*layer->config), shape.integers())});
  }
}

// One pass over the uses whose operands are known; how many were left for a later pass.
std::size_t lower_ready(Net& net, const Network& network, Values& values, bool& moved) {
  std::size_t waiting = 0;
  for (const Layer& layer : network.layers)
    for (std::size_t use = 0; use < layer.uses.size(); ++use) {
      if (values.has(layer.name, use)) continue;
      Ids operands;
      for (const Ref& ref : layer.uses[use].inputs) operands.push_back(values.get(ref));
      if (operands.empty() || std::count(operands.begin(), operands.end(), mlq::no_tensor) > 0) {
        ++waiting;
        continue;
      }
      net.in = std::move(operands);
      net.use = &layer.uses[use];
      values.set(layer.name, use, lower_layer(net, layer));
      moved = true;
    }
  return waiting;
}

}  // namespace

TensorId Net::weight(std::size_t i, const char* field, const Ints& permutation, const Shape& shape) {
  TensorId& known = constants.try_emplace({layer, field}, mlq::no_tensor).first->second;
  if (known != mlq::no_tensor) return known;
  b.require(i < layer->weights.size(), "has too few weights");
  mlq::Tensor tensor = float_tensor(*layer->weights[i]);
  if (!permutation.empty()) {
    b.require(permutation.size() == tensor.shape.size(), "has weights of another rank than it needs");
    tensor = nhwc::permute(tensor, permutation);
  }
  if (!shape.empty()) {
    b.require(mlq::element_count(shape) == mlq::element_count(tensor.shape),
              "has weights of another size than it needs");
    tensor.shape = shape;
  }
  return known = b.named(mlq::add_tensor(b.graph, std::move(tensor)), field);
}

std::vector<float> Net::floats(std::size_t i, const Shape& shape) const {
  b.require(i < layer->weights.size(), "has too few weights");
  const mlq::Tensor tensor = float_tensor(*layer->weights[i]);
  bool fits = shape.size() == tensor.shape.size();
  for (std::size_t axis = 0; fits && axis < shape.size(); ++axis)
    fits = shape[axis] < 0 || shape[axis] == tensor.shape[axis];
  b.require(fits, "has weights of another shape than it needs");
  std::vector<float> values(static_cast<std::size_t>(*mlq::element_count(tensor.shape)));
  b.require(mlq::dequantize(tensor, values).ok(), "has weights that are no numbers");
  return values;
}

TensorId Net::constant(const char* field, const Shape& shape, const std::vector<float>& values) {
  TensorId& known = constants.try_emplace({layer, field}, mlq::no_tensor).first->second;
  if (known == mlq::no_tensor) known = b.named(b.floats(shape, values), field);
  return known;
}

const Row* find_row(std::string_view kind) {
  for (const Family family : families)
    for (const Row& row : family())
      if (row.kind == kind) return &row;
  return nullptr;
}

void check_supported(const Net& net, const Network& network) {
  std::vector<const Layer*> unsupported;
  collect_unsupported(net, network, unsupported);
  if (unsupported.empty()) return;
  Diagnostic diagnostic{{net.b.source.path.string()}, "", "MLQ311", "", {}};
  for (const Layer* layer : unsupported) {
    std::string text = "layer '" + layer->name + "' of class " + layer->kind + " is not supported";
    if (diagnostic.what.empty())
      diagnostic.what = std::move(text);
    else
      diagnostic.notes.push_back(std::move(text));
    const std::string cure = "the model brings no code for " + layer->kind +
                             "; name yours with custom_layers: - { class: " + layer->kind +
                             ", type: app::" + layer->kind + ", header: ... }";
    if (diagnostic.hint.find(cure) == std::string::npos)
      diagnostic.hint += (diagnostic.hint.empty() ? "" : "\n") + cure;
  }
  throw Error(Exit::model, std::move(diagnostic));
}

Ids lower_layer(Net& net, const Layer& layer) {
  net.layer = &layer;
  net.b.begin(net.prefix + layer.name, layer.kind);
  if (layer.inner) {
    const std::string around = std::exchange(net.prefix, net.prefix + layer.name + "/");
    Ids results = lower_network(net, *layer.inner, net.in);
    net.prefix = around;
    return results;
  }
  if (const CustomEntry* entry = find_custom(net, layer)) return lower_custom(net, *entry);
  const Row& row = *find_row(layer.kind);
  const Ids operands = net.in;  // wrappers change it
  Ids results = row.lower(net, row.op);
  pass_masks(net, operands, results);
  return results;
}

Ids lower_network(Net& net, const Network& network, const Ids& given) {
  Values values;
  begin_inputs(net, network, given, given.empty(), values);
  // Files list layers in an order in which most operands come first; shared layers need another look.
  for (bool moved = true; moved;) {
    moved = false;
    if (lower_ready(net, network, values, moved) == 0) break;
  }
  Ids outputs;
  net.b.begin("", "");
  for (const Ref& ref : network.outputs) {
    outputs.push_back(values.get(ref));
    if (outputs.back() == mlq::no_tensor)
      net.b.fail("has the output '" + ref.layer + "', which nothing in it makes");
  }
  net.b.require(!outputs.empty(), "has no outputs");
  return outputs;
}

bool channels_first(const Net& net) {
  const std::string said = net.config().any({"data_format", "dim_ordering"}).text();
  return said == "channels_first" || said == "th";
}

TensorId channels_last(Net& net, TensorId x) {
  return channels_first(net) && net.b.rank(x) > 2 ? nhwc::to_channels_last(net.b, x) : x;
}

TensorId channels_back(Net& net, TensorId y) {
  return channels_first(net) && net.b.rank(y) > 2 ? nhwc::to_channels_first(net.b, y) : y;
}

Slots no_weights(const Layer&) { return {}; }

bool has_bias(const Value& config) { return config.any({"use_bias", "bias"}).truth(true); }

Slots kernel_and_bias(const Layer& layer) { return {std::size_t{1} + has_bias(*layer.config), 0}; }

}  // namespace mlqc::keras
