#include "compiler/frontends/keras/network.h"

#include "compiler/support/error.h"

namespace mlqc::keras {

namespace {

constexpr int deepest = 16;  // models within models
constexpr std::size_t most_layers = 20'000;

// Names of Keras 1, and of classes that differ in speed alone.
constexpr std::pair<std::string_view, std::string_view> renamed[] = {
    {"AtrousConvolution1D", "Conv1D"},
    {"AtrousConvolution2D", "Conv2D"},
    {"Convolution1D", "Conv1D"},
    {"Convolution2D", "Conv2D"},
    {"Convolution3D", "Conv3D"},
    {"Convolution2DTranspose", "Conv2DTranspose"},
    {"Deconvolution2D", "Conv2DTranspose"},
    {"SeparableConvolution1D", "SeparableConv1D"},
    {"SeparableConvolution2D", "SeparableConv2D"},
    {"AvgPool1D", "AveragePooling1D"},
    {"AvgPool2D", "AveragePooling2D"},
    {"MaxPool1D", "MaxPooling1D"},
    {"MaxPool2D", "MaxPooling2D"},
    {"GlobalAvgPool2D", "GlobalAveragePooling2D"},
    {"GlobalMaxPool2D", "GlobalMaxPooling2D"},
    {"BatchNormalizationV1", "BatchNormalization"},
    {"BatchNormalizationV2", "BatchNormalization"},
    {"SyncBatchNormalization", "BatchNormalization"},
    {"GRUV1", "GRU"},
    {"GRUV2", "GRU"},
    {"LSTMV1", "LSTM"},
    {"LSTMV2", "LSTM"},
    {"Functional", "Model"},
};

class Parser {
 public:
  explicit Parser(const std::filesystem::path& path) : path_(path) {}

  Network network(const Value& document, int depth) {
    if (depth > deepest) refuse("its models are nested too deeply");
    const Value& config = document["config"];
    // Keras 1 and early Keras 2 list the layers of a Sequential with nothing around them.
    const Value& layers = config.is_list() ? config : config["layers"];
    Network network;
    network.name = config["name"].text("sequential");
    if (layers.list().size() > most_layers) refuse("it has too many layers");
    for (const Value& entry : layers.list()) network.layers.push_back(layer(entry, depth));
    if (network.layers.empty()) refuse("it describes no layers");
    if (kind_of(document) == "Sequential") {
      chain(network, config);
    } else {
      for (const Value& entry : layers.list())
        network.layers[static_cast<std::size_t>(&entry - layers.list().data())].uses = uses_of(entry);
      collect_ends(config["input_layers"], network.inputs);
      collect_ends(config["output_layers"], network.outputs);
    }
    return network;
  }

 private:
  [[noreturn]] void refuse(const std::string& what) const {
    throw Error(Exit::model, {{path_.string()},
                              "the description of the network in this file makes no sense: " + what,
                              "MLQ306",
                              "",
                              {}});
  }

  static std::string kind_of(const Value& entry) {
    std::string kind = entry["class_name"].text();
    for (const auto& [from, to] : renamed)
      if (kind == from) return std::string(to);
    if (const auto package = kind.rfind('>'); package != std::string::npos) kind.erase(0, package + 1);
    return kind;
  }

  Layer layer(const Value& entry, int depth) {
    if (depth > deepest) refuse("its layers are nested too deeply");
    Layer layer;
    layer.kind = kind_of(entry);
    layer.config = &entry["config"];
    layer.name = entry["name"].text(layer.config->is_map() ? (*layer.config)["name"].text() : "");
    if (layer.kind.empty()) refuse("a layer has no class");
    if (layer.kind == "Model" || layer.kind == "Sequential") {
      layer.inner = std::make_shared<Network>(network(entry, depth + 1));
      if (layer.name.empty()) layer.name = layer.inner->name;
    } else if (layer.kind == "RNN") {
      unfold(layer, depth);
    } else if (const Value& wrapped = (*layer.config)["layer"]; wrapped["class_name"].is_text()) {
      layer.wrapped = std::make_shared<Layer>(this->layer(wrapped, depth + 1));
    }
    return layer;
  }

  // An RNN around a cell is the layer that the cell is a step of; around several, such layers one after the
  // other.
  void unfold(Layer& layer, int depth) {
    const Value &around = *layer.config, &cell = around["cell"];
    if (kind_of(cell) != "StackedRNNCells") {
      take_cell(layer, cell, around, true);
      return;
    }
    const auto& cells = cell["config"]["cells"].list();
    if (cells.empty() || cells.size() > most_layers || depth >= deepest)
      refuse("a stack of cells is empty or too high");
    auto inner = std::make_shared<Network>();
    for (std::size_t i = 0; i < cells.size(); ++i) {
      Layer step;
      step.name = "cell_" + std::to_string(i);
      step.kind = "RNN";
      const bool is_last = i + 1 == cells.size();
      if (!take_cell(step, cells[i], around, is_last) || around["return_state"].truth(false)) return;
      inner->layers.push_back(std::move(step));
    }
    chain(*inner, around);
    layer.inner = std::move(inner);
  }

