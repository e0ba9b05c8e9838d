// What callers pass and get: types, shapes, labels, pictures.
#include <gmock/gmock.h>

#include <cmath>

#include "mlq/image.h"
#include "runtime-stub/src/convert.h"
#include "tests/runtime/graphs.h"

namespace mlq {
namespace {

using test::Builder;
using test::view_of;
using testing::ElementsAre;
using testing::HasSubstr;

Graph scores_of_four() {
  Builder b;
  const TensorId x = b.input("x", {1, 4, 1, 1});
  b.graph.inputs[0].shape = {4};
  b.graph.inputs[0].type = DataType::float64;
  b.output(b.node("Relu", {x}, "scores"), {4}, DataType::float64);
  b.graph.outputs[0].kind = FeatureKind::scores;
  b.graph.outputs.push_back(b.graph.outputs[0]);
  b.graph.outputs[1].kind = FeatureKind::label;
  b.graph.labels = {"a", "b", "c", "d"};
  return b.finish();
}

std::int64_t label_of(const Array& array) {
  return *reinterpret_cast<const std::int64_t*>(array.bytes.data());
}

TEST(Predict, ConvertsWhatTheFeatureSays) {
  const auto model = Model::from_graph(scores_of_four());
  ASSERT_TRUE(model) << model.error();
  const std::vector<double> values = {-1, 2, 7.5, 7.5};
  const auto result = model->predict(std::vector<View>{{DataType::float64, {4}, values.data()}});
  ASSERT_TRUE(result) << result.error();
  const auto* scores = reinterpret_cast<const double*>((*result)[0].bytes.data());
  EXPECT_EQ((*result)[0].type, DataType::float64);
  EXPECT_THAT(std::span(scores, 4), ElementsAre(0, 2, 7.5, 7.5));
  EXPECT_EQ((*result)[1].type, DataType::int64);
  EXPECT_EQ(label_of((*result)[1]), 2);  // the first of equals
}

TEST(Predict, TakesTheTensorsOwnShapeAndTypeToo) {
  const auto model = Model::from_graph(scores_of_four());
  const std::vector<float> values = {1, 2, 3, 4};
  EXPECT_TRUE(model->predict(std::vector<View>{view_of(values, {1, 4, 1, 1})}));
}

TEST(Predict, BadInputIsASentence) {
  const auto model = Model::from_graph(scores_of_four());
  const std::vector<float> values = {1, 2, 3, 4};
  const auto error = [&](std::vector<View> views) { return model->predict(views).error(); };
  EXPECT_THAT(error({}), HasSubstr("1 inputs"));
  EXPECT_THAT(error({view_of(values, {3})}), HasSubstr("'x' has the shape 3, the model wants 4"));
  EXPECT_THAT(error({view_of(values, {-4})}), HasSubstr("shape"));
  EXPECT_THAT(error({{DataType::int8, {4}, values.data()}}), HasSubstr("int8"));
  EXPECT_THAT(error({{DataType::float32, {4}, nullptr}}), HasSubstr("no data"));
}

TEST(Convert, HoldsAtTheEndsOfATypeAndKnowsNaN) {
  const std::vector<float> from = {-1e30f, 300.7f, NAN, -2.9f};
  std::vector<std::int8_t> bytes(4);
  convert(DataType::float32, from.data(), DataType::int8, bytes.data(), 4);
  EXPECT_THAT(bytes, ElementsAre(-128, 127, 0, -2));
  std::vector<std::uint64_t> wide(4);
  convert(DataType::float32, from.data(), DataType::uint64, wide.data(), 4);
  EXPECT_THAT(wide, ElementsAre(0, 300, 0, 0));
  const std::vector<std::int64_t> exact = {INT64_MAX - 1};
  std::int64_t same = 0;
  convert(DataType::int64, exact.data(), DataType::int64, &same, 1);
  EXPECT_EQ(same, INT64_MAX - 1);
}

TEST(Convert, EveryTypeComesBackFromDoubles) {
  for (int type = 0; type <= static_cast<int>(DataType::boolean); ++type) {
    std::vector<double> numbers(600), back(600);
    for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = static_cast<double>(i % 2);
    std::vector<std::byte> middle(600 * 8);
    convert(DataType::float64, numbers.data(), static_cast<DataType>(type), middle.data(), 600);
    convert(static_cast<DataType>(type), middle.data(), DataType::float64, back.data(), 600);
    EXPECT_EQ(back, numbers) << name_of(static_cast<DataType>(type));
  }
}

TEST(ToTensor, OrdersChannelsAsTheModelWants) {
  const std::vector<std::uint8_t> pixels = {1, 2, 3, 4, 5, 6};  // two pixels
  const ImageView rgb{pixels.data(), 2, 1, 0, PixelFormat::rgb8};
  EXPECT_THAT(to_tensor(rgb, Color::rgb, 2, 1)->floats(), ElementsAre(1, 4, 2, 5, 3, 6));
  EXPECT_THAT(to_tensor(rgb, Color::bgr, 2, 1)->floats(), ElementsAre(3, 6, 2, 5, 1, 4));
  const ImageView gray{pixels.data(), 1, 2, 3, PixelFormat::gray8};
  EXPECT_THAT(to_tensor(gray, Color::rgb, 1, 2)->floats(), ElementsAre(1, 4, 1, 4, 1, 4));
  const ImageView bgra{pixels.data(), 1, 1, 0, PixelFormat::bgra8};
  EXPECT_THAT(to_tensor(bgra, Color::rgb, 1, 1)->floats(), ElementsAre(3, 2, 1));
}

TEST(ToTensor, GrayIsTheLumaOfTheStandard) {
  const std::vector<std::uint8_t> pixels = {255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 9, 9};
  const ImageView view{pixels.data(), 4, 1, 0, PixelFormat::rgb8};
  EXPECT_THAT(to_tensor(view, Color::gray, 4, 1)->floats(), ElementsAre(76, 150, 29, 9));  // BT.601
}

TEST(ToTensor, ShrinksByTheMeanAndGrowsBetweenNeighbours) {
  const std::vector<std::uint8_t> pixels = {0, 0, 100, 100, 0, 0, 100, 100};
  const ImageView view{pixels.data(), 4, 2, 0, PixelFormat::gray8};
  const auto small = to_tensor(view, Color::gray, 1, 1);
  EXPECT_THAT(small->floats(), ElementsAre(50));
  const std::vector<std::uint8_t> two = {0, 100};
  const auto large = to_tensor({two.data(), 2, 1, 0, PixelFormat::gray8}, Color::gray, 4, 1);
  EXPECT_THAT(large->floats(), ElementsAre(0, 25, 75, 100));
}

TEST(ToTensor, RefusesWhatIsNoImage) {
  const std::uint8_t pixel = 0;
  EXPECT_FALSE(to_tensor({nullptr, 1, 1, 0, PixelFormat::gray8}, Color::gray, 1, 1));
  EXPECT_FALSE(to_tensor({&pixel, 0, 1, 0, PixelFormat::gray8}, Color::gray, 1, 1));
  EXPECT_FALSE(to_tensor({&pixel, 1 << 30, 1 << 30, 0, PixelFormat::gray8}, Color::gray, 1, 1));
  EXPECT_FALSE(to_tensor({&pixel, 1, 1, 0, PixelFormat::gray8}, Color::gray, 1 << 20, 1));
  EXPECT_FALSE(to_tensor({&pixel, 1, 1, 2, PixelFormat::rgb8}, Color::gray, 1, 1));
}

TEST(ToImage, ReturnsWhatToTensorTook) {
  std::vector<std::uint8_t> pixels(5 * 3 * 3);
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<std::uint8_t>(i * 5);
  const auto tensor = to_tensor({pixels.data(), 5, 3, 0, PixelFormat::rgb8}, Color::rgb, 5, 3);
  const auto image = to_image(tensor->view(), Color::rgb);
  ASSERT_TRUE(image) << image.error();
  EXPECT_EQ(image->pixels, pixels);
  EXPECT_EQ(image->width, 5);
  const std::vector<float> odd = {-5, 300, NAN, 7.6f};
  EXPECT_THAT(to_image(view_of(odd, {1, 2, 2}), Color::gray)->pixels, ElementsAre(0, 255, 0, 8));
  EXPECT_FALSE(to_image(view_of(odd, {4, 1, 1}), Color::rgb));
}

}  // namespace
}  // namespace mlq
