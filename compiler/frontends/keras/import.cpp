#include "compiler/frontends/keras/import.h"

#include "compiler/frontends/keras/archive.h"
#include "compiler/frontends/keras/layers.h"
#include "compiler/support/error.h"

namespace mlqc::keras {

namespace {

// What a file says before it is a network.
struct Document {
  Value network;
  std::string version, backend;
  Hdf5 weights;
};

std::string_view as_text(const mlq::Data& data) {
  return {reinterpret_cast<const char*>(data.bytes.data()), data.bytes.size()};
}

Document read_archive(const Source& source) {
  Document document;
  document.network = parse_json(as_text(read_member(source, "config.json")), source.path);
  const Value metadata = parse_json(as_text(read_member(source, "metadata.json")), source.path);
  document.version = metadata["keras_version"].text("3");
  document.weights = read_hdf5(read_member(source, "model.weights.h5"), source.path);
  return document;
}

[[noreturn]] void refuse_weights_only(const Source& source) {
  throw Error(Exit::model,
              {{source.path.string()},
               "this file holds weights only: the description of the layers (model_config) is missing",
               "MLQ310",
               "save the whole model with model.save(), not its weights with model.save_weights()",
               {}});
}

Document read_file(const Source& source) {
  Document document;
  document.weights = read_hdf5(source.bytes, source.path);
  const std::string* config = document.weights.text("@model_config");
  if (!config) refuse_weights_only(source);
  document.network = parse_json(*config, source.path);
  for (const char* key : {"@keras_version", "model_weights@keras_version"})
    if (const std::string* text = document.weights.text(key)) document.version = *text;
  for (const char* key : {"@backend", "model_weights@backend"})
    if (const std::string* text = document.weights.text(key)) document.backend = *text;
  return document;
}

// Files of Keras 1 before 1.1 do not say their version.
int major(const std::string& version) {
  return !version.empty() && version[0] >= '1' && version[0] <= '9' ? version[0] - '0' : 1;
}

bool is_later_2(const std::string& version) {
  if (major(version) != 2) return major(version) > 2;
  return version.find("-tf") != std::string::npos || version.compare(0, 4, "2.2.") > 0;
}

void describe(mlq::Graph& graph, const Network& network, const std::string& version) {
  if (!network.name.empty()) graph.metadata.emplace_back("name", network.name);
  if (!version.empty()) graph.metadata.emplace_back("keras_version", version);
}

// The names of the outputs are those of the layers; two of one layer are numbered.
void add_outputs(Net& net, const Network& network, const Ids& outputs) {
  std::map<std::string, int> seen;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const std::string& layer = network.outputs[i].layer;
    const int number = seen[layer]++;
    net.b.output(number ? layer + "_" + std::to_string(number) : layer, outputs[i]);
  }
}

}  // namespace

mlq::Graph import(const Source& source) {
  const Document document = is_zip(source.bytes.bytes) ? read_archive(source) : read_file(source);
  Network network = parse_network(document.network, source.path);
  Net net{nhwc::Build(source)};
  net.version = major(document.version);
  net.later_2 = is_later_2(document.version);
  net.theano = document.backend == "theano";
  check_supported(net, network);
  assign_weights(network, document.weights, source.path);
  add_outputs(net, network, lower_network(net, network, {}));
  net.b.require(!net.b.graph.inputs.empty(), "has no inputs");
  describe(net.b.graph, network, document.version);
  return std::move(net.b.graph);
}

}  // namespace mlqc::keras