  // False where the cell is none that mlq knows; the layer stays an RNN, which nothing lowers.
  static bool take_cell(Layer& layer, const Value& cell, const Value& around, bool is_last) {
    const std::string kind = kind_of(cell);
    const std::size_t end = kind.rfind("Cell");
    if (end == std::string::npos || (kind != "LSTMCell" && kind != "GRUCell" && kind != "SimpleRNNCell"))
      return false;
    Value::Map settings = cell["config"].map();
    for (const char* key : {"go_backwards", "return_sequences", "return_state", "stateful", "trainable"})
      settings[key] = around[key];
    if (!is_last) settings["return_sequences"] = Value{true};
    if (around["go_backwards"].truth(false) && !is_last) return false;
    layer.kind = kind.substr(0, end);
    layer.made = std::make_shared<Value>(Value{std::move(settings)});
    layer.config = layer.made.get();
    return true;
  }

  static bool is_ref(const Value& value) {
    return value.is_list() && value.list().size() >= 3 && value.list()[0].is_text() &&
           std::holds_alternative<std::int64_t>(value.list()[1].is);
  }

  static Ref ref_of(const Value& value) {
    return {value.list()[0].text(), value.list()[1].integer(0), value.list()[2].integer(0)};
  }

  // Every reference below the value, in order. `others` is where a call's further arguments are noted.
  void collect(const Value& value, std::vector<Ref>& refs, const Value*& others, int depth = 0) const {
    if (depth > 2 * deepest) refuse("a call is nested too deeply");
    if (is_ref(value)) {
      refs.push_back(ref_of(value));
      if (value.list().size() > 3 && value.list()[3].is_map()) {
        others = &value.list()[3];
        for (const auto& [name, argument] : others->map()) collect_named(name, argument, refs, depth + 1);
      }
    } else if (value["class_name"].text() == "__keras_tensor__") {
      if (const Value& history = value["config"]["keras_history"]; is_ref(history))
        refs.push_back(ref_of(history));
    } else {
      for (const Value& entry : value.list()) collect(entry, refs, others, depth + 1);
    }
  }

  void collect_named(const std::string& name, const Value& argument, std::vector<Ref>& refs,
                     int depth) const {
    const Value* others = nullptr;
    const std::size_t before = refs.size();
    collect(argument, refs, others, depth);
    for (std::size_t i = before; i < refs.size(); ++i) refs[i].argument = name;
  }

  std::vector<Use> uses_of(const Value& entry) const {
    std::vector<Use> uses;
    const auto& calls = entry["inbound_nodes"].list();
    // An input layer is its own one use.
    if (kind_of(entry) == "InputLayer") uses.emplace_back();
    for (const Value& call : calls) {
      Use use;
      if (call.is_map()) {  // Keras 3
        collect(call["args"], use.inputs, use.arguments);
        for (const auto& [name, argument] : call["kwargs"].map())
          collect_named(name, argument, use.inputs, 0);
        use.arguments = &call["kwargs"];
      } else {
        collect(call, use.inputs, use.arguments);
      }
      uses.push_back(std::move(use));
    }
    return uses;
  }

  void collect_ends(const Value& value, std::vector<Ref>& refs) const {
    if (is_ref(value)) return refs.push_back(ref_of(value));
    for (const Value& entry : value.list()) collect_ends(entry, refs);
    for (const auto& [name, entry] : value.map()) collect_ends(entry, refs);
  }

  // Each layer reads the one before it.
  static void chain(Network& network, const Value& config) {
    if (network.layers[0].kind != "InputLayer") {
      Layer input;
      input.kind = "InputLayer";
      input.name = network.layers[0].name + "_input";
      const Value& shape = input_shape(network.layers[0]);
      input.config = !shape.null() ? owner_of_shape(network.layers[0]) : &config;
      network.layers.insert(network.layers.begin(), std::move(input));
    }
    network.layers[0].uses.emplace_back();
    for (std::size_t i = 1; i < network.layers.size(); ++i)
      network.layers[i].uses.push_back({{{network.layers[i - 1].name, 0, 0}}, nullptr});
    network.inputs.push_back({network.layers.front().name, 0, 0});
    network.outputs.push_back({network.layers.back().name, 0, 0});
  }

  // The settings that say the shape: of a model at the beginning, those of its own first layer.
  static const Value* owner_of_shape(const Layer& layer) {
    const Layer* first = &layer;
    while (first->inner && !first->inner->layers.empty()) first = &first->inner->layers[0];
    return first->config;
  }

  const std::filesystem::path& path_;
};

}  // namespace

const Value& input_shape(const Layer& layer) {
  const Layer* first = &layer;
  while (first->inner && !first->inner->layers.empty()) first = &first->inner->layers[0];
  return first->config->any({"batch_input_shape", "batch_shape", "build_input_shape"});
}

Network parse_network(const Value& document, const std::filesystem::path& path) {
  return Parser(path).network(document, 0);
}

}  // namespace mlqc::keras
