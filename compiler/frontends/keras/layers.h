// The network that is being lowered, and the table of layers: one file per family.
#pragma once

#include <map>
#include <span>

#include "compiler/frontends/keras/network.h"
#include "compiler/frontends/keras/weights.h"
#include "compiler/frontends/nhwc/build.h"
#include "compiler/frontends/nhwc/spatial.h"

namespace mlqc::keras {

using mlq::Shape;
using mlq::TensorId;
using nhwc::Ids;
using nhwc::Ints;

struct Net {
  nhwc::Build b;
  int version = 2;      // of Keras
  bool later_2 = true;  // 2.3 and on, or TensorFlow's own: resizes with half pixels
  bool theano = false;  // kernels of Keras 1 and 2 under Theano are mirrored

  // The layer that is being lowered, its operands, and its call.
  const Layer* layer = nullptr;
  Ids in = {};
  const Use* use = nullptr;
  std::string prefix = "";  // of names: the models around this one, with slashes

  // Of values that carry one: see masks.h. no_tensor: one that mlq cannot follow.
  std::map<TensorId, TensorId> masks = {};
  // Constants made so far: a layer that is used twice has its weights once.
  std::map<std::pair<const Layer*, std::string>, TensorId> constants = {};

  const Value& config() const { return *layer->config; }
  TensorId x() const {
    b.require(in.size() == 1, "needs one operand");
    return in[0];
  }

  // The layer's array number i as a constant "<layer>/<field>", its axes permuted, under another shape.
  TensorId weight(std::size_t i, const char* field, const Ints& permutation = {}, const Shape& shape = {});
  // The numbers of an array; fails when it has not the shape. -1 fits all.
  std::vector<float> floats(std::size_t i, const Shape& shape) const;
  // A constant made of numbers, once per layer and field.
  TensorId constant(const char* field, const Shape& shape, const std::vector<float>& values);
};

// Lowers net.layer and gives its results.
struct Row {
  std::string_view kind;
  Ids (*lower)(Net& net, const char* op);
  Slots (*slots)(const Layer& layer);
  const char* op = "";
};

std::span<const Row> activation_rows();
std::span<const Row> attention_rows();
std::span<const Row> conv_recurrent_rows();
std::span<const Row> convolution_rows();
std::span<const Row> dense_rows();
std::span<const Row> local_rows();
std::span<const Row> merge_rows();
std::span<const Row> normalization_rows();
std::span<const Row> picture_rows();
std::span<const Row> pooling_rows();
std::span<const Row> recurrent_rows();
std::span<const Row> shape_rows();
std::span<const Row> wrapper_rows();

const Row* find_row(std::string_view kind);

// Lowers a layer, a model within the model included, on net.in.
Ids lower_layer(Net& net, const Layer& layer);
// Lowers all layers of a network and gives its outputs; `given` are its inputs, which the first network makes
// itself.
Ids lower_network(Net& net, const Network& network, const Ids& given);

// The manifest's entry for a layer, by its class or by its name; null where there is none.
const CustomEntry* find_custom(const Net& net, const Layer& layer);
// The layer as a node that the user's code computes. Throws Error MLQ314 when nothing brings the code.
Ids lower_custom(Net& net, const CustomEntry& entry);

// Throws Error MLQ311 that names every layer without a row.
void check_supported(const Net& net, const Network& network);

// The activation function that a setting names; of a null value, none.
TensorId activate(Net& net, TensorId x, const Value& activation);
// Its name in Keras 2's words: settings may hold a serialized object.
std::string activation_name(const Value& activation);

// Whether the layer's images have their channels in front.
bool channels_first(const Net& net);
// The operand with its channels last, and a result back in the layer's order.
TensorId channels_last(Net& net, TensorId x);
TensorId channels_back(Net& net, TensorId y);

// Strides, dilations and padding of a convolution; "causal" is Padding::given, without its edges.
nhwc::Window window_of(const Net& net);

Slots no_weights(const Layer& layer);
bool has_bias(const Value& config);
Slots kernel_and_bias(const Layer& layer);

}  // namespace mlqc::keras
