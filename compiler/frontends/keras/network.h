// What a Keras model's JSON says: layers, and which of them reads which. All versions of Keras become one
// form.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "compiler/frontends/keras/hdf5.h"
#include "compiler/frontends/keras/value.h"

namespace mlqc::keras {

// The result of one use of a layer.
struct Ref {
  std::string layer;
  std::int64_t use = 0, result = 0;
  std::string argument = "";  // of the call that takes it; "": it stands first
};

struct Use {
  std::vector<Ref> inputs;
  const Value* arguments = nullptr;  // of the call, beside its inputs; may be null
};

struct Network;

struct Layer {
  std::string kind;  // the class in Keras 2's words: "Conv2D"
  std::string name;
  const Value* config = nullptr;   // in the document that parse_network was given, or `made`
  std::shared_ptr<Value> made;     // settings that were put together: of an RNN around a cell
  std::vector<Use> uses;           // none: the layer is not used
  std::shared_ptr<Network> inner;  // of a model within the model
  std::shared_ptr<Layer> wrapped;  // what TimeDistributed and Bidirectional hold

  std::vector<const Array*> weights;  // in Keras' order; filled by assign_weights
};

struct Network {
  std::string name;
  std::vector<Layer> layers;
  std::vector<Ref> inputs, outputs;
};

// `document` is {class_name, config} and must outlive the result. Throws Error MLQ306, MLQ310.
Network parse_network(const Value& document, const std::filesystem::path& path);

// The shape of an input layer or of a first layer: without one, a null value.
const Value& input_shape(const Layer& layer);

}  // namespace mlqc::keras
