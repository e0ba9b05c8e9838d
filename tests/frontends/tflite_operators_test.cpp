// Operators of TensorFlow Lite against loops written out, in files of one operator each.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "compiler/frontends/frontend.h"
#include "compiler/graph/rewrite.h"
#include "compiler/support/error.h"
#include "flatbuffers/flexbuffers.h"
#include "mlq/model.h"
#include "model_generated.h"

namespace mlqc {
namespace {

namespace wire = tflite::wire;
using Floats = std::vector<float>;
using Dims = std::vector<std::int32_t>;

constexpr std::int8_t real = 0, integer = 2, truth = 6;

// Constant when it has data.
struct Operand {
  Dims shape;
  std::int8_t type = real;
  std::vector<std::uint8_t> data = {};
};

template <class T>
std::vector<std::uint8_t> bytes_of(const std::vector<T>& values) {
  std::vector<std::uint8_t> bytes(values.size() * sizeof(T));
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

Operand ints(const Dims& shape, const std::vector<std::int32_t>& values) {
  return {shape, integer, bytes_of(values)};
}
Operand floats(const Dims& shape, const Floats& values) { return {shape, real, bytes_of(values)}; }

struct Spec {
  int code;
  std::vector<Operand> operands, results;
  std::string custom = {};
  std::vector<std::uint8_t> custom_options = {};
  wire::Options kind = wire::Options_NONE;
  std::function<flatbuffers::Offset<void>(flatbuffers::FlatBufferBuilder&)> options = {};
};

// Operands without data are the network's inputs.
std::string file_of(const Spec& spec) {
  flatbuffers::FlatBufferBuilder b;
  std::vector<flatbuffers::Offset<wire::Buffer>> buffers{wire::CreateBuffer(b)};
  std::vector<flatbuffers::Offset<wire::Tensor>> tensors;
  Dims operands, inputs, results;
  const auto add = [&](const Operand& operand) {
    const auto index = static_cast<std::int32_t>(tensors.size());
    const std::string name = "t" + std::to_string(index);
    std::uint32_t buffer = 0;
    if (!operand.data.empty()) {
      buffer = static_cast<std::uint32_t>(buffers.size());
      buffers.push_back(wire::CreateBufferDirect(b, &operand.data));
    }
    tensors.push_back(wire::CreateTensorDirect(b, &operand.shape, operand.type, buffer, name.c_str()));
    return index;
  };
  for (const Operand& operand : spec.operands) {
    operands.push_back(add(operand));
    if (operand.data.empty()) inputs.push_back(operands.back());
  }
  for (const Operand& result : spec.results) results.push_back(add(result));
  const auto options = spec.options ? spec.options(b) : flatbuffers::Offset<void>();
  const std::vector<flatbuffers::Offset<wire::Operator>> operators{
      wire::CreateOperatorDirect(b, 0, &operands, &results, spec.kind, options, &spec.custom_options)};
  const std::vector<flatbuffers::Offset<wire::SubGraph>> graphs{
      wire::CreateSubGraphDirect(b, &tensors, &inputs, &results, &operators, "main")};
  const std::vector<flatbuffers::Offset<wire::OperatorCode>> codes{
      wire::CreateOperatorCodeDirect(b, static_cast<std::int8_t>(std::min(spec.code, 127)),
                                     spec.custom.empty() ? nullptr : spec.custom.c_str(), 1, spec.code)};
  wire::FinishModelBuffer(b, wire::CreateModelDirect(b, 3, &codes, &graphs, "test", &buffers));
  return {reinterpret_cast<const char*>(b.GetBufferPointer()), b.GetSize()};
}

std::vector<Floats> run(const Spec& spec, const std::vector<Floats>& inputs) {
  const std::string bytes = file_of(spec);
  const std::span all(bytes.data(), bytes.size());
  const mlq::Graph graph = import_graph({"test.tflite", mlq::copy_data(std::as_bytes(all)), "", "tflite"});
  const auto model = mlq::Model::from_graph(prepare_for_runtime(simplify(graph)));
  if (!model) throw std::runtime_error(model.error());
  std::vector<mlq::View> views;
  for (std::size_t i = 0; i < inputs.size(); ++i)
    views.push_back({mlq::DataType::float32, graph.inputs.at(i).shape, inputs[i].data()});
  const auto outputs = model->predict(views);
  if (!outputs) throw std::runtime_error(outputs.error());
  std::vector<Floats> results;
  for (const auto& array : *outputs) results.emplace_back(array.floats().begin(), array.floats().end());
  return results;
}

Floats wave(std::size_t n) {
  Floats values(n);
  for (std::size_t i = 0; i < n; ++i) values[i] = std::sin(0.7f * static_cast<float>(i) + 0.3f);
  return values;
}

TEST(TfLiteOperators, TilesOfABatch) {
  const Floats x = wave(4 * 6);
  const Spec cut{38, {{{1, 4, 6, 1}}, ints({2}, {2, 3}), ints({2, 2}, {0, 0, 0, 0})}, {{{6, 2, 2, 1}}}};
  Floats expected;
  for (std::size_t i = 0; i < 2; ++i)
    for (std::size_t j = 0; j < 3; ++j)
      for (std::size_t y = 0; y < 2; ++y)
        for (std::size_t z = 0; z < 2; ++z) expected.push_back(x[(2 * y + i) * 6 + 3 * z + j]);
  EXPECT_EQ(run(cut, {x}).at(0), expected);
  // One row is cropped at the end.
  const Spec join{37, {{{6, 2, 2, 1}}, ints({2}, {2, 3}), ints({2, 2}, {0, 1, 0, 0})}, {{{1, 3, 6, 1}}}};
  EXPECT_EQ(run(join, {expected}).at(0), Floats(x.begin(), x.begin() + 18));
}

TEST(TfLiteOperators, Reversed) {
  const Spec spec{105, {{{2, 3}}, ints({1}, {1})}, {{{2, 3}}}};
  EXPECT_EQ(run(spec, {{1, 2, 3, 4, 5, 6}}).at(0), (Floats{3, 2, 1, 6, 5, 4}));
}

TEST(TfLiteOperators, RootMeanSquarePool) {
  Spec spec{12, {{{1, 2, 4, 1}}}, {{{1, 1, 2, 1}}}};
  spec.kind = wire::Options_Pool2D;
  spec.options = [](auto& b) { return wire::CreatePool2D(b, wire::Padding_valid, 2, 2, 2, 2).Union(); };
  const Floats y = run(spec, {{1, 2, 3, 4, 5, 6, 7, 8}}).at(0);
  EXPECT_NEAR(y[0], std::sqrt((1 + 4 + 25 + 36) / 4.0), 1e-5);
  EXPECT_NEAR(y[1], std::sqrt((9 + 16 + 49 + 64) / 4.0), 1e-5);
}

TEST(TfLiteOperators, ZerosLikeItsInput) {
  const Spec spec{93, {{{1, 3}}}, {{{1, 3}}}};
  EXPECT_EQ(run(spec, {{1, NAN, 3}}).at(0), (Floats{0, 0, 0}));
}

struct Box {
  float y, x, Y, X;
};

float overlap(const Box& a, const Box& b) {
  const float h = std::max(0.0f, std::min(a.Y, b.Y) - std::max(a.y, b.y)),
              w = std::max(0.0f, std::min(a.X, b.X) - std::max(a.x, b.x));
  const auto area = [](const Box& c) { return (c.Y - c.y) * (c.X - c.x); };
  return h * w / (area(a) + area(b) - h * w);
}

std::vector<std::uint8_t> detection_parameters(int detections, bool regular) {
  flexbuffers::Builder map;
  map.Map([&] {
    map.Int("max_detections", detections);
    map.Int("max_classes_per_detection", 1);
    map.Int("num_classes", 2);
    map.Float("nms_score_threshold", 0.2f);
    map.Float("nms_iou_threshold", 0.5f);
    map.Float("y_scale", 10), map.Float("x_scale", 10), map.Float("h_scale", 5), map.Float("w_scale", 5);
    map.Bool("use_regular_nms", regular);
  });
  map.Finish();
  return map.GetBuffer();
}

constexpr int anchors = 8, detections = 5;

Spec detection(bool regular) {
  Floats table;
  for (int i = 0; i < anchors; ++i) {
    const float at = 0.1f * static_cast<float>(i) + 0.1f;
    table.insert(table.end(), {at, at, 0.3f, 0.2f});
  }
  Spec spec{32,
            {{{1, anchors, 4}}, {{1, anchors, 3}}, floats({anchors, 4}, table)},
            {{{1, detections, 4}}, {{1, detections}}, {{1, detections}}, {{1}}}};
  spec.custom = "TFLite_Detection_PostProcess";
  spec.custom_options = detection_parameters(detections, regular);
  return spec;
}

TEST(TfLiteOperators, DetectionsAreDecodedAndSuppressed) {
  Floats encoded = wave(anchors * 4), scores(anchors * 3);
  for (std::size_t i = 0; i < scores.size(); ++i)
    scores[i] = 0.5f + 0.5f * std::sin(1.9f * static_cast<float>(i));
  const auto results = run(detection(false), {encoded, scores});

  std::vector<Box> boxes;
  std::vector<std::pair<float, int>> best;  // score, box
  for (std::size_t i = 0; i < anchors; ++i) {
    const float at = 0.1f * static_cast<float>(i) + 0.1f;
    const float y = encoded[4 * i] / 10 * 0.3f + at, x = encoded[4 * i + 1] / 10 * 0.2f + at;
    const float h = std::exp(encoded[4 * i + 2] / 5) * 0.3f / 2,
                w = std::exp(encoded[4 * i + 3] / 5) * 0.2f / 2;
    boxes.push_back({y - h, x - w, y + h, x + w});
    best.emplace_back(std::max(scores[3 * i + 1], scores[3 * i + 2]), static_cast<int>(i));
  }
  std::sort(best.rbegin(), best.rend());
  std::vector<int> chosen;
  for (const auto& [score, i] : best) {
    bool free = score > 0.2f && chosen.size() < detections;
    for (const int other : chosen)
      free &= overlap(boxes[static_cast<std::size_t>(i)], boxes[static_cast<std::size_t>(other)]) <= 0.5f;
    if (free) chosen.push_back(i);
  }
  ASSERT_GE(chosen.size(), 2u);
  EXPECT_EQ(results.at(3).at(0), static_cast<float>(chosen.size()));
  for (std::size_t d = 0; d < detections; ++d) {
    const bool there = d < chosen.size();
    const auto i = static_cast<std::size_t>(there ? chosen[d] : 0);
    EXPECT_NEAR(results[0][4 * d], there ? boxes[i].y : 0, 1e-5);
    EXPECT_NEAR(results[0][4 * d + 3], there ? boxes[i].X : 0, 1e-5);
    EXPECT_EQ(results[1][d], there && scores[3 * i + 2] > scores[3 * i + 1] ? 1 : 0);
    EXPECT_NEAR(results[2][d], there ? std::max(scores[3 * i + 1], scores[3 * i + 2]) : 0, 1e-6);
  }
}

TEST(TfLiteOperators, WhatIsNotSupportedSaysSo) {
  const auto sentence = [](const Spec& spec) {
    const std::string bytes = file_of(spec);
    try {
      import_graph(
          {"t.tflite", mlq::copy_data(std::as_bytes(std::span(bytes.data(), bytes.size()))), "", "tflite"});
    } catch (const Error& error) {
      return error.diagnostic().what;
    }
    return std::string();
  };
  EXPECT_THAT(sentence(detection(true)), testing::HasSubstr("suppresses class by class"));
  Spec other = detection(false);
  other.custom = "Somebodys";
  EXPECT_THAT(sentence(other), testing::HasSubstr("of kind Somebodys is not supported"));
  other = detection(false);
  other.custom_options.resize(3);
  EXPECT_THAT(sentence(other), testing::HasSubstr("damaged parameters"));
}

}  // namespace
}  // namespace mlqc
