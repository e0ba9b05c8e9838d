// Small models and pipelines of models against the format's equations.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "compiler/support/error.h"
#include "mlq/model.h"
#include "tests/frontends/coreml_one_layer.h"

namespace mlqc {
namespace {

using namespace coreml;
using test::Floats;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

constexpr float nan = std::numeric_limits<float>::quiet_NaN();

void add_number(google::protobuf::RepeatedPtrField<FeatureDescription>& features, const char* name) {
  features.Add()->set_name(name);
  features.rbegin()->mutable_type()->mutable_double_type();
}
void add_integer(google::protobuf::RepeatedPtrField<FeatureDescription>& features, const char* name) {
  features.Add()->set_name(name);
  features.rbegin()->mutable_type()->mutable_int64_type();
}
void add_text(google::protobuf::RepeatedPtrField<FeatureDescription>& features, const char* name) {
  features.Add()->set_name(name);
  features.rbegin()->mutable_type()->mutable_string_type();
}
void add_dictionary(google::protobuf::RepeatedPtrField<FeatureDescription>& features, const char* name) {
  features.Add()->set_name(name);
  features.rbegin()->mutable_type()->mutable_dictionary_type()->mutable_string_key_type();
}

// A model that takes an array of `n` numbers and gives an array.
Model from_array(std::int64_t n) {
  Model model;
  test::add_array(*model.mutable_description()->mutable_input(), "x", {n});
  test::add_array(*model.mutable_description()->mutable_output(), "y", {});
  return model;
}

// A classifier of three numbers by three classes, but for its parameters.
Model classifier_of(std::int64_t n) {
  Model model;
  test::add_array(*model.mutable_description()->mutable_input(), "x", {n});
  add_text(*model.mutable_description()->mutable_output(), "label");
  add_dictionary(*model.mutable_description()->mutable_output(), "probabilities");
  model.mutable_description()->set_predicted_feature_name("label");
  model.mutable_description()->set_predicted_probabilities_name("probabilities");
  return model;
}

struct Input {
  mlq::DataType type;
  Floats floats;
  std::int64_t integer = 0;
};
Input number(float value) { return {mlq::DataType::float32, {value}}; }
Input integer(std::int64_t value) { return {mlq::DataType::int64, {}, value}; }

std::vector<mlq::Array> run(const Model& model, const std::vector<Input>& inputs) {
  const auto loaded = mlq::Model::from_graph(import_graph(test::source_of(model)));
  if (!loaded) throw std::runtime_error(loaded.error());
  std::vector<mlq::View> views;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const bool is_integer = inputs[i].type == mlq::DataType::int64;
    const void* data = is_integer ? static_cast<const void*>(&inputs[i].integer) : inputs[i].floats.data();
    views.push_back({inputs[i].type, loaded->graph().inputs.at(i).shape, data});
  }
  auto outputs = loaded->predict(views);
  if (!outputs) throw std::runtime_error(outputs.error());
  return *outputs;
}

Floats run(const Model& model, const Floats& x) {
  const auto outputs = run(model, std::vector<Input>{{mlq::DataType::float32, x}});
  return {outputs[0].floats().begin(), outputs[0].floats().end()};
}

std::int64_t integer_of(const mlq::Array& array) {
  std::int64_t value = 0;
  std::memcpy(&value, array.bytes.data(), sizeof value);
  return value;
}

TEST(SmallModel, ScalerShiftsFirst) {
  Model model = from_array(2);
  Scaler& p = *model.mutable_scaler();
  for (const double v : {1.0, -2.0}) p.add_shift_value(v);
  p.add_scale_value(3);
  EXPECT_THAT(run(model, Floats{10, 20}), ElementsAre(33, 54));
}

TEST(SmallModel, NormalizerByEachNorm) {
  const Floats x{1, -2, 2};
  const double norms[] = {2, 5, 3};
  for (int type = 0; type < 3; ++type) {
    Model model = from_array(3);
    model.mutable_normalizer()->set_norm_type(static_cast<Normalizer::NormType>(type));
    test::expect_near(run(model, x), {1 / norms[type], -2 / norms[type], 2 / norms[type]});
    EXPECT_THAT(run(model, Floats{0, 0, 0}), ElementsAre(0, 0, 0));
  }
}

TEST(SmallModel, ImputerOfNanAndOfANumberForMissing) {
  Model model = from_array(3);
  for (const double v : {7.0, 8.0, 9.0})
    model.mutable_imputer()->mutable_imputed_double_array()->add_vector(v);
  EXPECT_THAT(run(model, Floats{1, nan, nan}), ElementsAre(1, 8, 9));
  model.mutable_imputer()->set_replace_double_value(-1);
  EXPECT_THAT(run(model, Floats{-1, 2, -1}), ElementsAre(7, 2, 9));
  model.mutable_imputer()->set_imputed_int64_value(5);
  EXPECT_THAT(run(model, Floats{-1, 2, 3}), ElementsAre(5, 2, 3));
}

TEST(SmallModel, ArrayFeatureExtractor) {
  Model model = from_array(4);
  for (const unsigned i : {3u, 0u}) model.mutable_array_feature_extractor()->add_extract_index(i);
  EXPECT_THAT(run(model, Floats{1, 2, 3, 4}), ElementsAre(4, 1));
}

TEST(SmallModel, FeatureVectorizerInTheOrderOfItsList) {
  Model model;
  test::add_array(*model.mutable_description()->mutable_input(), "a", {2});
  add_number(*model.mutable_description()->mutable_input(), "b");
  add_integer(*model.mutable_description()->mutable_input(), "c");
  test::add_array(*model.mutable_description()->mutable_output(), "y", {4});
  for (const auto& [name, n] : {std::pair("c", 1u), std::pair("a", 2u), std::pair("b", 1u)}) {
    auto& column = *model.mutable_feature_vectorizer()->add_input_list();
    column.set_input_column(name);
    column.set_input_dimensions(n);
  }
  const auto y = run(model, {{mlq::DataType::float32, {1, 2}}, number(3), integer(4)});
  EXPECT_THAT(y[0].floats(), ElementsAre(4, 1, 2, 3));
}

TEST(SmallModel, OneHotEncoderOfNumbersAndOfTexts) {
  Model model;
  add_integer(*model.mutable_description()->mutable_input(), "x");
  test::add_array(*model.mutable_description()->mutable_output(), "y", {3});
  for (const int v : {10, 20, 30}) model.mutable_one_hot_encoder()->mutable_int64_categories()->add_vector(v);
  EXPECT_THAT(run(model, {integer(20)})[0].floats(), ElementsAre(0, 1, 0));
  EXPECT_THAT(run(model, {integer(25)})[0].floats(), ElementsAre(0, 0, 0));

  model.mutable_description()->clear_input();
  add_text(*model.mutable_description()->mutable_input(), "x");
  for (const char* v : {"red", "green", "blue"})
    model.mutable_one_hot_encoder()->mutable_string_categories()->add_vector(v);
  const mlq::Graph graph = import_graph(test::source_of(model));
  EXPECT_THAT(graph.inputs[0].description, HasSubstr("red, green, blue"));
  EXPECT_THAT(run(model, {integer(2)})[0].floats(), ElementsAre(0, 0, 1));
  EXPECT_THAT(run(model, {integer(-1)})[0].floats(), ElementsAre(0, 0, 0));
}

TEST(SmallModel, DictVectorizerInTheOrderOfItsKeys) {
  Model model;
  add_dictionary(*model.mutable_description()->mutable_input(), "x");
  test::add_array(*model.mutable_description()->mutable_output(), "y", {});
  for (const char* v : {"a", "c"}) model.mutable_dict_vectorizer()->mutable_string_to_index()->add_vector(v);
  EXPECT_THAT(run(model, Floats{4, 8}), ElementsAre(4, 8));
  EXPECT_THAT(import_graph(test::source_of(model)).inputs[0].description, HasSubstr("a, c"));
}

TEST(SmallModel, CategoricalMappingThereAndBack) {
  Model model;
  add_text(*model.mutable_description()->mutable_input(), "color");
  add_integer(*model.mutable_description()->mutable_output(), "there");
  add_text(*model.mutable_description()->mutable_output(), "label");
  Pipeline& pipeline = *model.mutable_pipeline();
  Model& there = *pipeline.add_models();
  add_text(*there.mutable_description()->mutable_input(), "color");
  add_integer(*there.mutable_description()->mutable_output(), "there");
  auto& map = *there.mutable_categorical_mapping()->mutable_string_to_int64_map()->mutable_map();
  map["red"] = 700;
  map["blue"] = 450;
  there.mutable_categorical_mapping()->set_int64_value(-9);
  Model& back = *pipeline.add_models();
  add_integer(*back.mutable_description()->mutable_input(), "there");
  add_text(*back.mutable_description()->mutable_output(), "name");
  auto& names = *back.mutable_categorical_mapping()->mutable_int64_to_string_map()->mutable_map();
  names[450] = "cold";
  names[700] = "warm";
  Model& encode = *pipeline.add_models();
  add_text(*encode.mutable_description()->mutable_input(), "name");
  test::add_array(*encode.mutable_description()->mutable_output(), "label", {2});
  for (const char* v : {"warm", "cold"})
    encode.mutable_one_hot_encoder()->mutable_string_categories()->add_vector(v);
  // Words of an input in the order of their spelling: blue, red.
  for (const auto& [word, code, warm] : {std::tuple(0, 450, 0.0f), {1, 700, 1.0f}}) {
    const auto y = run(model, {integer(word)});
    EXPECT_EQ(integer_of(y[0]), code);
    EXPECT_THAT(y[1].floats(), ElementsAre(warm, 1 - warm));
  }
  const auto unknown = run(model, {integer(-1)});
  EXPECT_EQ(integer_of(unknown[0]), -9);
  EXPECT_THAT(unknown[1].floats(), ElementsAre(0, 0));
}

template <class Glm>
void set_rows(Glm& glm, const std::vector<std::vector<double>>& rows, const std::vector<double>& offsets) {
  for (const auto& row : rows) glm.add_weights()->mutable_value()->Assign(row.begin(), row.end());
  glm.mutable_offset()->Assign(offsets.begin(), offsets.end());
}

TEST(SmallModel, GlmRegressorWithEachTransform) {
  const double sum = 0.5 * 2 - 1.5 * 1 + 0.25;
  const double expected[] = {sum, 1 / (1 + std::exp(-sum)), 0.5 * std::erfc(-sum / std::sqrt(2.0))};
  for (int transform = 0; transform < 3; ++transform) {
    Model model = from_array(2);
    set_rows(*model.mutable_glm_regressor(), {{0.5, -1.5}}, {0.25});
    model.mutable_glm_regressor()->set_post_evaluation_transform(
        static_cast<GlmRegressor::Transform>(transform));
    test::expect_near(run(model, Floats{2, 1}), {expected[transform]});
  }
}

// Label and probabilities for the numbers x.
void expect_classes(Model model, const Floats& x, std::int64_t label, const std::vector<double>& p) {
  const auto y = run(model, std::vector<Input>{{mlq::DataType::float32, x}});
  EXPECT_EQ(integer_of(y[0]), label);
  test::expect_near({y[1].floats().begin(), y[1].floats().end()}, p);
}

TEST(SmallModel, GlmClassifierOfTwoAndOfThreeClasses) {
  Model two = classifier_of(2);
  set_rows(*two.mutable_glm_classifier(), {{1, 1}}, {-1});
  for (const char* v : {"no", "yes"})
    two.mutable_glm_classifier()->mutable_string_class_labels()->add_vector(v);
  const double p = 1 / (1 + std::exp(-2.0));
  expect_classes(two, {2, 1}, 1, {1 - p, p});
  two.mutable_glm_classifier()->set_post_evaluation_transform(GlmClassifier::PROBIT);
  const double q = 0.5 * std::erfc(-2 / std::sqrt(2.0));
  expect_classes(two, {2, 1}, 1, {1 - q, q});

  Model reference = classifier_of(1);
  set_rows(*reference.mutable_glm_classifier(), {{1}, {-1}}, {0, 0.5});
  for (const char* v : {"a", "b", "c"})
    reference.mutable_glm_classifier()->mutable_string_class_labels()->add_vector(v);
  const double b = std::exp(-2.0), c = std::exp(2.5), all = 1 + b + c;
  expect_classes(reference, {-2}, 2, {1 / all, b / all, c / all});

  Model rest = classifier_of(1);
  set_rows(*rest.mutable_glm_classifier(), {{1}, {-1}, {0}}, {0, 0.5, 0});
  rest.mutable_glm_classifier()->set_class_encoding(GlmClassifier::ONE_VS_REST);
  for (const char* v : {"a", "b", "c"})
    rest.mutable_glm_classifier()->mutable_string_class_labels()->add_vector(v);
  const double s[] = {1 / (1 + std::exp(2.0)), 1 / (1 + std::exp(-2.5)), 0.5}, sum = s[0] + s[1] + s[2];
  expect_classes(rest, {-2}, 1, {s[0] / sum, s[1] / sum, s[2] / sum});
}

TreeNode& add_node(TreeEnsembleParameters& p, unsigned tree, unsigned id) {
  TreeNode& node = *p.add_nodes();
  node.set_tree_id(tree);
  node.set_node_id(id);
  return node;
}
void add_branch(TreeEnsembleParameters& p, unsigned tree, unsigned id, int behavior, unsigned feature,
                double value, bool missing = false) {
  TreeNode& node = add_node(p, tree, id);
  node.set_node_behavior(static_cast<TreeNode::Behavior>(behavior));
  node.set_branch_feature_index(feature);
  node.set_branch_feature_value(value);
  node.set_true_child_node_id(2 * id + 1);
  node.set_false_child_node_id(2 * id + 2);
  node.set_missing_value_tracks_true_child(missing);
}
void add_leaf(TreeEnsembleParameters& p, unsigned tree, unsigned id,
              const std::vector<std::pair<unsigned, double>>& values) {
  TreeNode& node = add_node(p, tree, id);
  node.set_node_behavior(TreeNode::LEAF_NODE);
  for (const auto& [index, value] : values) {
    node.add_evaluation_info()->set_evaluation_index(index);
    node.mutable_evaluation_info()->rbegin()->set_evaluation_value(value);
  }
}

TEST(SmallModel, TreesBranchInEachWayAndSendMissingValuesWhereTheySay) {
  const auto holds = [](int behavior, float x) {
    const bool truth[] = {x <= 2, x<2, x >= 2, x> 2, x == 2, x != 2};
    return truth[behavior];
  };
  for (int behavior = 0; behavior < 6; ++behavior)
    for (const bool missing : {false, true}) {
      Model model = from_array(1);
      TreeEnsembleParameters& p = *model.mutable_tree_ensemble_regressor()->mutable_tree_ensemble();
      p.set_num_prediction_dimensions(1);
      add_branch(p, 0, 0, behavior, 0, 2, missing);
      add_leaf(p, 0, 1, {{0, 10}});
      add_leaf(p, 0, 2, {{0, 20}});
      for (const float x : {1.0f, 2.0f, 3.0f})
        EXPECT_THAT(run(model, Floats{x}), ElementsAre(holds(behavior, x) ? 10 : 20)) << behavior << " " << x;
      EXPECT_THAT(run(model, Floats{nan}), ElementsAre(missing ? 10 : 20)) << behavior;
    }
}

TEST(SmallModel, TreesOfDifferentDepthAddUp) {
  Model model = classifier_of(2);
  TreeEnsemble& ensemble = *model.mutable_tree_ensemble_classifier();
  ensemble.set_post_evaluation_transform(TreeEnsemble::CLASSIFICATION_SOFT_MAX);
  TreeEnsembleParameters& p = *ensemble.mutable_tree_ensemble();
  p.set_num_prediction_dimensions(3);
  for (const double v : {0.5, 0.0, -0.5}) p.add_base_prediction_value(v);
  add_leaf(p, 7, 0, {{2, 1}});
  add_branch(p, 3, 0, TreeNode::BRANCH_ON_VALUE_LESS_THAN, 0, 1);
  add_leaf(p, 3, 1, {{0, 1}, {1, 2}});
  add_branch(p, 3, 2, TreeNode::BRANCH_ON_VALUE_GREATER_THAN, 1, 0);
  add_leaf(p, 3, 5, {{1, 3}});
  add_leaf(p, 3, 6, {{2, 4}});
  for (const char* v : {"a", "b", "c"}) ensemble.mutable_string_class_labels()->add_vector(v);
  const auto softmax = [](double a, double b, double c) {
    const double sum = std::exp(a) + std::exp(b) + std::exp(c);
    return std::vector<double>{std::exp(a) / sum, std::exp(b) / sum, std::exp(c) / sum};
  };
  expect_classes(model, {0, 0}, 1, softmax(1.5, 2, 0.5));
  expect_classes(model, {1, 5}, 1, softmax(0.5, 3, 0.5));
  expect_classes(model, {1, -5}, 2, softmax(0.5, 0, 4.5));
}

std::string refusal(const Model& model) {
  try {
    import_graph(test::source_of(model));
    return "";
  } catch (const Error& error) {
    EXPECT_EQ(error.exit(), Exit::model);
    return error.diagnostic().what;
  }
}

TEST(SmallModel, DamagedTreesAreRefused) {
  Model ring = from_array(1);
  TreeEnsembleParameters& p = *ring.mutable_tree_ensemble_regressor()->mutable_tree_ensemble();
  p.set_num_prediction_dimensions(1);
  add_branch(p, 0, 0, 0, 0, 1);
  add_leaf(p, 0, 1, {});
  EXPECT_THAT(refusal(ring), HasSubstr("lead nowhere"));
  add_branch(p, 0, 2, 0, 0, 1);
  p.mutable_nodes(2)->set_true_child_node_id(0);
  p.mutable_nodes(2)->set_false_child_node_id(1);
  EXPECT_THAT(refusal(ring), HasSubstr("meet"));
}

TEST(SmallModel, NonMaximumSuppressionKeepsTheBestBoxes) {
  for (const bool stated : {false, true}) {
    Model model;
    ModelDescription& d = *model.mutable_description();
    test::add_array(*d.mutable_input(), "scores", {3, 2});
    test::add_array(*d.mutable_input(), "boxes", {3, 4});
    add_number(*d.mutable_input(), "iou");
    d.mutable_input(2)->mutable_type()->set_is_optional(true);
    test::add_array(*d.mutable_output(), "s",
                    stated ? std::vector<std::int64_t>{4, 2} : std::vector<std::int64_t>{});
    test::add_array(*d.mutable_output(), "b", {});
    auto& p = *model.mutable_non_maximum_suppression();
    p.set_iou_threshold(0.5);
    p.set_confidence_threshold(0.2);
    p.set_confidence_input_feature_name("scores");
    p.set_coordinates_input_feature_name("boxes");
    p.set_iou_threshold_input_feature_name("iou");
    p.set_confidence_output_feature_name("s");
    p.set_coordinates_output_feature_name("b");
    const auto y = run(model, {{mlq::DataType::float32, {0.1f, 0.3f, 0.9f, 0, 0.1f, 0.05f}},
                               {mlq::DataType::float32, {5, 5, 1, 1, 0, 0, 1, 1, 9, 9, 1, 1}}});
    Floats scores{0.9f, 0, 0.1f, 0.3f}, boxes{0, 0, 1, 1, 5, 5, 1, 1};
    if (stated) {
      scores.resize(8);
      boxes.resize(16);
    }
    EXPECT_THAT(y[0].floats(), testing::ElementsAreArray(scores));
    EXPECT_THAT(y[1].floats(), testing::ElementsAreArray(boxes));
  }
}

TEST(SmallModel, IdentityGivesItsInputs) {
  Model model = from_array(2);
  model.mutable_identity();
  EXPECT_THAT(run(model, Floats{1, 2}), ElementsAre(1, 2));
}

// vectorize -> scale -> network -> GLM classifier
Model pipeline_model() {
  Model model = classifier_of(2);
  ModelDescription& d = *model.mutable_description();
  d.clear_input();
  add_number(*d.mutable_input(), "a");
  add_number(*d.mutable_input(), "b");
  Pipeline& pipeline = *model.mutable_pipeline_classifier()->mutable_pipeline();

  Model& join = *pipeline.add_models();
  *join.mutable_description()->mutable_input() = d.input();
  test::add_array(*join.mutable_description()->mutable_output(), "joined", {2});
  for (const char* name : {"a", "b"})
    join.mutable_feature_vectorizer()->add_input_list()->set_input_column(name);

  Model& scale = *pipeline.add_models();
  test::add_array(*scale.mutable_description()->mutable_input(), "joined", {2});
  test::add_array(*scale.mutable_description()->mutable_output(), "scaled", {2});
  scale.mutable_scaler()->add_scale_value(0.5);

  Model& dense = *pipeline.add_models();
  test::add_array(*dense.mutable_description()->mutable_input(), "scaled", {2});
  test::add_array(*dense.mutable_description()->mutable_output(), "hidden", {2});
  auto& layer =
      *test::add_layer(*dense.mutable_neural_network(), "dense", "scaled", "hidden").mutable_inner_product();
  layer.set_input_channels(2);
  layer.set_output_channels(2);
  test::set_floats(*layer.mutable_weights(), {1, 2, 3, 4});

  Model& choose = *pipeline.add_models();
  test::add_array(*choose.mutable_description()->mutable_input(), "hidden", {2});
  *choose.mutable_description()->mutable_output() = d.output();
  choose.mutable_description()->set_predicted_probabilities_name("probabilities");
  set_rows(*choose.mutable_glm_classifier(), {{0.25, -0.125}}, {1});
  for (const char* v : {"no", "yes"})
    choose.mutable_glm_classifier()->mutable_string_class_labels()->add_vector(v);
  return model;
}

TEST(PipelineOfModels, PassesFeaturesOnByTheirNames) {
  const Model model = pipeline_model();
  const auto y = run(model, {number(2), number(6)});
  // scaled 1, 3; hidden 7, 15; sum 0.25 * 7 - 0.125 * 15 + 1
  const double p = 1 / (1 + std::exp(-0.875));
  EXPECT_EQ(integer_of(y[0]), 1);
  test::expect_near({y[1].floats().begin(), y[1].floats().end()}, {1 - p, p});
  const mlq::Graph graph = import_graph(test::source_of(model));
  EXPECT_THAT(graph.labels, ElementsAre("no", "yes"));
  EXPECT_EQ(graph.outputs[0].kind, mlq::FeatureKind::label);
  EXPECT_EQ(graph.outputs[1].kind, mlq::FeatureKind::scores);
}

TEST(PipelineOfModels, RefusesWhatOnlyAppleCanRunByName) {
  Model model = pipeline_model();
  model.mutable_pipeline_classifier()->mutable_pipeline()->mutable_models(1)->set_vision_feature_print("");
  EXPECT_THAT(refusal(model), HasSubstr("visionFeaturePrint"));
}

TEST(PipelineOfModels, SaysWhichModelIsWrong) {
  Model model = pipeline_model();
  model.mutable_pipeline_classifier()
      ->mutable_pipeline()
      ->mutable_models(1)
      ->mutable_scaler()
      ->add_scale_value(1);
  model.mutable_pipeline_classifier()
      ->mutable_pipeline()
      ->mutable_models(1)
      ->mutable_scaler()
      ->add_scale_value(1);
  EXPECT_THAT(refusal(model), StartsWith("the model 'models.1/scaler'"));
}

// Every prefix and a flip in every byte: an error of ours or a graph.
TEST(PipelineOfModels, DamagedOnesAreRefusedOrHarmless) {
  const std::string bytes = pipeline_model().SerializeAsString();
  const auto survive = [](const std::string& damaged) {
    try {
      import_graph(test::source_of(damaged));
    } catch (const Error& error) {
      EXPECT_EQ(error.exit(), Exit::model);
    }
  };
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    survive(bytes.substr(0, i));
    std::string flipped = bytes;
    flipped[i] = static_cast<char>(flipped[i] ^ (1 << (i % 8)));
    survive(flipped);
  }
}

}  // namespace
}  // namespace mlqc
