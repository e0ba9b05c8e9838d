// Lambda layers and classes that Keras does not know: the user's own code computes them.
#include "compiler/frontends/custom.h"

#include <algorithm>

#include "compiler/frontends/keras/layers.h"

namespace mlqc::keras {

namespace {

// What the layer's own settings say in single numbers, truth values and texts.
mlq::Parameters settings_of(const Layer& layer) {
  mlq::Parameters parameters;
  for (const auto& [key, value] : layer.config->map()) {
    if (key == "name" || key == "trainable" || key == "dtype") continue;
    if (const auto* text = std::get_if<std::string>(&value.is)) parameters[key] = *text;
    if (const auto* truth = std::get_if<bool>(&value.is)) parameters[key] = *truth;
    if (const auto* number = std::get_if<std::int64_t>(&value.is)) parameters[key] = *number;
    if (const auto* number = std::get_if<double>(&value.is)) parameters[key] = *number;
  }
  return parameters;
}

}  // namespace

const CustomEntry* find_custom(const Net& net, const Layer& layer) {
  const auto& entries = net.b.source.custom_layers;
  const auto matches = [&](const std::string& word) { return word == layer.kind || word == layer.name; };
  const auto found = std::find_if(entries.begin(), entries.end(), [&](const CustomEntry& entry) {
    return matches(entry.layer_class) || matches(entry.op);
  });
  return found == entries.end() ? nullptr : &*found;
}

Ids lower_custom(Net& net, const CustomEntry& entry) {
  const Layer& layer = *net.layer;
  Ids weights;
  for (std::size_t i = 0; i < layer.weights.size(); ++i)
    weights.push_back(net.weight(i, ("weights." + std::to_string(i)).c_str()));
  // The wrapper and the plugin know the code by the entry's name; Keras says Lambda to any.
  const std::string layer_class = entry.layer_class.empty() ? layer.kind : "";
  mlq::Node node = custom_node(net.b.source, entry, {net.b.name(), layer_class, "", settings_of(layer)},
                               net.in, std::move(weights));
  return append_custom(net.b.source, net.b.graph, std::move(node), 1);
}

}  // namespace mlqc::keras
