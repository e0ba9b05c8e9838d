// Inputs of several sizes, against the same network with one of them stated.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compiler/frontends/shapes.h"
#include "compiler/support/error.h"
#include "mlq/model.h"
#include "mlq/sizes.h"
#include "tests/frontends/coreml_one_layer.h"

namespace mlqc {
namespace {

using namespace coreml;
using mlq::Shape;
using testing::ElementsAre;
using testing::HasSubstr;

ImageType& image_of(Model& model) {
  return *model.mutable_description()->mutable_input(0)->mutable_type()->mutable_image_type();
}

Model sized(int width, int height) {
  Model model = test::classifier();
  image_of(model).set_width(width);
  image_of(model).set_height(height);
  return model;
}

void add_size(Model& model, unsigned width, unsigned height) {
  ImageSize& size = *image_of(model).mutable_enumerated_sizes()->add_sizes();
  size.set_width(width);
  size.set_height(height);
}

// The outputs, or the sentence.
std::string predict(const mlq::Model& model, const Shape& shape, std::vector<mlq::Array>& outputs) {
  const std::vector<float> pixels = test::wave(shape).values;
  const mlq::View view{mlq::DataType::float32, shape, pixels.data()};
  auto result = model.predict({&view, 1});
  if (!result) return result.error();
  outputs = std::move(*result);
  return "";
}

mlq::Model load(const Source& source) {
  auto model = mlq::Model::from_graph(import_graph(source));
  if (!model) throw std::runtime_error(model.error());
  return *model;
}

// At this size, as if it were the only one.
void expect_same(const mlq::Model& flexible, const Model& fixed, const Shape& shape) {
  std::vector<mlq::Array> some, other;
  EXPECT_EQ(predict(flexible, shape, some), "");
  EXPECT_EQ(predict(load(test::source_of(fixed)), shape, other), "");
  ASSERT_EQ(some.size(), other.size());
  for (std::size_t i = 0; i < some.size(); ++i) EXPECT_EQ(some[i].bytes, other[i].bytes);
}

TEST(FlexibleImage, EnumeratedSizesRunAndOthersAreRefused) {
  Model model = sized(8, 6);
  add_size(model, 8, 6);
  add_size(model, 12, 10);
  const mlq::Model flexible = load(test::source_of(model));
  EXPECT_THAT(flexible.graph().inputs[0].shape, ElementsAre(1, 3, -1, -1));
  expect_same(flexible, sized(8, 6), {1, 3, 6, 8});
  expect_same(flexible, sized(12, 10), {1, 3, 10, 12});
  std::vector<mlq::Array> none;
  EXPECT_THAT(predict(flexible, {1, 3, 10, 8}, none), HasSubstr("1x3x6x8 or 1x3x10x12"));
}

TEST(FlexibleImage, RangesRunBetweenTheirEnds) {
  Model model = sized(8, 6);
  image_of(model).mutable_image_size_range()->mutable_width_range()->set_lower_bound(8);
  image_of(model).mutable_image_size_range()->mutable_width_range()->set_upper_bound(-1);
  image_of(model).mutable_image_size_range()->mutable_height_range()->set_lower_bound(4);
  image_of(model).mutable_image_size_range()->mutable_height_range()->set_upper_bound(9);
  const mlq::Model flexible = load(test::source_of(model));
  for (int height = 4; height <= 9; ++height) expect_same(flexible, sized(30, height), {1, 3, height, 30});
  std::vector<mlq::Array> none;
  EXPECT_THAT(predict(flexible, {1, 3, 10, 8}, none), HasSubstr("1x3x4..9x8.."));
}

// Padding that depends on the size is found when the size is.
TEST(FlexibleImage, PaddingFollowsTheSize) {
  for (const bool same : {false, true})
    for (const bool top_left : {false, true}) {
      const auto net = [&](int size) {
        Model model = sized(size, size);
        NeuralNetwork& network = *model.mutable_neural_network_classifier();
        Convolution& conv = *network.mutable_layers(0)->mutable_convolution();
        conv.mutable_same()->set_asymmetry_mode(top_left ? SamePadding::TOP_LEFT_HEAVY
                                                         : SamePadding::BOTTOM_RIGHT_HEAVY);
        conv.add_stride(2);
        conv.add_stride(2);
        Pooling pool;
        pool.set_type(Pooling::MAX);
        for (int axis = 0; axis < 2; ++axis) {
          pool.add_kernel_size(2);
          pool.add_stride(2);
          if (!same) pool.mutable_include_last_pixel()->add_padding_amounts(1);
        }
        if (same) pool.mutable_same();
        NeuralNetworkLayer& layer = test::add_layer(network, "small", "relu", "small");
        *layer.mutable_pooling() = pool;
        network.mutable_layers(2)->set_input(0, "small");
        network.mutable_layers()->SwapElements(2, network.layers_size() - 1);
        for (int i = 3; i + 1 < network.layers_size(); ++i)
          network.mutable_layers()->SwapElements(i, network.layers_size() - 1);
        return model;
      };
      Model model = net(9);
      for (const unsigned size : {9u, 10u, 11u, 12u, 7u}) add_size(model, size, size);
      const mlq::Model flexible = load(test::source_of(model));
      EXPECT_EQ(flexible.graph().inputs[0].shape[2], -1);
      for (const int size : {9, 10, 11, 12, 7}) expect_same(flexible, net(size), {1, 3, size, size});
    }
}

// A dense layer takes one number of pixels: the description promises more than the network holds.
Model dense() {
  Model model;
  test::add_array(*model.mutable_description()->mutable_input(), "x", {2, 3, 4});
  test::add_array(*model.mutable_description()->mutable_output(), "y", {});
  InnerProduct& p =
      *test::add_layer(*model.mutable_neural_network(), "dense", "x", "y").mutable_inner_product();
  p.set_input_channels(24);
  p.set_output_channels(2);
  test::set_floats(*p.mutable_weights(), test::wave({2, 24}).values);
  return model;
}

TEST(FlexibleArray, WhereTheNetworkDoesNotWorkTheDefaultStays) {
  Model model = dense();
  auto& shapes = *model.mutable_description()
                      ->mutable_input(0)
                      ->mutable_type()
                      ->mutable_multi_array_type()
                      ->mutable_enumerated_shapes();
  for (const int wide : {4, 8}) {
    ArrayShape& shape = *shapes.add_shapes();
    for (const int n : {2, 3, wide}) shape.add_shape(n);
  }
  const mlq::Graph graph = import_graph(test::source_of(model));
  EXPECT_THAT(graph.inputs[0].shape, ElementsAre(2, 3, 4));
}

std::string refusal(const Model& model, const std::string& input, const std::string& shapes) {
  try {
    with_shapes(test::source_of(model), input, shapes);
    return "";
  } catch (const Error& error) {
    return error.diagnostic().code + " " + error.diagnostic().what;
  }
}

TEST(WithShapes, GivesAModelSizesThatItDidNotState) {
  const Source source = with_shapes(test::source_of(sized(8, 6)), "image", "1x3x6x8 or 1x3x10x12");
  const mlq::Model flexible = load(source);
  expect_same(flexible, sized(12, 10), {1, 3, 10, 12});
  // The file says so too.
  Model back;
  ASSERT_TRUE(back.ParseFromArray(source.bytes.bytes.data(), static_cast<int>(source.bytes.bytes.size())));
  EXPECT_EQ(back.specification_version(), 3);
  EXPECT_EQ(image_of(back).enumerated_sizes().sizes(1).width(), 12u);
  EXPECT_EQ(back.description().metadata().author(), "somebody");
  const mlq::Model range = load(with_shapes(test::source_of(sized(8, 6)), "image", "1x3x6..20x8.."));
  expect_same(range, sized(40, 20), {1, 3, 20, 40});
}

TEST(WithShapes, RefusesWhatCannotBe) {
  EXPECT_THAT(refusal(sized(8, 6), "picture", "1x3x6x8"), HasSubstr("no input 'picture'"));
  EXPECT_THAT(refusal(sized(8, 6), "image", "6 by 8"), HasSubstr("no list of shapes"));
  EXPECT_THAT(refusal(sized(8, 6), "image", "6x8"), HasSubstr("is given 6x8"));
  EXPECT_THAT(refusal(sized(8, 6), "image", "1x3x7x8"), HasSubstr("not among"));
  EXPECT_THAT(refusal(dense(), "x", "2x3x4 or 2x3x8"), HasSubstr("MLQ315"));
}

TEST(Sizes, AreReadAsTheyAreWritten) {
  for (const char* text : {"1", "1x3x224x224", "1x3x64..512x64..", "1x2 or 3x4..5"}) {
    const auto sizes = mlq::parse_sizes(text);
    ASSERT_TRUE(sizes) << text;
    EXPECT_EQ(mlq::to_string(*sizes), text);
  }
  for (const char* text : {"", "x", "1x", "a", "1 x 2", "1x-2", "1 or", "99999999999999999999"})
    EXPECT_FALSE(mlq::parse_sizes(text)) << text;
}

TEST(Sizes, KnowTheNearestOne) {
  const auto sizes = *mlq::parse_sizes("10x10 or 20..30x40..");
  EXPECT_EQ(mlq::nearest(sizes, {12, 9}), (Shape{10, 10}));
  EXPECT_EQ(mlq::nearest(sizes, {35, 50}), (Shape{30, 50}));
  EXPECT_TRUE(mlq::allows(sizes, {20, 1000}));
  EXPECT_FALSE(mlq::allows(sizes, {19, 40}));
  EXPECT_FALSE(mlq::allows(sizes, {10}));
}

}  // namespace
}  // namespace mlqc
