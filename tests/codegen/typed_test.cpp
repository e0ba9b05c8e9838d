// The types that wrappers are made of, and what generated wrappers refuse.
#include <gmock/gmock.h>

#include <cmath>
#include <cstdlib>
#include <limits>
#include <numeric>

#include "arrays.hpp"
#include "classifier.hpp"
#include "images.hpp"
#include "mlq/wrapper.h"
#include "tests/support/files.h"

namespace mlq {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

using Digits = TensorView<const float, 1, 28, 28>;
constexpr std::size_t digits = 28 * 28;

// What the compiler refuses is half of what the types are for.
static_assert(std::is_constructible_v<Digits, std::array<float, digits>&>);
static_assert(std::is_constructible_v<Digits, const float (&)[digits]>);
static_assert(std::is_constructible_v<Digits, std::span<float, digits>>);
static_assert(std::is_constructible_v<Digits, std::vector<float>&>);
static_assert(!std::is_constructible_v<Digits, std::array<float, digits + 1>&>);
static_assert(!std::is_constructible_v<Digits, std::span<const float, 28>>);
static_assert(!std::is_constructible_v<Digits, const float (&)[2]>);
static_assert(!std::is_constructible_v<Digits, std::vector<double>&>);
static_assert(std::is_constructible_v<TensorView<const float, 1, dynamic>, std::array<float, 7>&>);
static_assert(app::models::SqueezeNet::InputInfo::photo.width() == 227);
static_assert(app::models::SqueezeNet::InputInfo::photo.name == "image");
static_assert(Images::InputInfo::photo.height() == dynamic);

// A model of one node, which gives what it gets.
Model identity(Shape shape, Shape feature_shape = {}) {
  Graph graph;
  const TensorId in = add_tensor(graph, {.name = "x", .shape = shape, .data = {}, .quantization = {}});
  const TensorId out = add_tensor(graph, {.name = "y", .shape = shape, .data = {}, .quantization = {}});
  graph.nodes.push_back({"Identity", "copy", {in}, {out}, {}});
  Feature feature;
  feature.name = "x", feature.tensor = in, feature.shape = feature_shape.empty() ? shape : feature_shape;
  graph.inputs = {feature};
  feature.name = "y", feature.tensor = out;
  graph.outputs = {feature};
  auto model = Model::from_graph(std::move(graph));
  EXPECT_TRUE(model) << model.error();
  return std::move(*model);
}

constexpr FeatureInfo<2> fixed{"x", FeatureKind::tensor, DataType::float32, {2, 3}, Color::rgb};
constexpr FeatureInfo<2> open{"x", FeatureKind::tensor, DataType::float32, {dynamic, 3}, Color::rgb};
constexpr FeatureInfo<2> open_twice{
    "x", FeatureKind::tensor, DataType::float32, {dynamic, dynamic}, Color::rgb};

// The sentence with which an input is refused, "" when it is not.
template <class View, std::size_t rank>
std::string refusal(const FeatureInfo<rank>& info, const View& view, const Model& model) {
  wrapper::Inputs inputs;
  inputs.add(info, view);
  return inputs.predict(model).error();
}

TEST(Inputs, WrongSizesAreRefusedWithNumbers) {
  const Model model = identity({2, 3});
  const std::vector<float> six(6), seven(7);
  EXPECT_EQ(refusal(fixed, TensorView<const float, 2, 3>(six), model), "");
  EXPECT_EQ(refusal(fixed, TensorView<const float, 2, 3>(seven), model),
            "input 'x' has 7 values, its shape 2x3 wants 6");
  EXPECT_EQ(refusal(fixed, TensorView<const float, 2, 3>(), model),
            "input 'x' has 0 values, its shape 2x3 wants 6");
  EXPECT_EQ(refusal(fixed, TensorView<const float, 2, 3>(six.data(), 5), model),
            "input 'x' has 5 values, its shape 2x3 wants 6");
}

TEST(Inputs, OneOpenDimensionFollowsFromTheValues) {
  const Model model = identity({-1, 3});
  const std::vector<float> twelve(12), thirteen(13);
  using View = TensorView<const float, dynamic, 3>;
  wrapper::Inputs inputs;
  inputs.add(open, View(twelve));
  const auto outputs = inputs.predict(model);
  ASSERT_TRUE(outputs) << outputs.error();
  EXPECT_EQ((*outputs)[0].shape, (Shape{4, 3}));
  EXPECT_EQ(refusal(open, View(thirteen), model), "input 'x' has 13 values, which do not fill ?x3");
  EXPECT_EQ(refusal(open, View(twelve, {4, 3}), model), "");
  EXPECT_EQ(refusal(open, View(twelve, {3, 4}), model), "input 'x' has the shape 3x4, the model wants ?x3");
  EXPECT_EQ(refusal(open, View(twelve, {5, 3}), model), "input 'x' has 12 values, its shape 5x3 wants 15");
}

TEST(Inputs, SeveralOpenDimensionsNeedTheShape) {
  const Model model = identity({-1, -1});
  const std::vector<float> twelve(12);
  using View = TensorView<const float, dynamic, dynamic>;
  EXPECT_THAT(refusal(open_twice, View(twelve), model), HasSubstr("pass the shape with the values"));
  EXPECT_EQ(refusal(open_twice, View(twelve, {2, 6}), model), "");
  EXPECT_THAT(refusal(open_twice, View(twelve, {std::int64_t{1} << 40, std::int64_t{1} << 40}), model),
              HasSubstr("wants more than there are"));
}

TEST(Inputs, FirstFaultIsKept) {
  wrapper::Inputs inputs;
  inputs.add(fixed, TensorView<const float, 2, 3>());
  inputs.add(open, TensorView<const float, dynamic, 3>());
  EXPECT_THAT(inputs.predict(identity({2, 3})).error(), HasSubstr("shape 2x3"));
}

TEST(Inputs, ImagesAreConverted) {
  const Model model = identity({1, 1, 2, 2}, {1, 2, 2});
  constexpr FeatureInfo<3> gray{"x", FeatureKind::image, DataType::float32, {1, 2, 2}, Color::gray};
  const std::vector<std::uint8_t> pixels(4 * 4 * 3, 200);
  wrapper::Inputs inputs;
  inputs.add(gray, ImageView{pixels.data(), 4, 4, 0, PixelFormat::rgb8});
  const auto outputs = inputs.predict(model);
  ASSERT_TRUE(outputs) << outputs.error();
  ASSERT_EQ((*outputs)[0].floats().size(), 4u);
  EXPECT_NEAR((*outputs)[0].floats()[0], 200, 0.01);
  EXPECT_THAT(refusal(gray, ImageView{}, model), HasSubstr("input 'x': "));
}

Array floats(Shape shape, const std::vector<float>& values) {
  const auto bytes = std::as_bytes(std::span(values));
  return {DataType::float32, std::move(shape), {bytes.begin(), bytes.end()}};
}

TEST(Outputs, ValuesAreReachedByIndex) {
  std::vector<float> values(6);
  std::iota(values.begin(), values.end(), 0.0f);
  wrapper::Outputs outputs(std::vector<Array>{floats({2, 3}, values)});
  TensorValue<float, 2, 3> field;
  outputs.take(fixed, field);
  ASSERT_TRUE(outputs.status()) << outputs.status().error();
  EXPECT_EQ(field(1, 2), 5);
  EXPECT_EQ(field[4], 4);
  EXPECT_THAT(field.values(), ElementsAre(0, 1, 2, 3, 4, 5));
  // One model's output is the next one's input.
  const TensorView<const float, 2, 3> view = field;
  EXPECT_EQ(view.data(), field.data());
}

TEST(Outputs, OtherShapesAndTypesAreRefused) {
  TensorValue<float, 2, 3> field;
  wrapper::Outputs shape(std::vector<Array>{floats({3, 2}, std::vector<float>(6))});
  shape.take(fixed, field);
  EXPECT_EQ(shape.status().error(), "output 'x' is float32 3x2, the wrapper was generated for float32 2x3");
  wrapper::Outputs cut(std::vector<Array>{floats({2, 3}, std::vector<float>(5))});
  cut.take(fixed, field);
  EXPECT_FALSE(cut.status());
  wrapper::Outputs none{std::vector<Array>{}};
  none.take(fixed, field);
  EXPECT_EQ(none.status().error(), "the model gives no output 'x'");
  EXPECT_EQ(field.size(), 0u);
}

constexpr std::string_view names[] = {"cat", "dog", "cow"};

TEST(Outputs, LabelsAndScores) {
  constexpr FeatureInfo<1> label{"label", FeatureKind::label, DataType::int64, {1}, Color::rgb};
  constexpr FeatureInfo<1> scores{"scores", FeatureKind::scores, DataType::float32, {3}, Color::rgb};
  for (const std::int64_t index : {std::int64_t{1}, std::int64_t{3}, std::int64_t{-1}}) {
    const auto bytes = std::as_bytes(std::span(&index, 1));
    wrapper::Outputs outputs(std::vector<Array>{{DataType::int64, {1}, {bytes.begin(), bytes.end()}},
                                                floats({3}, {0.25f, 0.5f, 0.25f})});
    std::string_view best;
    Scores all;
    outputs.take(label, best, std::span<const std::string_view>(names));
    outputs.take(scores, all, std::span<const std::string_view>(names), 2);
    EXPECT_EQ(outputs.status().ok(), index == 1) << index;
    if (index != 1) continue;
    EXPECT_EQ(best, "dog");
    EXPECT_EQ(all["dog"], 0.5f);
    EXPECT_EQ(all.top().size(), 2u);
  }
}

TEST(Scores, TopIsStableAndPutsNanLast) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const Scores scores(names, {nan, 0.5f, 0.5f}, 5);
  const auto top = scores.top();
  ASSERT_EQ(top.size(), 3u);
  EXPECT_EQ(top[0].label, "dog");
  EXPECT_EQ(top[1].label, "cow");
  EXPECT_EQ(top[2].label, "cat");
  EXPECT_EQ(scores.top(1).size(), 1u);
  EXPECT_TRUE(scores.top(0).empty());
  EXPECT_TRUE(std::isnan(scores["horse"]));
  std::vector<std::string> seen;
  for (const auto& score : scores) seen.emplace_back(score.label);
  EXPECT_THAT(seen, ElementsAre("cat", "dog", "cow"));
}

