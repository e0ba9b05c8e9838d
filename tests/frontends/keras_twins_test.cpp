// Keras files and the same trained networks in other formats: the same answers, or the same weights.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <iostream>
#include <set>

#include "compiler/frontends/coreml/weights.h"
#include "compiler/frontends/frontend.h"
#include "compiler/frontends/keras/hdf5.h"
#include "compiler/graph/rewrite.h"
#include "compiler/support/bytes.h"
#include "compiler/support/error.h"
#include "mlq/model.h"
#include "tests/frontends/shared_pictures.h"
#include "tests/support/files.h"

namespace mlqc {
namespace {

namespace fs = std::filesystem;

fs::path models() { return mlq::test::shared_folder() / "models"; }

mlq::Model load(const fs::path& name, bool rewritten) {
  const mlq::Graph graph = import_graph(read_source(models() / name));
  auto model = mlq::Model::from_graph(rewritten ? prepare_for_runtime(simplify(graph)) : graph);
  if (!model) throw std::runtime_error(name.string() + ": " + model.error());
  return *model;
}

std::vector<float> run(const mlq::Model& model, const std::vector<float>& values) {
  const mlq::View view{mlq::DataType::float32, model.graph().inputs.at(0).shape, values.data()};
  auto outputs = model.predict({&view, 1});
  if (!outputs) throw std::runtime_error(outputs.error());
  const auto floats = outputs->at(0).floats();
  return {floats.begin(), floats.end()};
}

// The largest difference, relative to the largest number.
double apart(const std::vector<float>& a, const std::vector<float>& b) {
  if (a.size() != b.size()) throw std::runtime_error("the outputs differ in size");
  double difference = 0, largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference = std::max<double>(difference, std::abs(a[i] - b[i]));
    largest = std::max<double>(largest, std::abs(a[i]));
  }
  if (!(largest > 0) || !std::isfinite(difference)) throw std::runtime_error("an output says nothing");
  return difference / largest;
}

std::vector<float> scaled(std::vector<float> values, float factor) {
  for (float& value : values) value *= factor;
  return values;
}

// Both models on each picture; `factor` is what the other format does to pixels itself.
void expect_twins(const char* keras, const char* other, const std::vector<std::vector<float>>& inputs,
                  float factor) {
  ASSERT_GE(inputs.size(), 20u);
  const mlq::Model theirs = load(other, true);
  for (const bool rewritten : {false, true}) {
    const mlq::Model ours = load(keras, rewritten);
    double worst = 0;
    for (const auto& pixels : inputs)
      worst = std::max(worst, apart(run(theirs, pixels), run(ours, scaled(pixels, factor))));
    std::cout << keras << " and " << other << (rewritten ? ", rewritten: " : ": ") << worst << " on "
              << inputs.size() << " pictures\n";
    EXPECT_LT(worst, 1e-4);
  }
}

// The Core ML file scales its pixels by 1/255.
TEST(KerasTwins, DigitsInCoreMl) {
  MLQ_NEEDS_SHARED();
  expect_twins("keras/mnistCNN_r4ghu.h5", "coreml/mnistCNN_r4ghu.mlmodel",
               test::pictures("mnist", mlq::Color::gray, 28, 28, 10), 1.0f / 255);
}

TEST(KerasTwins, ResNetInTfLite) {
  MLQ_NEEDS_SHARED();
  expect_twins("keras/mlperf_tiny_resnet8_cifar10.h5", "tflite/mlperf_tiny_resnet8_float.tflite",
               test::pictures("flowers", mlq::Color::rgb, 32, 32, 4), 1);
}

TEST(KerasTwins, DigitsInOnnx) {
  MLQ_NEEDS_SHARED();
  const auto formats = frontends();
  if (std::none_of(formats.begin(), formats.end(), [](const auto& f) { return f.extension == ".onnx"; }))
    GTEST_SKIP() << "no front end reads .onnx";
  std::vector<std::vector<float>> digits;
  for (const auto& pixels : test::pictures("mnist", mlq::Color::gray, 28, 28, 10))
    digits.push_back(scaled(pixels, 1.0f / 255));
  expect_twins("keras/cnn_max_mnist2.h5", "onnx/mnist_cnn_max2.onnx", digits, 1);
}

std::vector<float> floats_of(const mlq::Data& data) {
  std::vector<float> values(data.bytes.size() / sizeof(float));
  std::memcpy(values.data(), data.bytes.data(), data.bytes.size());
  return values;
}

// [H, W, I, O] as [O, I, H, W].
std::vector<float> outermost_first(const keras::Array& kernel) {
  const std::vector<float> from = floats_of(kernel.data);
  const auto h = static_cast<std::size_t>(kernel.shape[0]), w = static_cast<std::size_t>(kernel.shape[1]),
             in = static_cast<std::size_t>(kernel.shape[2]), out = static_cast<std::size_t>(kernel.shape[3]);
  std::vector<float> to;
  for (std::size_t o = 0; o < out; ++o)
    for (std::size_t i = 0; i < in; ++i)
      for (std::size_t y = 0; y < h; ++y)
        for (std::size_t x = 0; x < w; ++x) to.push_back(from[((y * w + x) * in + i) * out + o]);
  return to;
}

// The Keras file has no layers, so that only its arrays can be compared.
TEST(KerasTwins, StyleTransferHasTheWeightsOfItsCoreMlFile) {
  MLQ_NEEDS_SHARED();
  const auto coreml = map_file(models() / "coreml/FastStyleTransferStarryNight.mlmodel");
  std::set<std::vector<float>> there;
  for (const coreml::Blob& blob : coreml::walk_weights(coreml.bytes, "style").blobs)
    there.insert(floats_of({coreml.bytes.subspan(blob.floats.at, blob.floats.size), nullptr, false}));
  const auto path = models() / "keras/FastStyleTransferStarryNight_weights.h5";
  int same = 0, all = 0;
  for (const auto& [name, array] : keras::read_hdf5(map_file(path), path).arrays) {
    if (array.shape.size() != 4) continue;
    ++all;
    same += there.count(outermost_first(array)) > 0;
  }
  std::cout << same << " of " << all << " kernels are bit for bit those of the .mlmodel\n";
  EXPECT_EQ(all, 16);
  EXPECT_EQ(same, all);
}

TEST(KerasFiles, EveryWholeModelRuns) {
  MLQ_NEEDS_SHARED();
  for (const char* name :
       {"cnn_max_mnist2.h5", "drawing_circle_64_rgb.h5", "fer2013_mini_XCEPTION.107-0.66.hdf5",
        "mlperf_tiny_resnet8_cifar10.h5", "mlperf_tiny_vww_mobilenet_96.h5", "mnistCNN_r4ghu.h5",
        "mnist_markusmeingast.h5"}) {
    const mlq::Model plain = load(fs::path("keras") / name, false),
                     fast = load(fs::path("keras") / name, true);
    const auto count = *mlq::element_count(plain.graph().inputs.at(0).shape);
    std::vector<float> values;
    for (std::int64_t i = 0; i < count; ++i) values.push_back(static_cast<float>(i * 37 % 101) / 101);
    EXPECT_LT(apart(run(plain, values), run(fast, values)), 1e-4) << name;
  }
}

TEST(KerasFiles, WeightsAloneAreRefused) {
  MLQ_NEEDS_SHARED();
  for (const char* name :
       {"FastStyleTransferStarryNight_weights.h5", "stn_cnn_mnist_weights.h5", "stn_mnist_weights.h5"}) {
    try {
      import_graph(read_source(models() / "keras" / name));
      ADD_FAILURE() << name;
    } catch (const Error& error) {
      EXPECT_EQ(error.diagnostic().code, "MLQ310");
      EXPECT_THAT(error.diagnostic().what, testing::HasSubstr("weights only"));
      EXPECT_THAT(error.diagnostic().what, testing::HasSubstr("model_config"));
    }
  }
}

// What training left is most of this file: 2.1 of 3.1 MB.
TEST(KerasFiles, OptimizerWeightsAreNotRead) {
  MLQ_NEEDS_SHARED();
  const auto path = models() / "keras/mlperf_tiny_vww_mobilenet_96.h5";
  const keras::Hdf5 file = keras::read_hdf5(map_file(path), path);
  EXPECT_FALSE(file.arrays.empty());
  for (const auto& [name, array] : file.arrays) EXPECT_EQ(name.rfind("model_weights/", 0), 0u) << name;
}

}  // namespace
}  // namespace mlqc
