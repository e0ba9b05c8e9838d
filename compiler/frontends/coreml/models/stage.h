// One model among others: what it reads and gives under names, and how each kind is said in the graph's
// operators. Adding a kind is one file here and one row in stages.cpp.
//
// The graph knows numbers only. So a text is its place among the words that the model knows, and a dictionary
// is its values in the order of the keys; both lists stand in the descriptions of the inputs.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "compiler/frontends/coreml/build.h"

namespace mlqc::coreml {

class FeatureDescription;
class Int64Vector;
class Model;
class ModelDescription;
class StringVector;

// Words, or whole numbers in decimal.
struct Words {
  std::vector<std::string> list;
  bool integers = false;
};

// A value between models.
struct Flow {
  enum Kind {
    numbers,     // the feature's shape
    picture,     // [1, C, H, W]
    text,        // one place among the words, int64; -1 for a word that is none of them
    dictionary,  // one number for each of the words
    choice,      // the word of the highest of the numbers
  };
  Kind kind = numbers;
  mlq::Feature feature;
  Words words;
  bool open = false;  // an input whose words the first model that reads it will say
};

class Stage {
 public:
  Stage(Build& b, const Model& model, std::map<std::string, Flow>& flows)
      : b(b), model(model), flows(flows) {}

  Build& b;
  const Model& model;
  std::map<std::string, Flow>& flows;  // of all models so far, by name

  const ModelDescription& description() const;
  // The one input or output of a model that has no other; fails where there are more.
  const FeatureDescription& only_input() const;
  const FeatureDescription& only_output() const;
  Flow& flow(const std::string& name);

  // A flow as numbers: [n], or of its own shape.
  TensorId vector(const std::string& name);
  TensorId array(const std::string& name);
  // A text, choice or whole number as its place among words ([1], int64), -1 where it is none of them.
  TensorId place(const std::string& name, const Words& words);
  TensorId vector_of_integers(const std::string& name);
  // The values of a dictionary in the order of these keys, 0 for those it has not.
  TensorId values(const std::string& name, const Words& keys);

  void give(const FeatureDescription& to, TensorId tensor);
  void give(const FeatureDescription& to, Flow::Kind kind, TensorId tensor, const Words& words);
  // A classifier's outputs: label and dictionary of one number [n] for each class.
  void give_classes(TensorId scores, const Words& classes);
};

Words words_of(const StringVector& words);
Words words_of(const Int64Vector& words);
// The labels of a message that has string_class_labels and int64_class_labels.
template <class Message>
Words class_labels(const Message& message) {
  return message.has_int64_class_labels() ? words_of(message.int64_class_labels())
                                          : words_of(message.string_class_labels());
}

// [n]: one where the place is, zeros elsewhere.
TensorId one_hot(Build& b, TensorId place, std::int64_t n);
// A vector of doubles; its numbers are rounded to float32, as all others.
template <class Repeated>
TensorId constant(Build& b, const Repeated& values) {
  const std::vector<float> floats(values.begin(), values.end());
  return b.floats({static_cast<std::int64_t>(floats.size())}, floats);
}

struct StageRow {
  int kind;  // the field number of the model's kind in the format
  void (*lower)(Stage& stage);
};
// Null where mlq cannot run the kind.
const StageRow* find_stage(int kind);

void array_feature_extractor(Stage& s);
void categorical_mapping(Stage& s);
void dict_vectorizer(Stage& s);
void feature_vectorizer(Stage& s);
void glm_classifier(Stage& s);
void glm_regressor(Stage& s);
void identity(Stage& s);
void imputer(Stage& s);
void network(Stage& s);
void non_maximum_suppression(Stage& s);
void normalizer(Stage& s);
void one_hot_encoder(Stage& s);
void scaler(Stage& s);
void tree_ensemble(Stage& s);

}  // namespace mlqc::coreml
