// Networks with custom layers, run with the layers of the examples.
#include <gmock/gmock.h>

#include <algorithm>
#include <numeric>

#include "compiler/frontends/frontend.h"
#include "examples/spatial_transformer/grid_sampler.h"
#include "examples/style/style_layers.h"
#include "examples/swish_layer/swish.h"
#include "mlq/model.h"
#include "tests/support/files.h"

namespace mlqc {
namespace {

namespace fs = std::filesystem;

template <class T>
CustomEntry entry(const char* name) {
  return {name, "", {}, "", false, std::make_shared<const mlq::CustomClass>(mlq::custom_class<T>(name))};
}

// What the model gives for one input, all of whose numbers are `value`.
mlq::Array run(const fs::path& path, std::vector<CustomEntry> layers, float value) {
  Source source = read_source(path);
  source.custom_layers = std::move(layers);
  const auto model = mlq::Model::from_graph(import_graph(source));
  if (!model) throw std::runtime_error(model.error());
  const mlq::Feature& input = model->graph().inputs[0];
  const std::vector<float> x(static_cast<std::size_t>(*mlq::element_count(input.shape)), value);
  const auto out = model->predict(std::vector<mlq::View>{{mlq::DataType::float32, input.shape, x.data()}});
  if (!out) throw std::runtime_error(out.error());
  return (*out)[0];
}

fs::path examples() { return mlq::test::data_folder().parent_path().parent_path() / "examples"; }

TEST(CustomNetworks, SwishOfItsOwnModel) {
  const mlq::Array y = run(examples() / "swish_layer/swish.mlmodel", {entry<app::Swish>("Swish")}, -2);
  EXPECT_THAT(y.floats(), testing::Each(testing::FloatNear(-0.0948517f, 1e-6f)));  // -2 / (1 + exp(3))
}

TEST(CustomNetworks, TheSpatialTransformerGivesChances) {
  const mlq::Array y = run(examples() / "spatial_transformer/transformer.mlmodel",
                           {entry<app::GridSampler>("GridSampler")}, 20);
  EXPECT_NEAR(std::accumulate(y.floats().begin(), y.floats().end(), 0.0), 1, 1e-5);
}

TEST(CustomNetworks, OthersNetworksRun) {
  MLQ_NEEDS_SHARED();
  const fs::path models = mlq::test::shared_folder() / "models/coreml";
  const mlq::Array chances =
      run(models / "CustomSwish_NeuralMcNeuralNet.mlmodel", {entry<app::Swish>("Swish")}, 100);
  EXPECT_EQ(chances.floats().size(), 10u);
  EXPECT_NEAR(std::accumulate(chances.floats().begin(), chances.floats().end(), 0.0), 1, 1e-5);
  const mlq::Array picture =
      run(models / "FastStyleTransferStarryNight.mlmodel",
          {entry<app::ResCropBlock>("ResCropBlockLambda"), entry<app::RescaleOutput>("RescaleOutputLambda")},
          100);
  EXPECT_THAT(picture.shape, testing::ElementsAre(1, 3, 320, 320));
  const auto [low, high] = std::ranges::minmax_element(picture.floats());
  EXPECT_GE(*low, 0);
  EXPECT_LE(*high, 255);
}

}  // namespace
}  // namespace mlqc
