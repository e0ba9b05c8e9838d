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

constexpr std::int8_t real = 0, integer = 2;

enum class Role { plain, absent, state };

// Constant when it has data.
struct Operand {
  Dims shape;
  std::int8_t type = real;
  std::vector<std::uint8_t> data = {};
  Role role = Role::plain;
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
    tensors.push_back(wire::CreateTensorDirect(b, &operand.shape, operand.type, buffer, name.c_str(), 0,
                                               operand.role == Role::state));
    return index;
  };
  for (const Operand& operand : spec.operands) {
    operands.push_back(operand.role == Role::absent ? -1 : add(operand));
    if (operand.data.empty() && operand.role == Role::plain) inputs.push_back(operands.back());
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

std::vector<mlq::Array> run_arrays(const Spec& spec, const std::vector<Floats>& inputs) {
  const std::string bytes = file_of(spec);
  const std::span all(bytes.data(), bytes.size());
  const mlq::Graph graph = import_graph({"test.tflite", mlq::copy_data(std::as_bytes(all)), "", "tflite"});
  const auto model = mlq::Model::from_graph(prepare_for_runtime(simplify(graph)));
  if (!model) throw std::runtime_error(model.error());
  std::vector<mlq::View> views;
  for (std::size_t i = 0; i < inputs.size(); ++i)
    views.push_back({mlq::DataType::float32, graph.inputs.at(i).shape, inputs[i].data()});
  auto outputs = model->predict(views);
  if (!outputs) throw std::runtime_error(outputs.error());
  return std::move(*outputs);
}

std::vector<Floats> run(const Spec& spec, const std::vector<Floats>& inputs) {
  std::vector<Floats> results;
  for (const auto& array : run_arrays(spec, inputs))
    results.emplace_back(array.floats().begin(), array.floats().end());
  return results;
}

// The same where results may be whole numbers.
std::vector<Floats> run_numbers(const Spec& spec, const std::vector<Floats>& inputs) {
  std::vector<Floats> results;
  for (const auto& array : run_arrays(spec, inputs)) {
    Floats& values = results.emplace_back();
    if (array.type == mlq::DataType::float32) values.assign(array.floats().begin(), array.floats().end());
    for (std::size_t at = 0; array.type == mlq::DataType::int64 && at < array.bytes.size(); at += 8) {
      std::int64_t whole = 0;
      std::memcpy(&whole, array.bytes.data() + at, 8);
      values.push_back(static_cast<float>(whole));
    }
  }
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

constexpr int steps = 4, from = 3, units = 2;
constexpr Operand absent{{}, real, {}, Role::absent};

float sigmoid(float x) { return 1 / (1 + std::exp(-x)); }

Floats floats_at(const Spec& spec, std::size_t operand) {
  Floats values(spec.operands.at(operand).data.size() / 4);
  std::memcpy(values.data(), spec.operands[operand].data.data(), values.size() * 4);
  return values;
}

// Gate number `gate` of four before its function, for one unit; the layer's operands begin behind `before`.
float gate_sum(const Spec& spec, std::size_t gate, std::size_t unit, const float* x, const Floats& h,
               std::size_t before = 0) {
  const Floats w = floats_at(spec, before + 1 + gate), r = floats_at(spec, before + 5 + gate),
               bias = floats_at(spec, before + 12 + gate);
  float sum = bias[unit];
  for (std::size_t i = 0; i < from; ++i) sum += w[unit * from + i] * x[i];
  for (std::size_t i = 0; i < units; ++i) sum += r[unit * units + i] * h[i];
  return sum;
}

// One step: h and c become those after x.
void lstm_step(const Spec& spec, std::size_t before, const float* x, Floats& h, Floats& c) {
  Floats next = h;
  for (std::size_t u = 0; u < units; ++u) {
    const auto sum = [&](std::size_t gate) { return gate_sum(spec, gate, u, x, h, before); };
    c[u] = sigmoid(sum(1)) * c[u] + sigmoid(sum(0)) * std::tanh(sum(2));
    next[u] = sigmoid(sum(3)) * std::tanh(c[u]);
  }
  h = next;
}

// Weights, biases and what is not given, of one direction.
void add_lstm(Spec& spec, std::size_t seed) {
  const auto some = [seed](std::size_t n, std::size_t gate) {
    Floats values = wave(n + 7 * (seed + gate));
    return Floats(values.end() - static_cast<std::ptrdiff_t>(n), values.end());
  };
  for (std::size_t gate = 0; gate < 4; ++gate)
    spec.operands.push_back(floats({units, from}, some(units * from, gate)));
  for (std::size_t gate = 0; gate < 4; ++gate)
    spec.operands.push_back(floats({units, units}, some(units * units, 5 + gate)));
  spec.operands.insert(spec.operands.end(), 3, absent);
  for (std::size_t gate = 0; gate < 4; ++gate)
    spec.operands.push_back(floats({units}, some(units, 9 + gate)));
  spec.operands.insert(spec.operands.end(), 2, absent);
}

Spec lstm(bool time_major) {
  Spec spec{44, {{time_major ? Dims{steps, 1, from} : Dims{1, steps, from}}}, {}};
  spec.results = {{time_major ? Dims{steps, 1, units} : Dims{1, steps, units}}};
  add_lstm(spec, 0);
  spec.operands.insert(spec.operands.end(), 2, {{1, units}, real, {}, Role::state});
  spec.kind = wire::Options_SequenceLstm;
  spec.options = [time_major](flatbuffers::FlatBufferBuilder& b) {
    return wire::CreateSequenceLstm(b, wire::Activation_tanh, 0, 0, time_major).Union();
  };
  return spec;
}

TEST(TfLiteOperators, ASequenceThroughAnLstm) {
  const Floats x = wave(steps * from);
  for (const bool time_major : {false, true}) {
    const Spec spec = lstm(time_major);
    const Floats y = run(spec, {x}).at(0);
    Floats h(units, 0), c(units, 0);
    for (std::size_t t = 0; t < steps; ++t) {
      lstm_step(spec, 0, &x[t * from], h, c);
      for (std::size_t u = 0; u < units; ++u) EXPECT_NEAR(y.at(t * units + u), h[u], 1e-6) << t;
    }
  }
}

void expect_near(const Floats& actual, const Floats& expected) {
  ASSERT_EQ(actual.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(actual[i], expected[i], 1e-5) << "at " << i;
}

// The direction that begins at the end has weights of its own; results are one sequence or two.
TEST(TfLiteOperators, ASequenceThroughAnLstmOfBothDirections) {
  const Floats x = wave(steps * from);
  for (const bool merged : {false, true}) {
    Spec spec{52, {{{1, steps, from}}}, {{{1, steps, merged ? 2 * units : units}}}};
    if (!merged) spec.results.push_back({{1, steps, units}});
    add_lstm(spec, 0), add_lstm(spec, 3);
    spec.operands.insert(spec.operands.end(), 4, {{1, units}, real, {}, Role::state});
    spec.operands.insert(spec.operands.end(), 9, absent);
    spec.kind = wire::Options_BothWaysLstm;
    spec.options = [merged](flatbuffers::FlatBufferBuilder& b) {
      return wire::CreateBothWaysLstm(b, wire::Activation_tanh, 0, 0, merged, false).Union();
    };
    Floats forth(steps * units), back = forth;
    for (const bool reverse : {false, true}) {
      Floats h(units, 0), c(units, 0);
      for (std::size_t k = 0; k < steps; ++k) {
        const std::size_t t = reverse ? steps - 1 - k : k;
        lstm_step(spec, reverse ? 17 : 0, &x[t * from], h, c);
        std::copy(h.begin(), h.end(),
                  (reverse ? back : forth).begin() + static_cast<std::ptrdiff_t>(t * units));
      }
    }
    const std::vector<Floats> results = run(spec, {x});
    if (!merged) {
      expect_near(results.at(0), forth), expect_near(results.at(1), back);
      continue;
    }
    Floats both;
    for (std::size_t t = 0; t < steps; ++t)
      for (const Floats* one : {&forth, &back})
        both.insert(both.end(), &(*one)[t * units], &(*one)[t * units] + units);
    expect_near(results.at(0), both);
  }
}

// h = max(W x + R h + bias, 0); the operands are `first` and the next two.
void rnn_step(const Spec& spec, std::size_t first, const float* x, Floats& h) {
  const Floats w = floats_at(spec, first), r = floats_at(spec, first + 1);
  Floats next = floats_at(spec, first + 2);
  for (std::size_t u = 0; u < units; ++u) {
    for (std::size_t i = 0; i < from; ++i) next[u] += w[u * from + i] * x[i];
    for (std::size_t i = 0; i < units; ++i) next[u] += r[u * units + i] * h[i];
    next[u] = std::max(next[u], 0.0f);
  }
  h = next;
}

void add_rnn(Spec& spec, float scale) {
  Floats w = wave(units * from), r = wave(units * units);
  for (float& value : w) value *= scale;
  spec.operands.push_back(floats({units, from}, w));
  spec.operands.push_back(floats({units, units}, r));
  spec.operands.push_back(floats({units}, {0.1f, -0.2f * scale}));
  spec.operands.push_back({{1, units}, real, {}, Role::state});
}

TEST(TfLiteOperators, ASequenceThroughARecurrentLayerOfBothDirections) {
  const Floats x = wave(steps * from);
  Spec spec{46, {{{steps, 1, from}}}, {{{steps, 1, 2 * units}}}};
  add_rnn(spec, 1), add_rnn(spec, -0.7f);
  spec.operands.insert(spec.operands.end(), 3, absent);
  spec.kind = wire::Options_BothWaysRnn;
  spec.options = [](flatbuffers::FlatBufferBuilder& b) {
    return wire::CreateBothWaysRnn(b, true, wire::Activation_relu, true).Union();
  };
  Floats expected(steps * 2 * units), h(units, 0), g(units, 0);
  for (std::size_t t = 0; t < steps; ++t) {
    rnn_step(spec, 1, &x[t * from], h);
    rnn_step(spec, 5, &x[(steps - 1 - t) * from], g);
    for (std::size_t u = 0; u < units; ++u) {
      expected[t * 2 * units + u] = h[u];
      expected[((steps - 1 - t) * 2 + 1) * units + u] = g[u];
    }
  }
  expect_near(run(spec, {x}).at(0), expected);
}

// What a layer keeps is an input and an output: two predictions, the second with what the first gave back.
TEST(TfLiteOperators, WhatALayerKeepsGoesInAndComesOut) {
  const Floats x = wave(2 * from);
  Spec rnn{24, {{{1, from}}}, {{{1, units}}}};
  add_rnn(rnn, 1);
  rnn.kind = wire::Options_Rnn;
  rnn.options = [](flatbuffers::FlatBufferBuilder& b) {
    return wire::CreateRnn(b, wire::Activation_relu).Union();
  };
  Spec lstm{16, {{{1, from}}}, {{{1, units}}}};
  add_lstm(lstm, 2);
  lstm.operands.insert(lstm.operands.end(), 2, {{1, units}, real, {}, Role::state});
  lstm.operands.insert(lstm.operands.end(), 4, absent);
  lstm.kind = wire::Options_Lstm;
  lstm.options = [](flatbuffers::FlatBufferBuilder& b) {
    return wire::CreateLstm(b, wire::Activation_tanh).Union();
  };
  Floats h(units, 0), g = h, c = h, rnn_state = h;
  std::vector<Floats> lstm_states{h, h};
  for (std::size_t t = 0; t < 2; ++t) {
    const Floats now(&x[t * from], &x[t * from] + from);
    rnn_step(rnn, 1, now.data(), h);
    const auto from_rnn = run(rnn, {now, rnn_state});
    expect_near(from_rnn.at(0), h), expect_near(from_rnn.at(1), h);
    rnn_state = from_rnn.at(1);
    lstm_step(lstm, 0, now.data(), g, c);
    const auto from_lstm = run(lstm, {now, lstm_states[0], lstm_states[1]});
    expect_near(from_lstm.at(0), g), expect_near(from_lstm.at(1), g), expect_near(from_lstm.at(2), c);
    lstm_states = {from_lstm.at(1), from_lstm.at(2)};
  }
}

TEST(TfLiteOperators, FiltersWithAMemory) {
  constexpr std::size_t filters = 4, memory = 3, rank = 2;
  const Floats feature = wave(filters * from), time = wave(filters * memory), bias{0.5f, -0.1f},
               x = wave(5 * from);
  Spec spec{27,
            {{{1, from}},
             floats({filters, from}, feature),
             floats({filters, memory}, time),
             floats({units}, bias),
             {{1, filters * memory}, real, {}, Role::state}},
            {{{1, units}}}};
  spec.kind = wire::Options_Svdf;
  spec.options = [](flatbuffers::FlatBufferBuilder& b) {
    return wire::CreateSvdf(b, rank, wire::Activation_relu).Union();
  };
  Floats state(filters * memory, 0), handed = state;
  for (std::size_t t = 0; t < 5; ++t) {
    Floats y = bias;
    for (std::size_t f = 0; f < filters; ++f) {
      float* line = &state[f * memory];
      std::rotate(line, line + 1, line + memory);
      line[memory - 1] = 0;
      for (std::size_t i = 0; i < from; ++i) line[memory - 1] += feature[f * from + i] * x[t * from + i];
      for (std::size_t m = 0; m < memory; ++m) y[f / rank] += line[m] * time[f * memory + m];
    }
    for (float& value : y) value = std::max(value, 0.0f);
    const auto results = run(spec, {Floats(&x[t * from], &x[t * from] + from), handed});
    expect_near(results.at(0), y), expect_near(results.at(1), state);
    handed = results.at(1);
  }
}

TEST(TfLiteOperators, AVolume) {
  const Floats x = wave(3 * 2 * 2 * 2), w = wave(2 * 1 * 2 * 2 * 3);
  Spec spec{
      132, {{{1, 3, 2, 2, 2}}, floats({2, 1, 2, 2, 3}, w), floats({3}, {1, 2, 3})}, {{{1, 2, 2, 1, 3}}}};
  spec.kind = wire::Options_Conv3D;
  spec.options = [](flatbuffers::FlatBufferBuilder& b) {
    return wire::CreateConv3D(b, wire::Padding_valid, 1, 1, 1, wire::Activation_none).Union();
  };
  Floats expected;
  for (std::size_t d = 0; d < 2; ++d)
    for (std::size_t y = 0; y < 2; ++y)
      for (std::size_t o = 0; o < 3; ++o) {
        float sum = static_cast<float>(o + 1);
        for (std::size_t i = 0; i < 2; ++i)
          for (std::size_t k = 0; k < 2; ++k)
            for (std::size_t c = 0; c < 2; ++c)
              sum += x[(((d + i) * 2 + y) * 2 + k) * 2 + c] * w[((i * 2 + k) * 2 + c) * 3 + o];
        expected.push_back(sum);
      }
  expect_near(run(spec, {x}).at(0), expected);
}

TEST(TfLiteOperators, RowsOfATableAndSumsAtPlaces) {
  const Floats table = wave(8), updates = wave(6);
  const Spec rows{7, {ints({3}, {2, 0, 3}), {{4, 2}}}, {{{3, 2}}}};
  EXPECT_EQ(run(rows, {table}).at(0), (Floats{table[4], table[5], table[0], table[1], table[6], table[7]}));
  const Spec sums{122, {ints({3, 1}, {1, 3, 1}), {{3, 2}}, ints({2}, {4, 2})}, {{{4, 2}}}};
  expect_near(run(sums, {updates}).at(0),
              {0, 0, updates[0] + updates[4], updates[1] + updates[5], 0, 0, updates[2], updates[3]});
}

TEST(TfLiteOperators, ASequenceThroughARecurrentLayer) {
  const Floats x = wave(steps * from), w = wave(units * from), r = wave(units * units), bias{0.1f, -0.2f};
  Spec spec{35,
            {{{1, steps, from}},
             floats({units, from}, w),
             floats({units, units}, r),
             floats({units}, bias),
             {{1, units}, real, {}, Role::state}},
            {{{1, steps, units}}}};
  spec.kind = wire::Options_SequenceRnn;
  spec.options = [](flatbuffers::FlatBufferBuilder& b) {
    return wire::CreateSequenceRnn(b, false, wire::Activation_relu).Union();
  };
  const Floats y = run(spec, {x}).at(0);
  Floats h(units, 0);
  for (std::size_t t = 0; t < steps; ++t) {
    Floats next = bias;
    for (std::size_t u = 0; u < units; ++u) {
      for (std::size_t i = 0; i < from; ++i) next[u] += w[u * from + i] * x[t * from + i];
      for (std::size_t i = 0; i < units; ++i) next[u] += r[u * units + i] * h[i];
      next[u] = std::max(next[u], 0.0f);
      EXPECT_NEAR(y.at(t * units + u), next[u], 1e-6) << t;
    }
    h = next;
  }
}

// Three boxes in two places: the worse of two that overlap goes.
TEST(TfLiteOperators, OverlappingBoxesAreSuppressed) {
  const Floats boxes{0, 0, 1, 1, 0, 0.1f, 1, 1.1f, 5, 5, 6, 6, 8, 8, 9, 9}, scores{0.6f, 0.9f, 0.7f, 0.1f};
  Spec spec{120,
            {{{4, 4}}, {{4}}, ints({}, {3}), floats({}, {0.5f}), floats({}, {0.3f})},
            {{{3}, integer}, {{}, integer}}};
  const auto results = run_numbers(spec, {boxes, scores});
  EXPECT_THAT(results.at(0), testing::ElementsAre(1, 2, 0));
  EXPECT_THAT(results.at(1), testing::ElementsAre(2));
  spec.code = 121;
  spec.operands.push_back(floats({}, {0}));
  spec.results = {{{3}, integer}, {{3}}, {{}, integer}};
  const auto scored = run_numbers(spec, {boxes, scores});
  EXPECT_THAT(scored.at(0), testing::ElementsAre(1, 2, 0));
  EXPECT_THAT(scored.at(1), testing::ElementsAre(testing::FloatEq(0.9f), testing::FloatEq(0.7f), 0));
  EXPECT_THAT(scored.at(2), testing::ElementsAre(2));
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
  Spec coupled = lstm(false);
  coupled.operands[1] = coupled.operands[5] = absent;
  EXPECT_THAT(sentence(coupled), testing::HasSubstr("couples its input and forget gates"));
}

}  // namespace
}  // namespace mlqc
