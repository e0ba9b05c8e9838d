// What users see of a Core ML model: preprocessing, labels, shapes, refusals.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compiler/support/error.h"
#include "tests/frontends/coreml_fixture.h"

namespace mlqc {
namespace {

using namespace coreml;
using mlq::Color;
using mlq::FeatureKind;
using mlq::Shape;
using testing::ElementsAre;
using testing::HasSubstr;

Error refusal(const Model& model) {
  try {
    import_graph(test::source_of(model));
  } catch (const Error& error) {
    return error;
  }
  return Error(Exit::good, {});
}

// A network that gives its image back, so that what preprocessing does can be seen.
Model mirror(ImageType::ColorSpace color) {
  Model model;
  test::add_image(*model.mutable_description()->mutable_input(), "image", 2, 1, color);
  test::add_array(*model.mutable_description()->mutable_output(), "y", {});
  test::add_layer(*model.mutable_neural_network(), "same", "image", "y")
      .mutable_activation()
      ->mutable_linear()
      ->set_alpha(1);
  return model;
}

ImageScaler& add_scaler(Model& model, const std::string& feature) {
  Preprocessing& step = *model.mutable_neural_network()->add_preprocessing();
  step.set_feature_name(feature);
  ImageScaler& scaler = *step.mutable_scaler();
  scaler.set_channel_scale(2);
  scaler.set_blue_bias(1);
  scaler.set_green_bias(10);
  scaler.set_red_bias(100);
  scaler.set_gray_bias(1000);
  return scaler;
}

TEST(Preprocessing, ScalesFirstThenAddsTheColoursBias) {
  Model model = mirror(ImageType::BGR);
  add_scaler(model, "image");
  EXPECT_THAT(test::run(test::source_of(model), {{1, 2, 3, 4, 5, 6}})[0],
              ElementsAre(3, 5, 16, 18, 110, 112));
}

TEST(Preprocessing, KnowsTheOrderOfColours) {
  Model model = mirror(ImageType::RGB);
  add_scaler(model, "image");
  EXPECT_THAT(test::run(test::source_of(model), {{1, 2, 3, 4, 5, 6}})[0],
              ElementsAre(102, 104, 16, 18, 11, 13));
}

TEST(Preprocessing, WithoutANameMeansTheOneImage) {
  Model model = mirror(ImageType::GRAYSCALE);
  add_scaler(model, "");
  EXPECT_THAT(test::run(test::source_of(model), {{1, 2}})[0], ElementsAre(1002, 1004));
}

TEST(Preprocessing, OfAnotherInputIsNotApplied) {
  Model model = mirror(ImageType::GRAYSCALE);
  add_scaler(model, "other");
  EXPECT_THAT(test::run(test::source_of(model), {{1, 2}})[0], ElementsAre(1, 2));
}

TEST(Preprocessing, AnAbsentScaleIsOneNotZero) {
  Model model = mirror(ImageType::GRAYSCALE);
  add_scaler(model, "").set_channel_scale(0);
  EXPECT_THAT(test::run(test::source_of(model), {{1, 2}})[0], ElementsAre(1001, 1002));
}

TEST(Preprocessing, SubtractsTheMeanImage) {
  Model model = mirror(ImageType::RGB);
  auto& mean = *model.mutable_neural_network()->add_preprocessing()->mutable_mean_image();
  for (const float value : {6, 5, 4, 3, 2, 1}) mean.add_mean_image(value);
  EXPECT_THAT(test::run(test::source_of(model), {{1, 2, 3, 4, 5, 6}})[0], ElementsAre(-5, -3, -1, 1, 3, 5));
}

TEST(Preprocessing, AMeanImageOfTheWrongSizeIsRefused) {
  Model model = mirror(ImageType::RGB);
  model.mutable_neural_network()->add_preprocessing()->mutable_mean_image()->add_mean_image(1);
  EXPECT_THAT(refusal(model).diagnostic().what, HasSubstr("mean image"));
}

TEST(Features, OfAClassifier) {
  const mlq::Graph graph = import_graph(test::source_of(test::classifier()));
  ASSERT_EQ(graph.inputs.size(), 1u);
  EXPECT_EQ(graph.inputs[0].kind, FeatureKind::image);
  EXPECT_EQ(graph.inputs[0].color, Color::bgr);
  EXPECT_EQ(graph.inputs[0].shape, (Shape{1, 3, 6, 8}));
  ASSERT_EQ(graph.outputs.size(), 2u);
  EXPECT_EQ(graph.outputs[0].kind, FeatureKind::scores);
  EXPECT_EQ(graph.outputs[0].shape, Shape{3});
  EXPECT_EQ(graph.outputs[1].kind, FeatureKind::label);
  EXPECT_EQ(graph.outputs[1].type, mlq::DataType::int64);
  EXPECT_EQ(graph.outputs[1].tensor, graph.outputs[0].tensor);
  EXPECT_THAT(graph.labels, ElementsAre("cat", "dog", "owl"));
  EXPECT_FALSE(graph.integer_labels);
  EXPECT_THAT(graph.metadata, ElementsAre(std::pair<std::string, std::string>("author", "somebody")));
}

TEST(Features, LabelsMayBeNumbersAndScoresAnEarlierBlob) {
  Model model = test::classifier();
  NeuralNetwork& network = *model.mutable_neural_network_classifier();
  network.clear_class_labels();
  for (const std::int64_t label : {7L, -1L, 3000000000L})
    network.mutable_int64_class_labels()->add_vector(label);
  network.set_label_probability_layer_name("dense");
  model.mutable_description()
      ->mutable_output(0)
      ->mutable_type()
      ->mutable_dictionary_type()
      ->mutable_int64_key_type();
  model.mutable_description()->mutable_output(1)->mutable_type()->mutable_int64_type();
  const mlq::Graph graph = import_graph(test::source_of(model));
  EXPECT_THAT(graph.labels, ElementsAre("7", "-1", "3000000000"));
  EXPECT_TRUE(graph.integer_labels);
  EXPECT_EQ(graph.tensors[static_cast<std::size_t>(graph.outputs[0].tensor)].name, "dense");
}

TEST(Features, MoreScoresThanLabelsAreRefused) {
  Model model = test::classifier();
  model.mutable_neural_network_classifier()->mutable_string_class_labels()->add_vector("extra");
  EXPECT_THAT(refusal(model).diagnostic().what, HasSubstr("4 class labels and 3 scores"));
}

TEST(Features, AnArrayOfOneDimensionIsChannelsInRank5Networks) {
  Model model;
  test::add_array(*model.mutable_description()->mutable_input(), "x", {5});
  test::add_array(*model.mutable_description()->mutable_output(), "y", {5});
  test::add_layer(*model.mutable_neural_network(), "s", "x", "y").mutable_softmax();
  const mlq::Graph graph = import_graph(test::source_of(model));
  EXPECT_EQ(graph.tensors[static_cast<std::size_t>(graph.inputs[0].tensor)].shape, (Shape{1, 5, 1, 1}));
  EXPECT_EQ(graph.inputs[0].shape, Shape{5});
  EXPECT_EQ(graph.outputs[0].shape, Shape{5});
}

TEST(Features, ExactMappingKeepsTheRank) {
  Model model;
  test::add_array(*model.mutable_description()->mutable_input(), "x", {2, 5});
  test::add_array(*model.mutable_description()->mutable_output(), "y", {});
  model.mutable_neural_network()->set_array_input_shape_mapping(NeuralNetwork::EXACT_ARRAY_MAPPING);
  test::add_layer(*model.mutable_neural_network(), "s", "x", "y").mutable_softmax_nd()->set_axis(1);
  const mlq::Graph graph = import_graph(test::source_of(model));
  EXPECT_EQ(graph.tensors[static_cast<std::size_t>(graph.inputs[0].tensor)].shape, (Shape{2, 5}));
  EXPECT_EQ(graph.outputs[0].shape, (Shape{2, 5}));
}

TEST(Features, AnImageMayBeAnOutput) {
  Model model = mirror(ImageType::BGR);
  model.mutable_description()->clear_output();
  test::add_image(*model.mutable_description()->mutable_output(), "y", 2, 1, ImageType::RGB);
  const mlq::Graph graph = import_graph(test::source_of(model));
  EXPECT_EQ(graph.outputs[0].kind, FeatureKind::image);
  EXPECT_EQ(graph.outputs[0].color, Color::rgb);
  EXPECT_EQ(graph.outputs[0].shape, (Shape{1, 3, 1, 2}));
}

TEST(Weights, KeepTheirFormsAndNames) {
  Model model = test::classifier();
  coreml::Weights& weights = *model.mutable_neural_network_classifier()
                                  ->mutable_layers(3)
                                  ->mutable_inner_product()
                                  ->mutable_weights();
  weights.clear_float_value();
  weights.set_raw_value(std::string("\x01\x23\x45", 3));
  weights.mutable_quantization()->set_number_of_bits(4);
  for (const float scale : {1, 2, 4})
    weights.mutable_quantization()->mutable_linear_quantization()->add_scale(scale);
  const mlq::Graph graph = import_graph(test::source_of(model));
  const auto tensor = std::find_if(graph.tensors.begin(), graph.tensors.end(),
                                   [](const mlq::Tensor& t) { return t.name == "dense/weights"; });
  ASSERT_NE(tensor, graph.tensors.end());
  ASSERT_TRUE(tensor->quantization);
  EXPECT_EQ(tensor->quantization->blocks, mlq::Shape{1});
  std::vector<float> values(6);
  ASSERT_TRUE(mlq::dequantize(*tensor, values).ok());
  EXPECT_THAT(values, ElementsAre(0, 1, 4, 6, 16, 20));
}

TEST(Refusals, NameEveryUnsupportedLayerAtOnce) {
  Model model = test::classifier();
  NeuralNetwork& network = *model.mutable_neural_network_classifier();
  test::add_layer(network, "mine", "scores", "a").mutable_custom()->set_class_name("Swirl");
  test::add_layer(network, "yours", "scores", "b").mutable_custom()->set_class_name("Twirl");
  const Error error = refusal(model);
  EXPECT_EQ(error.exit(), Exit::model);
  EXPECT_EQ(error.diagnostic().code, "MLQ311");
  EXPECT_EQ(error.diagnostic().what, "layer 'mine' of class Swirl is not supported");
  EXPECT_THAT(error.diagnostic().notes, ElementsAre("layer 'yours' of class Twirl is not supported"));
  EXPECT_THAT(error.diagnostic().hint, HasSubstr("class: Twirl"));
}

TEST(Refusals, NameTheKindOfModel) {
  Model model;
  model.set_vision_feature_print("");
  EXPECT_THAT(refusal(model).diagnostic().what, HasSubstr("visionFeaturePrint"));
  EXPECT_THAT(refusal(model).diagnostic().hint, HasSubstr("Apple"));
}

TEST(Refusals, SayWhichLayerIsWrong) {
  Model model = test::classifier();
  model.mutable_neural_network_classifier()->mutable_layers(3)->mutable_inner_product()->set_input_channels(
      5);
  EXPECT_EQ(refusal(model).diagnostic().code, "MLQ312");
  EXPECT_THAT(refusal(model).diagnostic().what, HasSubstr("layer 'dense' (innerProduct)"));
}

TEST(Refusals, KnowNewerSpecifications) {
  Model model = test::classifier();
  model.set_specification_version(11);
  EXPECT_THAT(refusal(model).diagnostic().what, HasSubstr("specification version 11"));
}

}  // namespace
}  // namespace mlqc
