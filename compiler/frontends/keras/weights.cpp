#include "compiler/frontends/keras/weights.h"

#include <algorithm>
#include <cctype>

#include "compiler/frontends/keras/layers.h"
#include "compiler/support/error.h"

namespace mlqc::keras {

namespace {

using Arrays = std::vector<const Array*>;

// Layers that hold arrays themselves, in the order in which the file lists them.
void leaves_of(Layer& layer, std::vector<Layer*>& leaves) {
  if (layer.inner)
    for (Layer& inner : layer.inner->layers) leaves_of(inner, leaves);
  else if (layer.wrapped && layer.kind == "TimeDistributed")
    leaves_of(*layer.wrapped, leaves);
  else
    leaves.push_back(&layer);
}

Slots slots_of(const Layer& layer) {
  const Row* row = find_row(layer.kind);
  return row ? row->slots(layer) : Slots{};
}

bool is_frozen(const Layer& layer) { return !(*layer.config)["trainable"].truth(true); }

class Assign {
 public:
  Assign(const Hdf5& file, const std::filesystem::path& path) : file_(file), path_(path) {}

  // Keras 1 and 2: a group per layer that lists its arrays.
  void listed(Network& network, const std::string& root) {
    for (Layer& layer : network.layers) {
      const std::string group = root.empty() ? layer.name : root + "/" + layer.name;
      Arrays arrays;
      for (const std::string& name : file_.texts_of(group, "weight_names"))
        arrays.push_back(&array(group + "/" + name, layer));
      give(layer, arrays);
    }
  }

  // Keras 3: groups named after the classes, numbered in the order of the layers.
  void numbered(Network& network, const std::string& root) {
    std::map<std::string, int> seen;
    for (Layer& layer : network.layers) {
      std::string name = snake_case(layer);
      const int number = seen[name]++;
      if (number > 0) name += "_" + std::to_string(number);
      numbered(layer, root + "/" + name);
    }
  }

 private:
  [[noreturn]] void refuse(const Layer& layer, const std::string& what) const {
    throw Error(
        Exit::model,
        {{path_.string()}, "layer '" + layer.name + "' (" + layer.kind + ") " + what, "MLQ312", "", {}});
  }

  const Array& array(const std::string& where, const Layer& layer) const {
    const auto found = file_.arrays.find(where);
    if (found == file_.arrays.end()) refuse(layer, "has weights '" + where + "' that are not in the file");
    return found->second;
  }

  void give(Layer& layer, const Arrays& arrays) {
    std::vector<Layer*> leaves;
    leaves_of(layer, leaves);
    std::size_t needed = 0, next = 0;
    for (const Layer* leaf : leaves) needed += slots_of(*leaf).trainable + slots_of(*leaf).fixed;
    if (needed != arrays.size() && find_row(layer.kind))
      refuse(layer, "has " + std::to_string(arrays.size()) + " arrays of weights where it needs " +
                        std::to_string(needed));
    if (needed != arrays.size()) return layer.weights.assign(arrays.begin(), arrays.end());
    for (Layer* leaf : leaves)
      if (!is_frozen(*leaf)) take(*leaf, slots_of(*leaf).trainable, arrays, next);
    for (Layer* leaf : leaves)
      take(*leaf, slots_of(*leaf).fixed + (is_frozen(*leaf) ? slots_of(*leaf).trainable : 0), arrays, next);
  }

  static void take(Layer& leaf, std::size_t count, const Arrays& arrays, std::size_t& next) {
    for (; count > 0; --count) leaf.weights.push_back(arrays[next++]);
  }

  // "SeparableConv2D" is separable_conv2d: a capital begins a word after a small letter or digit, or before a
  // small letter.
  static std::string snake_case(const Layer& layer) {
    const std::string kind = layer.made ? "RNN" : layer.kind == "Model" ? "Functional" : layer.kind;
    std::string snake;
    for (std::size_t i = 0; i < kind.size(); ++i) {
      const auto is = [&](std::size_t at, int (*test)(int)) {
        return at < kind.size() && test(static_cast<unsigned char>(kind[at]));
      };
      const bool begins = i > 0 && is(i, std::isupper) &&
                          (is(i - 1, std::islower) || (is(i - 1, std::isdigit) && is(i + 1, std::islower)) ||
                           (is(i - 1, std::isupper) && is(i + 1, std::islower)));
      if (begins) snake += '_';
      snake += static_cast<char>(std::tolower(static_cast<unsigned char>(kind[i])));
    }
    return snake;
  }

  // vars/0, vars/1, ... of a group.
  void append_vars(const std::string& group, Layer& layer) const {
    for (int i = 0;; ++i) {
      const auto found = file_.arrays.find(group + "/vars/" + std::to_string(i));
      if (found == file_.arrays.end()) return;
      layer.weights.push_back(&found->second);
    }
  }

  void numbered(Layer& layer, const std::string& group) {
    if (layer.inner) return numbered(*layer.inner, group + "/layers");
    if (layer.wrapped && layer.kind == "TimeDistributed") return numbered(*layer.wrapped, group + "/layer");
    const Slots slots = slots_of(layer);
    const std::size_t needed = slots.trainable + slots.fixed;
    if (needed == 0 && find_row(layer.kind)) return;  // a generator of random numbers keeps its state here
    for (const char* part : {"", "/cell", "/forward_layer/cell", "/backward_layer/cell", "/query_dense",
                             "/key_dense", "/value_dense", "/output_dense"})
      append_vars(group + part, layer);
    if (layer.weights.size() != needed && find_row(layer.kind))
      refuse(layer, "has " + std::to_string(layer.weights.size()) + " arrays of weights where it needs " +
                        std::to_string(needed));
  }

  const Hdf5& file_;
  const std::filesystem::path& path_;
};

bool is_numbered(const Hdf5& file) {
  return std::any_of(file.arrays.begin(), file.arrays.end(),
                     [](const auto& entry) { return entry.first.find("/vars/") != std::string::npos; });
}

}  // namespace

void assign_weights(Network& network, const Hdf5& file, const std::filesystem::path& path) {
  Assign assign(file, path);
  if (is_numbered(file))
    assign.numbered(network, "layers");
  else
    assign.listed(network, file.texts.count("model_weights@layer_names") ||
                                   file.texts.count("model_weights@layer_names0")
                               ? "model_weights"
                               : "");
}

}  // namespace mlqc::keras