TEST(Batch, GivesWhatOneByOneGivesAndNamesTheFirstFault) {
  for (const int threads : {0, 1, 3}) {
    std::vector<int> squares(50);
    const auto good = wrapper::predict_each(squares.size(), threads, [&](std::size_t i) -> Status {
      squares[i] = static_cast<int>(i * i);
      return {};
    });
    EXPECT_TRUE(good.ok());
    for (std::size_t i = 0; i < squares.size(); ++i) EXPECT_EQ(squares[i], static_cast<int>(i * i));
    const auto bad = wrapper::predict_each(
        50, threads, [](std::size_t i) { return i == 7 || i == 30 ? Status(Failure{"no"}) : Status(); });
    EXPECT_EQ(bad.error(), "of many inputs, number 7: no");
  }
  EXPECT_TRUE(wrapper::predict_each(0, 0, [](std::size_t) { return Status(); }).ok());
}

TEST(Artifact, IsLookedForInItsOrder) {
  const test::TemporaryFolder chosen, built;
  const std::string file = "h.mlq";
  const auto none = wrapper::find_artifact(file, built.path().string());
  ASSERT_FALSE(none);
  EXPECT_THAT(none.error(), HasSubstr((built.path() / file).string()));
  EXPECT_THAT(none.error(), HasSubstr("MLQ_MODEL_DIR"));
  built.write(file, "");
  EXPECT_EQ(*wrapper::find_artifact(file, built.path().string()), (built.path() / file).string());
  chosen.write(file, "");
  setenv("MLQ_MODEL_DIR", chosen.path().c_str(), 1);
  EXPECT_EQ(*wrapper::find_artifact(file, built.path().string()), (chosen.path() / file).string());
  unsetenv("MLQ_MODEL_DIR");
}

TEST(Wrapper, MissingArtifactIsASentence) {
  const auto net = app::models::SqueezeNet::load();
  ASSERT_FALSE(net);
  EXPECT_THAT(net.error(), HasSubstr("found no classifier.mlq"));
  EXPECT_FALSE(Arrays::load("/nowhere/arrays.mlq"));
  EXPECT_THAT(Images::labels(), ElementsAre(std::numeric_limits<std::int64_t>::min(), 7, 1999));
}

}  // namespace
}  // namespace mlq
