#include "compiler/frontends/coreml/layers.h"

#include <algorithm>

#include "compiler/frontends/coreml/control.h"
#include "compiler/frontends/coreml/custom.h"
#include "compiler/frontends/coreml/network.pb.h"
#include "compiler/frontends/custom.h"
#include "compiler/support/error.h"

namespace mlqc::coreml {

namespace {

using Family = std::span<const Row> (*)();

constexpr Family families[] = {
    activation_rows, constant_rows,    control_rows,  convolution_rows, custom_rows,  dense_rows,
    detection_rows,  elementwise_rows, indexing_rows, picture_rows,     pooling_rows, normalization_rows,
    random_rows,     recurrent_rows,   reduce_rows,   shape_rows,       slice_rows,
};

std::string describe(const NeuralNetworkLayer& layer) {
  if (layer.layer_case() == NeuralNetworkLayer::kCustom)
    return "layer '" + layer.name() + "' of class " + layer.custom().class_name() + " is not supported";
  return "layer '" + layer.name() + "' of kind " + kind_name(layer) + " is not supported";
}

// The `custom_layers:` entry that would let a custom class run.
std::string cure(const NeuralNetworkLayer& layer) {
  if (layer.layer_case() != NeuralNetworkLayer::kCustom) return "";
  const std::string& name = layer.custom().class_name();
  return "the model brings no code for " + name + "; name yours with " +
         custom_layers_line("class", name, name);
}

bool is_supported(const Build& build, const NeuralNetworkLayer& layer) {
  if (layer.layer_case() == NeuralNetworkLayer::kCustom)
    return find_class(build.source, layer.custom().class_name()) != nullptr;
  return find_row(layer.layer_case()) != nullptr;
}

}  // namespace

const Row* find_row(int kind) {
  for (const Family family : families)
    for (const Row& row : family())
      if (row.kind == kind) return &row;
  return nullptr;
}

std::string kind_name(const NeuralNetworkLayer& layer) {
  const auto* field = NeuralNetworkLayer::descriptor()->FindFieldByNumber(layer.layer_case());
  return field ? field->json_name() : "(unknown to this version of mlq)";
}

void check_supported(const Build& build, const NeuralNetwork& network) {
  std::vector<const NeuralNetworkLayer*> unsupported;
  collect_layers(network, unsupported);
  std::erase_if(unsupported, [&](const NeuralNetworkLayer* layer) { return is_supported(build, *layer); });
  if (unsupported.empty()) return;
  Diagnostic diagnostic{{build.source.path.string()}, describe(*unsupported.front()), "MLQ311", "", {}};
  for (std::size_t i = 1; i < unsupported.size(); ++i) diagnostic.notes.push_back(describe(*unsupported[i]));
  std::vector<std::string> cures;
  for (const NeuralNetworkLayer* layer : unsupported) {
    const std::string text = cure(*layer);
    if (!text.empty() && std::find(cures.begin(), cures.end(), text) == cures.end()) cures.push_back(text);
  }
  for (const std::string& text : cures) diagnostic.hint += (diagnostic.hint.empty() ? "" : "\n") + text;
  if (cures.empty())
    diagnostic.hint =
        "convert the model without these layers; compiler/frontends/COREML.md lists those that run";
  throw Error(Exit::model, std::move(diagnostic));
}

void lower_layers(Build& build, const NeuralNetwork& network) {
  lower_layers(build, all_layers(network));
  build.layer = nullptr;
}

}  // namespace mlqc::coreml
