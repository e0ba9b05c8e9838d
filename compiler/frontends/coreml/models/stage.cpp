#include "compiler/frontends/coreml/models/stage.h"

#include <algorithm>

#include "compiler/frontends/coreml/model.pb.h"

namespace mlqc::coreml {

namespace {

using mlq::DataType;
using mlq::FeatureKind;

std::int64_t place_in(const Words& words, const std::string& word) {
  const auto found = std::find(words.list.begin(), words.list.end(), word);
  return found == words.list.end() ? -1 : found - words.list.begin();
}

std::string spelled(const Words& words) {
  std::string text;
  for (const std::string& word : words.list) text += (text.empty() ? "" : ", ") + word;
  return text;
}

void describe(mlq::Feature& feature, const std::string& what) {
  feature.description += (feature.description.empty() ? "" : " ") + what;
}

// The first reader's words become the input's own.
void open_up(Build& b, Flow& flow, const Words& words) {
  flow.open = false;
  flow.words = words;
  const bool text = flow.kind == Flow::text;
  const auto n = static_cast<std::int64_t>(words.list.size());
  flow.feature.shape = {text ? 1 : n};
  flow.feature.type = text ? DataType::int64 : DataType::float32;
  flow.feature.tensor =
      mlq::add_tensor(b.graph, {flow.feature.name, flow.feature.type, flow.feature.shape, {}, {}});
  describe(flow.feature,
           (text ? "Passed as the place among: " : "Passed as the values of: ") + spelled(words));
}

// Looks up which place in `to` has the word at a place in `from`; what is nowhere is last, at -1.
TensorId translate(Build& b, TensorId place, const Words& from, const Words& to) {
  if (from.list == to.list) return place;
  Ints table;
  for (const std::string& word : from.list) table.push_back(place_in(to, word));
  table.push_back(-1);
  return b.node("Gather", {b.ints(table), place}, {{"axis", std::int64_t{0}}});
}

TensorId best(Build& b, TensorId scores) {
  return b.node("ArgMax", {b.reshape(scores, {-1})},
                {{"axis", std::int64_t{0}}, {"keepdims", std::int64_t{1}}});
}

TensorId floats_of(Stage& s, const Flow& flow) {
  if (flow.kind == Flow::text) s.b.fail("computes with '" + flow.feature.name + "', which is a text");
  if (flow.kind != Flow::choice) return s.b.cast(flow.feature.tensor, DataType::float32);
  if (!flow.words.integers) s.b.fail("computes with '" + flow.feature.name + "', which is a text");
  std::vector<float> numbers;
  for (const std::string& word : flow.words.list) numbers.push_back(std::stof(word));
  return s.b.node("Gather", {constant(s.b, numbers), best(s.b, flow.feature.tensor)},
                  {{"axis", std::int64_t{0}}});
}

}  // namespace

const ModelDescription& Stage::description() const { return model.description(); }

const FeatureDescription& Stage::only_input() const {
  b.require(description().input_size() == 1, "has other than one input");
  return description().input(0);
}
const FeatureDescription& Stage::only_output() const {
  b.require(description().output_size() == 1, "has other than one output");
  return description().output(0);
}

Flow& Stage::flow(const std::string& name) {
  const auto found = flows.find(name);
  if (found == flows.end()) b.fail("reads '" + name + "', which no model before it gives");
  return found->second;
}

TensorId Stage::vector(const std::string& name) { return b.reshape(array(name), {-1}); }

TensorId Stage::array(const std::string& name) {
  const Flow& value = flow(name);
  if (value.open) b.fail("reads '" + name + "' as numbers, but it is a text or a dictionary");
  const TensorId numbers = floats_of(*this, value);
  const Shape& shape = value.feature.shape;
  const bool known = mlq::element_count(shape) && value.kind != Flow::choice;
  return known && b.shape(numbers) != shape ? b.reshape(numbers, shape) : numbers;
}

TensorId Stage::place(const std::string& name, const Words& words) {
  Flow& value = flow(name);
  if (value.open) open_up(b, value, words);
  if (value.kind == Flow::text) return translate(b, value.feature.tensor, value.words, words);
  if (value.kind == Flow::choice) return translate(b, best(b, value.feature.tensor), value.words, words);
  if (value.kind != Flow::numbers || !words.integers)
    b.fail("looks '" + name + "' up among words, but it is no text");
  Ints keys, places;
  for (const std::string& word : words.list) {
    keys.push_back(std::stoll(word));
    places.push_back(static_cast<std::int64_t>(places.size()) + 1);
  }
  const TensorId same = b.node("Equal", {b.indices(vector_of_integers(name)), b.ints(keys)});
  const TensorId found = b.multiply(b.cast(same, DataType::float32), constant(b, places));
  const TensorId place = b.node("ReduceMax", {found}, {{"axes", Ints{0}}, {"keepdims", std::int64_t{1}}});
  return b.indices(b.subtract(place, b.number(1)));
}

TensorId Stage::vector_of_integers(const std::string& name) {
  return b.reshape(flow(name).feature.tensor, {1});
}

TensorId Stage::values(const std::string& name, const Words& keys) {
  Flow& value = flow(name);
  if (value.open) open_up(b, value, keys);
  if (value.kind != Flow::dictionary) b.fail("reads '" + name + "' as a dictionary, which it is not");
  const TensorId numbers = b.reshape(value.feature.tensor, {-1});
  if (value.words.list == keys.list) return numbers;
  Ints places;
  for (const std::string& key : keys.list) places.push_back(place_in(value.words, key));
  // Index -1 is the zero that is put behind all others.
  const TensorId padded =
      b.node("Concat", {numbers, constant(b, std::vector<float>{0})}, {{"axis", std::int64_t{0}}});
  return b.node("Gather", {padded, b.ints(places)}, {{"axis", std::int64_t{0}}});
}

void Stage::give(const FeatureDescription& to, TensorId tensor) { give(to, Flow::numbers, tensor, {}); }

void Stage::give(const FeatureDescription& to, Flow::Kind kind, TensorId tensor, const Words& words) {
  Flow flow{
      kind, {to.name(), to.short_description(), FeatureKind::tensor, tensor, b.shape(tensor)}, words, false};
  flow.feature.type = b.graph.tensors[static_cast<std::size_t>(tensor)].type;
  if (kind == Flow::dictionary) flow.feature.kind = FeatureKind::scores;
  if (kind == Flow::choice) {
    flow.feature.kind = FeatureKind::label;
    flow.feature.shape = {1};
    flow.feature.type = DataType::int64;
  }
  flows.insert_or_assign(to.name(), std::move(flow));
}

void Stage::give_classes(TensorId scores, const Words& classes) {
  const auto n = mlq::element_count(b.shape(scores));
  if (!n || *n != static_cast<std::int64_t>(classes.list.size()))
    b.fail("has " + std::to_string(classes.list.size()) + " class labels and " +
           mlq::to_string(b.shape(scores)) + " scores");
  for (const FeatureDescription& output : description().output()) {
    const bool dictionary =
        output.type().has_dictionary_type() || output.name() == description().predicted_probabilities_name();
    give(output, dictionary ? Flow::dictionary : Flow::choice, scores, classes);
  }
}

Words words_of(const StringVector& words) { return {{words.vector().begin(), words.vector().end()}, false}; }
Words words_of(const Int64Vector& words) {
  Words out{{}, true};
  for (const std::int64_t word : words.vector()) out.list.push_back(std::to_string(word));
  return out;
}

TensorId one_hot(Build& b, TensorId place, std::int64_t n) {
  Ints places;
  for (std::int64_t i = 0; i < n; ++i) places.push_back(i);
  return b.cast(b.node("Equal", {place, b.ints(places)}), DataType::float32);
}

const StageRow* find_stage(int kind) {
  static constexpr StageRow rows[] = {
      {Model::kArrayFeatureExtractor, array_feature_extractor},
      {Model::kCategoricalMapping, categorical_mapping},
      {Model::kDictVectorizer, dict_vectorizer},
      {Model::kFeatureVectorizer, feature_vectorizer},
      {Model::kGlmClassifier, glm_classifier},
      {Model::kGlmRegressor, glm_regressor},
      {Model::kIdentity, identity},
      {Model::kImputer, imputer},
      {Model::kNeuralNetwork, network},
      {Model::kNeuralNetworkClassifier, network},
      {Model::kNeuralNetworkRegressor, network},
      {Model::kNonMaximumSuppression, non_maximum_suppression},
      {Model::kNormalizer, normalizer},
      {Model::kOneHotEncoder, one_hot_encoder},
      {Model::kScaler, scaler},
      {Model::kTreeEnsembleClassifier, tree_ensemble},
      {Model::kTreeEnsembleRegressor, tree_ensemble},
  };
  for (const StageRow& row : rows)
    if (row.kind == kind) return &row;
  return nullptr;
}

}  // namespace mlqc::coreml
