// A layer, or a whole model, that the app computes itself: what MLCustomLayer is in Core ML, with the same
// four methods under the same names. Write a class, name it in the manifest (`custom_layers:`), and the
// compiler runs it while it validates the model, the generated wrapper when the app predicts.
// https://developer.apple.com/documentation/coreml/mlcustomlayer
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "mlq/graph.h"
#include "mlq/result.h"

namespace mlq {

using Parameter = std::variant<std::int64_t, double, bool, std::string>;
// The model's own, and those of the manifest, which win.
using Parameters = std::map<std::string, Parameter, std::less<>>;

// The parameter as a number; `otherwise` when it is absent or a text.
double number_of(const Parameters& parameters, std::string_view name, double otherwise);
// The same for whole numbers; a fraction is cut off.
std::int64_t integer_of(const Parameters& parameters, std::string_view name, std::int64_t otherwise);
// The text; `otherwise` when it is absent or no text.
std::string text_of(const Parameters& parameters, std::string_view name, std::string otherwise);

// Numbers that a layer reads or writes: row-major, contiguous. float32 but where the source says otherwise.
template <class Address>
struct LayerArray {
  DataType type = DataType::float32;
  Shape shape;
  Address data = nullptr;
  std::size_t count = 0;  // of elements
};
struct LayerInput : LayerArray<const void*> {
  std::span<const float> floats() const { return {static_cast<const float*>(data), count}; }
};
struct LayerOutput : LayerArray<void*> {
  std::span<float> floats() const { return {static_cast<float*>(data), count}; }
};

// One instance serves one prediction at a time, so members need no lock; several instances of one layer may
// live at once, and each may be made and asked for shapes without ever being evaluated. Keep nothing from one
// evaluation for the next.
//
// In a network of Core ML's older array mapping ([Sequence, Batch, C, H, W]), shapes are [N, C, H, W]; in all
// others they are the source's own.
class CustomLayer {
 public:
  virtual ~CustomLayer() = default;

  // First of all, once.
  virtual Status init_with_parameters(const Parameters&) { return {}; }

  // Once, before the first evaluation. Weights are floats in the model's order, decoded when they are
  // quantized; their memory lives as long as the layer. Core ML's weights have no shape: they are {1, n}.
  virtual Status set_weight_data(std::span<const LayerInput>) { return {}; }

  // A shape for each output, from parameters and input shapes alone. A dimension that is not known before an
  // input is comes as -1, and what depends on it goes back as -1. As it is, outputs are shaped like inputs.
  virtual Result<std::vector<Shape>> output_shapes_for_input_shapes(std::span<const Shape> inputs) {
    return std::vector<Shape>(inputs.begin(), inputs.end());
  }

  // Fills outputs, which have the shapes that were promised. Inputs and outputs do not overlap.
  virtual Status evaluate_on_cpu(std::span<const LayerInput> inputs,
                                 std::span<const LayerOutput> outputs) = 0;
};

// A class of the model and how to make one: a row of the list in LoadOptions::custom_layers.
struct CustomClass {
  std::string name;  // as the model says it
  std::function<std::unique_ptr<CustomLayer>(std::string_view layer)> create;
};
template <class T>
CustomClass custom_class(std::string name) {
  return {std::move(name),
          [](std::string_view) -> std::unique_ptr<CustomLayer> { return std::make_unique<T>(); }};
}

// How a graph says it: a node of the operator Custom with the class, its parameters and its description,
// whose last operands are the weights.
inline constexpr std::string_view custom_op = "Custom";
Node custom_node(std::string name, std::string_view class_name, const Parameters& parameters,
                 std::string_view description, std::vector<TensorId> inputs, std::vector<TensorId> weights);
std::string custom_class_of(const Node& node);
Parameters custom_parameters_of(const Node& node);
std::size_t custom_weights_of(const Node& node);

// "layer 'warp' of class GridSampler".
std::string describe_custom(const Node& node);

}  // namespace mlq
