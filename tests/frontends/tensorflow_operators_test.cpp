// Operators of TensorFlow graphs against loops written out.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <numbers>

#include "compiler/frontends/frontend.h"
#include "compiler/support/error.h"
#include "mlq/model.h"
#include "tests/frontends/tensorflow_fixture.h"

namespace mlqc {
namespace {

using testing::HasSubstr;
using Floats = std::vector<float>;

Floats wave(std::size_t n, float step = 0.7f) {
  Floats values(n);
  for (std::size_t i = 0; i < n; ++i) values[i] = std::sin(step * static_cast<float>(i) + 0.3f);
  return values;
}

// Of a graph with one input x of this shape.
Floats compute(const mlq::Shape& shape, const Floats& x, const std::function<void(test::GraphMaker&)>& make) {
  tensorflow::GraphDef graph;
  test::GraphMaker maker(*graph.mutable_node());
  maker.placeholder("x", shape);
  make(maker);
  return test::run(graph, {x}).at(0);
}

void expect_near(const Floats& actual, const Floats& expected) {
  ASSERT_EQ(actual.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(actual[i], expected[i], 1e-4) << "at " << i;
}

struct Image {
  int h, w, c;
  Floats v;
  float at(int y, int x, int k) const {
    return y < 0 || x < 0 || y >= h || x >= w ? 0 : v[static_cast<std::size_t>((y * w + x) * c + k)];
  }
};

// SAME padding, as TensorFlow defines it; weights [kh, kw, in, out], or [kh, kw, in, times] when depthwise.
Floats convolve(const Image& in, const Floats& weights, int k, int out, int stride, int dilation,
                bool depthwise) {
  const auto place = [&](int size) {
    const int places = (size + stride - 1) / stride, reach = (k - 1) * dilation + 1;
    return std::pair{places, std::max(0, (places - 1) * stride + reach - size) / 2};
  };
  const auto [oh, top] = place(in.h);
  const auto [ow, left] = place(in.w);
  Floats result;
  const int outputs = depthwise ? in.c * out : out;
  for (int y = 0; y < oh; ++y)
    for (int x = 0; x < ow; ++x)
      for (int o = 0; o < outputs; ++o) {
        double sum = 0;
        for (int i = 0; i < k; ++i)
          for (int j = 0; j < k; ++j)
            for (int c = depthwise ? o / out : 0; c < (depthwise ? o / out + 1 : in.c); ++c)
              sum += in.at(y * stride - top + i * dilation, x * stride - left + j * dilation, c) *
                     weights[static_cast<std::size_t>(((i * k + j) * in.c + c) * out +
                                                      (depthwise ? o % out : o))];
        result.push_back(static_cast<float>(sum));
      }
  return result;
}

void expect_convolution(const char* op, int stride, int dilation) {
  const bool depthwise = std::string(op) != "Conv2D";
  const Image image{5, 6, 3, wave(90)};
  const Floats weights = wave(3 * 3 * 3 * 2, 1.1f);
  const Floats result = compute({1, 5, 6, 3}, image.v, [&](test::GraphMaker& g) {
    g.floats("w", {3, 3, 3, 2}, weights);
    auto& node = g.node("y", op, {"x", "w"});
    test::set(node, "strides", std::vector<int>{1, stride, stride, 1});
    test::set(node, "dilations", std::vector<int>{1, dilation, dilation, 1});
    test::set(node, "padding", std::string("SAME"));
  });
  expect_near(result, convolve(image, weights, 3, 2, stride, dilation, depthwise));
}

TEST(TensorFlowOperators, Convolutions) {
  for (const char* op : {"Conv2D", "DepthwiseConv2dNative"}) {
    expect_convolution(op, 1, 1);
    expect_convolution(op, 2, 1);
    expect_convolution(op, 1, 2);
  }
}

TEST(TensorFlowOperators, ChannelsFirstGivesTheSame) {
  const Floats x = wave(2 * 4 * 4), weights = wave(3 * 3 * 2 * 2, 1.3f);
  Floats first(x.size());
  for (std::size_t p = 0; p < 16; ++p)
    for (std::size_t c = 0; c < 2; ++c) first[c * 16 + p] = x[p * 2 + c];
  const auto net = [&](const char* format, std::vector<int> ones) {
    return [&weights, format, ones](test::GraphMaker& g) {
      g.floats("w", {3, 3, 2, 2}, weights);
      g.floats("b", {2}, {0.5f, -1});
      auto& conv = g.node("c", "Conv2D", {"x", "w"});
      test::set(conv, "data_format", std::string(format));
      test::set(conv, "strides", ones);
      test::set(conv, "padding", std::string("VALID"));
      test::set(g.node("y", "BiasAdd", {"c", "b"}), "data_format", std::string(format));
    };
  };
  const Floats last = compute({1, 4, 4, 2}, x, net("NHWC", {1, 1, 1, 1}));
  const Floats lead = compute({1, 2, 4, 4}, first, net("NCHW", {1, 1, 1, 1}));
  for (std::size_t p = 0; p < 4; ++p)
    for (std::size_t c = 0; c < 2; ++c) EXPECT_NEAR(lead[c * 4 + p], last[p * 2 + c], 1e-5);
}

TEST(TensorFlowOperators, BatchNormalization) {
  const Floats x = wave(12), gamma{2, 3}, beta{0.5f, -1}, mean{0.1f, 0.2f}, variance{0.5f, 2};
  const Floats result = compute({1, 2, 3, 2}, x, [&](test::GraphMaker& g) {
    g.floats("g", {2}, gamma), g.floats("b", {2}, beta), g.floats("m", {2}, mean),
        g.floats("v", {2}, variance);
    auto& node = g.node("y", "FusedBatchNormV3", {"x", "g", "b", "m", "v"});
    test::set_flag(node, "is_training", false);
    test::set_real(node, "epsilon", 0.01f);
  });
  Floats expected;
  for (std::size_t i = 0; i < x.size(); ++i)
    expected.push_back((x[i] - mean[i % 2]) / std::sqrt(variance[i % 2] + 0.01f) * gamma[i % 2] +
                       beta[i % 2]);
  expect_near(result, expected);
}

// Average over what is inside; sizes that the stride does not divide.
TEST(TensorFlowOperators, PoolingWithSamePadding) {
  const Image image{5, 5, 2, wave(50)};
  for (const bool greatest : {true, false}) {
    const Floats result = compute({1, 5, 5, 2}, image.v, [&](test::GraphMaker& g) {
      auto& node = g.node("y", greatest ? "MaxPool" : "AvgPool", {"x"});
      test::set(node, "ksize", std::vector<int>{1, 3, 3, 1});
      test::set(node, "strides", std::vector<int>{1, 2, 2, 1});
      test::set(node, "padding", std::string("SAME"));
    });
    Floats expected;
    for (int y = 0; y < 3; ++y)
      for (int x = 0; x < 3; ++x)
        for (int c = 0; c < 2; ++c) {
          double sum = 0, best = -1e9;
          int count = 0;
          for (int i = 2 * y - 1; i < 2 * y + 2; ++i)
            for (int j = 2 * x - 1; j < 2 * x + 2; ++j) {
              if (i < 0 || j < 0 || i > 4 || j > 4) continue;
              sum += image.at(i, j, c), best = std::max<double>(best, image.at(i, j, c)), ++count;
            }
          expected.push_back(static_cast<float>(greatest ? best : sum / count));
        }
    expect_near(result, expected);
  }
}

TEST(TensorFlowOperators, TilesOfABatchAndBack) {
  const Floats x = wave(4 * 6 * 2);
  const auto pass = [&](bool back) {
    return compute({1, 4, 6, 2}, x, [&](test::GraphMaker& g) {
      g.ints("block", {2}, {2, 3});
      g.ints("none", {2, 2}, {0, 0, 0, 0});
      g.node("tiles", "SpaceToBatchND", {"x", "block", "none"});
      if (back) g.node("y", "BatchToSpaceND", {"tiles", "block", "none"});
    });
  };
  expect_near(pass(true), x);
  Floats expected;
  for (int i = 0; i < 2; ++i)
    for (int j = 0; j < 3; ++j)
      for (int y = 0; y < 2; ++y)
        for (int z = 0; z < 2; ++z)
          for (int c = 0; c < 2; ++c)
            expected.push_back(x[static_cast<std::size_t>(((2 * y + i) * 6 + 3 * z + j) * 2 + c)]);
  expect_near(pass(false), expected);
}

// x[:, 1, ::-1, newaxis] of [1, 3, 4].
TEST(TensorFlowOperators, StridedSlice) {
  const Floats x = wave(12);
  const Floats result = compute({1, 3, 4}, x, [&](test::GraphMaker& g) {
    g.ints("b", {4}, {0, 1, 0, 0}), g.ints("e", {4}, {0, 2, 0, 0}), g.ints("s", {4}, {1, 1, -1, 1});
    auto& node = g.node("y", "StridedSlice", {"x", "b", "e", "s"});
    test::set(node, "begin_mask", std::int64_t{0b101}), test::set(node, "end_mask", std::int64_t{0b101});
    test::set(node, "shrink_axis_mask", std::int64_t{0b10}),
        test::set(node, "new_axis_mask", std::int64_t{0b1000});
  });
  expect_near(result, {x[7], x[6], x[5], x[4]});
}

TEST(TensorFlowOperators, OneNumberStandsForMany) {
  tensorflow::GraphDef graph;
  test::GraphMaker maker(*graph.mutable_node());
  maker.placeholder("x", {1, 4});
  maker.floats("w", {4}, {});
  auto& tensor = *(*graph.mutable_node(1)->mutable_attr())["value"].mutable_tensor();
  tensor.add_float_val(2), tensor.add_float_val(5);
  maker.node("y", "Mul", {"x", "w"});
  EXPECT_EQ(test::run(graph, {{1, 1, 1, 1}}).at(0), (Floats{2, 5, 5, 5}));
}

// A conditional of TensorFlow 1 whose condition is in the data: both ways are computed, one is taken.
TEST(TensorFlowOperators, SwitchAndMergeFollowTheData) {
  for (const float first : {3.0f, -3.0f}) {
    const Floats result = compute({2}, {first, 1}, [&](test::GraphMaker& g) {
      g.ints("axes", {1}, {0});
      g.floats("zero", {}, {0});
      g.node("sum", "Sum", {"x", "axes"});
      g.node("positive", "Greater", {"sum", "zero"});
      g.node("s", "Switch", {"x", "positive"});
      g.node("no", "Neg", {"s"});
      g.node("yes", "Square", {"s:1"});
      g.node("y", "Merge", {"no", "yes"});
    });
    expect_near(result, first > 0 ? Floats{9, 1} : Floats{3, -1});
  }
}

// What stands behind "is this training?" is not looked at: its operators need no support.
TEST(TensorFlowOperators, WhatOnlyTrainingNeedsIsDropped) {
  const Floats result = compute({2}, {1, 2}, [&](test::GraphMaker& g) {
    g.placeholder("training", {}, 10);
    g.node("s", "Switch", {"x", "training"});
    g.node("dropped", "SomeDropout", {"s:1"});
    g.node("kept", "Identity", {"s"});
    g.node("m", "Merge", {"kept", "dropped"});
    g.node("y", "Neg", {"m"});
    g.node("noise", "ScalarSummary", {"y"});
  });
  expect_near(result, {-1, -2});
}

TEST(TensorFlowOperators, UnknownOnesAreNamedAtOnce) {
  try {
    compute({2}, {1, 2}, [](test::GraphMaker& g) {
      g.node("a", "Mystery", {"x"});
      g.node("b", "Mystery", {"a"});
      g.node("c", "Riddle", {"b"});
    });
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.exit(), Exit::model);
    EXPECT_EQ(error.diagnostic().code, "MLQ311");
    EXPECT_THAT(error.diagnostic().what, HasSubstr("'a' of kind Mystery is not supported (and 1 more"));
    ASSERT_EQ(error.diagnostic().notes.size(), 1u);
    EXPECT_THAT(error.diagnostic().notes[0], HasSubstr("'c' of kind Riddle"));
    EXPECT_THAT(error.diagnostic().hint, HasSubstr("custom_layers: - { op: Mystery, type: app::Mystery"));
  }
}

// x * weights * scale, of an operator that TensorFlow does not have.
struct Mystery final : mlq::CustomLayer {
  mlq::Status init_with_parameters(const mlq::Parameters& parameters) override {
    const auto found = parameters.find("scale");
    if (found != parameters.end()) scale = static_cast<float>(std::get<double>(found->second));
    return {};
  }
  mlq::Status set_weight_data(std::span<const mlq::LayerInput> given) override {
    weights.assign(given[0].floats().begin(), given[0].floats().end());
    return {};
  }
  mlq::Status evaluate_on_cpu(std::span<const mlq::LayerInput> in,
                              std::span<const mlq::LayerOutput> out) override {
    for (std::size_t i = 0; i < weights.size(); ++i)
      out[0].floats()[i] = in[0].floats()[i] * weights[i] * scale;
    return {};
  }
  float scale = 1;
  Floats weights;
};

TEST(TensorFlowOperators, UnknownOnesAreComputedByTheUser) {
  tensorflow::GraphDef graph;
  test::GraphMaker maker(*graph.mutable_node());
  maker.placeholder("x", {3});
  maker.floats("w", {3}, {1, 2, 3});
  (*maker.node("a", "Mystery", {"x", "w"}).mutable_attr())["scale"].set_f(0.5f);
  maker.node("y", "Neg", {"a"});
  const std::string bytes = graph.SerializeAsString();
  Source source{"t.pb", mlq::copy_data(std::as_bytes(std::span(bytes.data(), bytes.size()))), "",
                "tensorflow"};
  source.custom_layers = {{"Mystery",
                           "Mystery",
                           {},
                           "",
                           false,
                           std::make_shared<const mlq::CustomClass>(mlq::custom_class<Mystery>("Mystery"))}};
  const auto model = mlq::Model::from_graph(import_graph(source));
  ASSERT_TRUE(model.ok()) << model.error();
  const Floats x{2, 4, 6};
  const mlq::View view{mlq::DataType::float32, {3}, x.data()};
  const auto outputs = model->predict({&view, 1});
  ASSERT_TRUE(outputs.ok()) << outputs.error();
  EXPECT_THAT((*outputs)[0].floats(), testing::ElementsAre(-1, -4, -9));
}

// Frames overlap by other than a whole number of strides, or leave samples out between them.
TEST(TensorFlowOperators, FramesOfASound) {
  constexpr int samples = 100, window = 12, points = 16;
  const Floats sound = wave(samples, 0.4f);
  for (const int stride : {5, 12, 17}) {
    tensorflow::GraphDef graph;
    test::GraphMaker g(*graph.mutable_node());
    g.placeholder("wav", {}, 7);
    auto& decode = g.node("d", "DecodeWav", {"wav"});
    test::set(decode, "desired_samples", std::int64_t{samples});
    test::set(decode, "desired_channels", std::int64_t{1});
    auto& frames = g.node("s", "AudioSpectrogram", {"d"});
    test::set(frames, "window_size", std::int64_t{window}), test::set(frames, "stride", std::int64_t{stride});
    test::set_flag(frames, "magnitude_squared", true);
    Floats expected;
    for (int first = 0; first + window <= samples; first += stride)
      for (int k = 0; k <= points / 2; ++k) {
        double re = 0, im = 0;
        for (int i = 0; i < window; ++i) {
          const double v = sound[static_cast<std::size_t>(first + i)] *
                           (0.5 - 0.5 * std::cos(2 * std::numbers::pi * i / window));
          re += v * std::cos(2 * std::numbers::pi * k * i / points);
          im -= v * std::sin(2 * std::numbers::pi * k * i / points);
        }
        expected.push_back(static_cast<float>(re * re + im * im));
      }
    expect_near(test::run(graph, {sound}).at(0), expected);
  }
}

// The spectrum of one frame: a Hann window, 512 points, |.|^2; then three coefficients of the cepstrum.
TEST(TensorFlowOperators, SoundToSpectrumAndCepstrum) {
  constexpr int window = 400, points = 512, bands = 6, kept = 3;
  Floats sound = wave(window, 0.05f);  // and noise, so that no band is empty
  for (std::uint32_t i = 0; i < window; ++i)
    sound[i] += static_cast<float>(i * 2654435761u >> 8) * 0x1p-24f - 0.5f;
  const auto spectrum_of = [&](bool cepstrum) {
    tensorflow::GraphDef graph;
    test::GraphMaker g(*graph.mutable_node());
    g.placeholder("wav", {}, 7);
    auto& decode = g.node("d", "DecodeWav", {"wav"});
    test::set(decode, "desired_samples", std::int64_t{window}),
        test::set(decode, "desired_channels", std::int64_t{1});
    auto& frames = g.node("s", "AudioSpectrogram", {"d"});
    test::set(frames, "window_size", std::int64_t{window}), test::set(frames, "stride", std::int64_t{window});
    test::set_flag(frames, "magnitude_squared", true);
    if (cepstrum) {
      auto& mfcc = g.node("m", "Mfcc", {"s", "d:1"});
      test::set(mfcc, "filterbank_channel_count", std::int64_t{bands});
      test::set(mfcc, "dct_coefficient_count", std::int64_t{kept});
      test::set_real(mfcc, "lower_frequency_limit", 100), test::set_real(mfcc, "upper_frequency_limit", 6000);
    }
    return test::run(graph, {sound}).at(0);
  };
  Floats expected;
  for (int k = 0; k <= points / 2; ++k) {
    double re = 0, im = 0;
    for (int i = 0; i < window; ++i) {
      const double v =
          sound[static_cast<std::size_t>(i)] * (0.5 - 0.5 * std::cos(2 * std::numbers::pi * i / window));
      re += v * std::cos(2 * std::numbers::pi * k * i / points);
      im -= v * std::sin(2 * std::numbers::pi * k * i / points);
    }
    expected.push_back(static_cast<float>(re * re + im * im));
  }
  const Floats spectrum = spectrum_of(false);
  ASSERT_EQ(spectrum.size(), expected.size());
  for (std::size_t k = 0; k < expected.size(); ++k)
    EXPECT_NEAR(spectrum[k], expected[k], 1e-3 * std::max(1.0f, expected[k]));

  const auto mel = [](double f) { return 1127 * std::log(1 + f / 700); };
  const double from = mel(100), step = (mel(6000) - from) / (bands + 1), per_bin = 8000.0 / (points / 2);
  std::vector<double> energy(bands, 0);
  for (int k = static_cast<int>(1.5 + 100 / per_bin); k <= static_cast<int>(6000 / per_bin); ++k) {
    const double place = (mel(k * per_bin) - from) / step - 1,
                 magnitude = std::sqrt(expected[static_cast<std::size_t>(k)]);
    const int below = static_cast<int>(std::floor(place));
    const double above = place - below;
    if (below >= 0 && below < bands) energy[static_cast<std::size_t>(below)] += magnitude * (1 - above);
    if (below + 1 < bands) energy[static_cast<std::size_t>(below + 1)] += magnitude * above;
  }
  Floats coefficients;
  for (int c = 0; c < kept; ++c) {
    double sum = 0;
    for (int i = 0; i < bands; ++i)
      sum +=
          std::log(energy[static_cast<std::size_t>(i)]) * std::cos(std::numbers::pi / bands * c * (i + 0.5));
    coefficients.push_back(static_cast<float>(sum * std::sqrt(2.0 / bands)));
  }
  const Floats actual = spectrum_of(true);
  ASSERT_EQ(actual.size(), coefficients.size());
  for (std::size_t i = 0; i < actual.size(); ++i) EXPECT_NEAR(actual[i], coefficients[i], 1e-3);
}

}  // namespace
}  // namespace mlqc
