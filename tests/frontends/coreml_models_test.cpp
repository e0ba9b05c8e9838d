// Whole models that others trained: they import, run, and give the answers that their samples' labels say.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <png.h>

#include <cmath>
#include <cstring>
#include <iostream>

#include "compiler/frontends/frontend.h"
#include "compiler/graph/rewrite.h"
#include "compiler/support/error.h"
#include "mlq/model.h"
#include "tests/support/files.h"

namespace mlqc {
namespace {

namespace fs = std::filesystem;
using mlq::test::shared_folder;
using testing::HasSubstr;

fs::path model_path(const std::string& name) { return shared_folder() / "models/coreml" / name; }

mlq::Model load(const std::string& name) {
  mlq::Result<mlq::Model> model = mlq::Model::from_graph(import_graph(read_source(model_path(name))));
  if (!model) throw std::runtime_error(name + ": " + model.error());
  return *model;
}

// Numbers that look like pixels, the same each time.
std::vector<float> pixels(const mlq::Shape& shape) {
  std::vector<float> values(static_cast<std::size_t>(*mlq::element_count(shape)));
  std::uint32_t state = 12345;
  for (float& value : values) {
    state = state * 1664525u + 1013904223u;
    value = static_cast<float>(state >> 24);
  }
  return values;
}

std::vector<mlq::Array> run(const mlq::Model& model) {
  const mlq::Feature& input = model.graph().inputs.at(0);
  const std::vector<float> values = pixels(input.shape);
  const mlq::View view{mlq::DataType::float32, input.shape, values.data()};
  auto outputs = model.predict({&view, 1});
  if (!outputs) throw std::runtime_error(outputs.error());
  return *outputs;
}

class RunsModel : public testing::TestWithParam<const char*> {};

TEST_P(RunsModel, GivesFiniteNumbersAndTheSameTwice) {
  MLQ_NEEDS_SHARED();
  const mlq::Model model = load(GetParam());
  const auto first = run(model), second = run(model);
  ASSERT_FALSE(first.empty());
  for (std::size_t i = 0; i < first.size(); ++i) {
    EXPECT_EQ(first[i].shape, model.graph().outputs[i].shape);
    EXPECT_EQ(first[i].bytes, second[i].bytes);
    if (first[i].type != mlq::DataType::float32) continue;
    float low = INFINITY, high = -INFINITY;
    for (const float value : first[i].floats()) {
      ASSERT_TRUE(std::isfinite(value));
      low = std::min(low, value);
      high = std::max(high, value);
    }
    EXPECT_LT(low, high) << "all outputs are the same number";
  }
}

// As the validator and the artifact run it.
TEST_P(RunsModel, GivesTheSameRewrittenForTheRuntime) {
  MLQ_NEEDS_SHARED();
  const mlq::Model model = load(GetParam());
  auto rewritten = mlq::Model::from_graph(prepare_for_runtime(simplify(model.graph())));
  ASSERT_TRUE(rewritten.ok()) << rewritten.error();
  const auto plain = run(model), fast = run(*rewritten);
  ASSERT_EQ(plain.size(), fast.size());
  for (std::size_t i = 0; i < plain.size(); ++i) {
    ASSERT_EQ(plain[i].shape, fast[i].shape);
    if (plain[i].type != mlq::DataType::float32) continue;
    float largest = 0, apart = 0;
    for (std::size_t k = 0; k < plain[i].floats().size(); ++k) {
      largest = std::max(largest, std::abs(plain[i].floats()[k]));
      apart = std::max(apart, std::abs(plain[i].floats()[k] - fast[i].floats()[k]));
    }
    // A sigmoid far from zero turns its operand's absolute rounding into its result's relative one.
    EXPECT_LE(apart, 1e-3f * largest);
  }
}

INSTANTIATE_TEST_SUITE_P(Shared, RunsModel,
                         testing::Values("SqueezeNetFP16.mlmodel", "SqueezeNetFP16_TrainedMean.mlmodel",
                                         "SqueezeNetInt8LUT.mlmodel", "SqueezeNetInt8LUT_TrainedMean.mlmodel",
                                         "CustomVisionFruit.mlmodel", "keras2coreml_Dense_small.mlmodel",
                                         "mnist_ph1ps.mlmodel", "mnistCNN_r4ghu.mlmodel",
                                         "pose_hourglass.mlmodel", "waifu2x_photo_noise1.mlmodel"),
                         [](const auto& info) {
                           const std::string name = info.param;
                           return name.substr(0, name.find('.'));
                         });

// A gray picture of the network's own size.
std::vector<float> read_gray(const fs::path& path) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  if (!png_image_begin_read_from_file(&image, path.c_str())) throw std::runtime_error(path.string());
  image.format = PNG_FORMAT_GRAY;
  std::vector<png_byte> bytes(PNG_IMAGE_SIZE(image));
  if (!png_image_finish_read(&image, nullptr, bytes.data(), 0, nullptr))
    throw std::runtime_error(path.string());
  return {bytes.begin(), bytes.end()};
}

// How many of the digits the network names right; they lie in folders named by their labels.
int right_digits(const mlq::Model& model, std::size_t label_output, int& all) {
  int right = 0;
  for (const auto& file : fs::recursive_directory_iterator(shared_folder() / "samples/mnist")) {
    if (file.path().extension() != ".png") continue;
    const std::vector<float> values = read_gray(file.path());
    const mlq::View view{mlq::DataType::float32, {1, 1, 28, 28}, values.data()};
    const auto outputs = model.predict({&view, 1});
    if (!outputs) throw std::runtime_error(outputs.error());
    std::int64_t index = 0;
    std::memcpy(&index, (*outputs)[label_output].bytes.data(), sizeof index);
    right += model.graph().labels.at(static_cast<std::size_t>(index)) == file.path().parent_path().filename();
    ++all;
  }
  return right;
}

class ReadsDigits : public testing::TestWithParam<const char*> {};

TEST_P(ReadsDigits, NinetyFiveOfAHundred) {
  MLQ_NEEDS_SHARED();
  const mlq::Model model = load(GetParam());
  ASSERT_EQ(model.graph().outputs.at(1).kind, mlq::FeatureKind::label);
  int all = 0;
  const int right = right_digits(model, 1, all);
  std::cout << right << " of " << all << " digits\n";
  EXPECT_GE(all, 100);
  EXPECT_GE(right * 100, all * 95);
}

INSTANTIATE_TEST_SUITE_P(Shared, ReadsDigits, testing::Values("mnistCNN_r4ghu.mlmodel"));

// The sentence with which a model is refused.
std::string refusal(const std::string& name) {
  try {
    import_graph(read_source(model_path(name)));
    return "";
  } catch (const Error& error) {
    EXPECT_EQ(error.exit(), Exit::model);
    EXPECT_NE(error.diagnostic().hint, "");
    EXPECT_EQ(error.diagnostic().where.file, model_path(name).string());
    std::string text = error.diagnostic().what;
    for (const std::string& note : error.diagnostic().notes) text += "\n" + note;
    return text + "\n" + error.diagnostic().hint;
  }
}

TEST(RefusesModel, CustomLayersAllAtOnceWithTheirCure) {
  MLQ_NEEDS_SHARED();
  EXPECT_THAT(refusal("CustomSwish_NeuralMcNeuralNet.mlmodel"), HasSubstr("of class Swish is not supported"));
  const std::string text = refusal("FastStyleTransferStarryNight.mlmodel");
  std::size_t named = 0;
  for (std::size_t at = 0; (at = text.find("is not supported", at)) != std::string::npos; ++at) ++named;
  EXPECT_EQ(named, 6u) << text;
  EXPECT_THAT(text, HasSubstr("custom_layers:"));
}

// A table of three numbers to one: features joined, then a linear model.
TEST(RunsPipeline, SleepCalculator) {
  MLQ_NEEDS_SHARED();
  const mlq::Model model = load("SleepCalculator_regressor.mlmodel");
  const auto sleep = [&](float wake, float estimated, float coffee) {
    std::vector<mlq::View> views;
    for (const float* value : {&wake, &estimated, &coffee})
      views.push_back({mlq::DataType::float32, {1}, value});
    const auto outputs = model.predict(views);
    if (!outputs) throw std::runtime_error(outputs.error());
    return (*outputs)[0].floats()[0];
  };
  // Its weights, as they are in the file.
  const double seconds =
      8.977302487916403e-05 * 28800 + 3601.4055324351725 * 8 + 832.4267097286028 * 1 + 461.66411230346455;
  EXPECT_NEAR(sleep(28800, 8, 1), seconds, 1e-3 * seconds);
  EXPECT_GT(sleep(28800, 9, 1), sleep(28800, 8, 1));
  EXPECT_GT(sleep(28800, 8, 4), sleep(28800, 8, 1));
}

TEST(RefusesModel, PackagesByName) {
  MLQ_NEEDS_SHARED();
  EXPECT_THAT(refusal("ResNet20CIFAR10.mlpackage"), HasSubstr(".mlpackage"));
}

TEST(RefusesModel, TheProgramInsideAPackageByItsKind) {
  MLQ_NEEDS_SHARED();
  EXPECT_THAT(refusal("ResNet20CIFAR10.mlpackage/Data/com.apple.CoreML/model.mlmodel"),
              HasSubstr("mlProgram"));
}

}  // namespace
}  // namespace mlqc
