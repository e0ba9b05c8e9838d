#include "compiler/frontends/tflite/import.h"

#include "compiler/frontends/nhwc/spatial.h"
#include "compiler/frontends/tflite/metadata.h"
#include "compiler/frontends/tflite/operators.h"
#include "compiler/support/error.h"
#include "model_generated.h"

namespace mlqc::tflite {

using mlq::Color;
using mlq::FeatureKind;

namespace {

// Far more than any network has; the verifier counts each reference to a table.
constexpr flatbuffers::uoffset_t most_tables = 4'000'000;

[[noreturn]] void refuse(const Source& source, const char* code, std::string what, std::string hint) {
  throw Error(Exit::model, {{source.path.string()}, std::move(what), code, std::move(hint), {}});
}

const wire::Model& open(const Source& source) {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(source.bytes.bytes.data());
  const std::size_t size = source.bytes.bytes.size();
  flatbuffers::Verifier verifier(bytes, size, 64, most_tables);
  if (size < 16 || size >= FLATBUFFERS_MAX_BUFFER_SIZE || !wire::VerifyModelBuffer(verifier))
    refuse(source, "MLQ306", "this is not a TensorFlow Lite model, or it is truncated or damaged",
           "compare its size and checksum with the original's");
  const wire::Model& model = *wire::GetModel(bytes);
  if (model.version() != 3)
    refuse(source, "MLQ310",
           "the model has schema version " + std::to_string(model.version()) + "; this mlq knows version 3",
           "convert it with a current converter");
  return model;
}

const wire::SubGraph& main_graph(const Source& source, const wire::Model& model) {
  const auto* graphs = model.subgraphs();
  if (!graphs || graphs->size() == 0 || !graphs->Get(0)->tensors() || !graphs->Get(0)->operators() ||
      !graphs->Get(0)->inputs() || !graphs->Get(0)->outputs() || !model.operator_codes())
    refuse(source, "MLQ310", "the file holds no network", "");
  return *graphs->Get(0);
}

std::string name_of(const wire::Tensor& tensor, const char* otherwise) {
  return tensor.name() && tensor.name()->size() > 0 ? tensor.name()->str() : otherwise;
}

Shape shape_of(const wire::Tensor& tensor) {
  const auto* said = tensor.shape_signature() && tensor.shape_signature()->size() > 0
                         ? tensor.shape_signature()
                         : tensor.shape();
  return said ? Shape(said->begin(), said->end()) : Shape{};
}

TensorId number_per_channel(Net& net, const std::vector<float>& values) {
  return values.size() == 1 ? net.b.number(values[0])
                            : net.b.floats({static_cast<std::int64_t>(values.size()), 1, 1}, values);
}

// Pixels as the network wants its numbers: those of a quantized input are pixels themselves.
TensorId normalize(Net& net, const wire::Tensor& tensor, const TensorWords& words, TensorId pixels) {
  nhwc::Build& b = net.b;
  if (const auto range = range_of(tensor)) {
    const TensorId scaled = b.node("Mul", {pixels, b.number((range->second - range->first) / 255)});
    return b.node("Add", {scaled, b.number(range->first)});
  }
  const std::size_t channels = words.gray ? 1 : 3;
  for (const auto* list : {&words.mean, &words.deviation})
    b.require(list->empty() || list->size() == 1 || list->size() == channels,
              "has metadata with another number of means or deviations than channels");
  if (!words.mean.empty()) pixels = b.node("Sub", {pixels, number_per_channel(net, words.mean)});
  return words.deviation.empty() ? pixels : b.node("Div", {pixels, number_per_channel(net, words.deviation)});
}

// A picture enters as [1, C, H, W]; what the network reads is channels-last.
TensorId add_image(Net& net, const wire::Tensor& tensor, const TensorWords& words) {
  const Shape shape = shape_of(tensor);
  const TensorId pixels =
      net.b.input(name_of(tensor, "input"), mlq::DataType::float32, {1, shape[3], shape[1], shape[2]});
  mlq::Feature& feature = net.b.graph.inputs.back();
  feature.kind = FeatureKind::image;
  feature.color = words.gray ? Color::gray : Color::rgb;
  return nhwc::to_channels_last(net.b, normalize(net, tensor, words, pixels));
}

bool is_image(const wire::Tensor& tensor, const TensorWords& words) {
  const Shape shape = shape_of(tensor);
  return words.image && shape.size() == 4 && shape[0] <= 1 && shape[1] > 0 && shape[2] > 0 &&
         shape[3] == (words.gray ? 1 : 3);
}

void add_inputs(Net& net, const std::vector<TensorWords>& words) {
  net.b.begin("", "");
  std::size_t i = 0;
  for (const int index : *net.graph.inputs()) {
    const wire::Tensor& tensor = net.tensor(index);
    const TensorWords said = i < words.size() ? words[i] : TensorWords{};
    TensorId& value = net.values[static_cast<std::size_t>(index)];
    net.b.require(value == mlq::no_tensor, "has an input twice");
    const bool real =
        range_of(tensor).has_value() || (tensor.quantization() && tensor.quantization()->scale() &&
                                         tensor.quantization()->scale()->size() > 0);
    value = is_image(tensor, said)
                ? add_image(net, tensor, said)
                : net.b.input(name_of(tensor, "input"),
                              real ? mlq::DataType::float32 : data_type(net, tensor), shape_of(tensor));
    net.b.graph.inputs.back().description = said.description;
    ++i;
  }
  net.b.require(i > 0, "has no inputs");
}

void add_outputs(Net& net, const std::vector<TensorWords>& words) {
  net.b.begin("", "");
  std::size_t i = 0;
  for (const int index : *net.graph.outputs()) {
    net.b.output(name_of(net.tensor(index), "output"), net.value(index));
    mlq::Feature& feature = net.b.graph.outputs.back();
    const TensorWords said = i++ < words.size() ? words[i - 1] : TensorWords{};
    feature.description = said.description;
    const auto labels = static_cast<std::int64_t>(said.labels.size());
    if (labels == 0 || mlq::element_count(feature.shape) != labels || !net.b.graph.labels.empty()) continue;
    net.b.graph.labels = said.labels;
    feature.kind = FeatureKind::scores;
    feature.shape = {labels};
  }
  net.b.require(i > 0, "has no outputs");
  for (const auto& [name, id] : net.states) {
    net.b.output(name, id);
    net.b.graph.outputs.back().description =
        "what the next prediction takes as " + name.substr(0, name.rfind('_'));
  }
}

}  // namespace

mlq::Graph import(const Source& source) {
  const wire::Model& model = open(source);
  Net net{nhwc::Build(source), model, main_graph(source, model)};
  net.values.resize(net.graph.tensors()->size(), mlq::no_tensor);
  check_supported(net);
  const Words words = read_metadata(source, model);
  add_inputs(net, words.inputs);
  lower_operators(net);
  add_outputs(net, words.outputs);
  net.b.graph.metadata = words.metadata;
  return std::move(net.b.graph);
}

}  // namespace mlqc::tflite
