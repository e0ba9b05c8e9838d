#include <fmt/format.h>
#include <gmock/gmock.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <tuple>

#include "compiler/quantize/half.h"
#include "compiler/support/parallel.h"
#include "tests/quantize/naive.h"

namespace mlqc {
namespace {

using mlq::DataType;
using mlq::Graph;
using mlq::Shape;
using mlq::Tensor;
using testing::HasSubstr;

Graph one_tensor(const Shape& shape, const std::vector<float>& values) {
  Graph graph;
  mlq::add_constant(graph, "layer/weights", shape, std::span<const float>(values));
  return graph;
}

TensorPlan entry(const std::string& algorithm, int bits, const std::string& granularity, int axis = 0) {
  return {0, "layer", "Conv", axis, {algorithm, bits, granularity, "nearest"}, ""};
}

std::vector<float> values_of(const Tensor& tensor) {
  std::vector<float> values(static_cast<std::size_t>(*mlq::element_count(tensor.shape)));
  const mlq::Status status = mlq::dequantize(tensor, values);
  EXPECT_TRUE(status.ok()) << status.error();
  return values;
}

// Every algorithm, width, granularity and axis: what the runtime decodes is what the algorithm chose.
TEST(Quantize, TheRuntimeDecodesWhatTheAlgorithmChose) {
  const std::vector<float> values = test::heavy_tailed(6 * 5 * 7, 1);
  for (const Algorithm& algorithm : algorithms())
    for (int bits = algorithm.min_bits; bits <= algorithm.max_bits; ++bits)
      for (int axis : {-1, 0, 1, 2}) {
        const Graph graph = one_tensor({6, 5, 7}, values);
        const Graph quantized =
            quantize(graph, {entry(std::string(algorithm.name), bits, axis < 0 ? "per_tensor" : "per_channel",
                                   std::max(axis, 0))});
        const Tensor& tensor = quantized.tensors[0];
        ASSERT_TRUE(tensor.quantization);
        EXPECT_EQ(tensor.quantization->blocks, mlq::blocks_along(axis));
        EXPECT_EQ(tensor.data->bytes.size(), mlq::data_size(tensor));
        const std::int64_t groups = axis < 0 ? 1 : tensor.shape[static_cast<std::size_t>(axis)];
        const Weights weights{values, groups, axis < 0 ? 210 : axis == 0 ? 35 : axis == 1 ? 7 : 1};
        const std::vector<float> expected = test::decoded(weights, algorithm.quantize(weights, bits), bits);
        const std::vector<float> ours = values_of(tensor);
        for (std::size_t i = 0; i < ours.size(); ++i)
          ASSERT_NEAR(ours[i], expected[i], 2e-7 * std::abs(expected[i]) + 1e-9)
              << algorithm.name << bits << axis;
        EXPECT_EQ(graph.tensors[0].quantization, std::nullopt);  // the source is untouched
      }
}

struct Blocked {
  Shape shape;
  int axis, input_axis;
  std::string granularity;
  int size;
  Shape blocks;
};

const Blocked blocked[] = {
    {{6, 5, 7}, 0, 1, "per_group", 3, {3}},        {{6, 5, 7}, 0, 1, "per_group", 4, {4}},
    {{6, 5, 7}, 1, 0, "per_group", 2, {0, 2}},     {{6, 5, 7}, 0, 1, "per_group", 6, {}},
    {{6, 5, 7}, 0, 1, "per_group", 1, {1}},        {{6, 5, 7}, 0, 1, "per_block", 5, {1}},
    {{6, 5, 7}, 0, 1, "per_block", 2, {1, 2}},     {{6, 5, 7}, 1, 0, "per_block", 3, {3, 1}},
    {{2, 6, 12}, 1, 2, "per_block", 5, {0, 1, 5}}, {{4, 300}, 0, 1, "per_block", 64, {1, 64}},
    {{300, 4}, 1, 0, "per_block", 64, {64, 1}},    {{4, 256}, 0, 1, "per_block", 64, {1, 64}},
    {{256, 3}, 0, 1, "per_group", 64, {64}},
};

// Which block each element is in, by its coordinates; then each block for itself.
std::vector<float> block_by_block(const std::vector<float>& values, const Blocked& b,
                                  const Algorithm& algorithm, int bits) {
  std::map<std::vector<std::int64_t>, std::vector<std::size_t>> members;
  for (std::size_t i = 0; i < values.size(); ++i) {
    std::vector<std::int64_t> at(b.shape.size());
    auto rest = static_cast<std::int64_t>(i);
    for (std::size_t d = at.size(); d-- > 0; rest /= b.shape[d]) {
      const std::int64_t block = d < b.blocks.size() && b.blocks[d] > 0 ? b.blocks[d] : b.shape[d];
      at[d] = rest % b.shape[d] / block;
    }
    members[at].push_back(i);
  }
  std::vector<float> result(values.size());
  for (const auto& [block, elements] : members) {
    std::vector<float> own;
    for (const std::size_t i : elements) own.push_back(values[i]);
    const Weights weights{own, 1, static_cast<std::int64_t>(own.size())};
    const std::vector<float> decoded = test::decoded(weights, algorithm.quantize(weights, bits), bits);
    for (std::size_t i = 0; i < own.size(); ++i) result[elements[i]] = decoded[i];
  }
  return result;
}

TEST(Quantize, GroupsAndBlocksAreQuantizedEachForItself) {
  for (const Blocked& b : blocked) {
    const std::vector<float> values =
        test::heavy_tailed(static_cast<std::size_t>(*mlq::element_count(b.shape)), 9);
    for (const Algorithm& algorithm : algorithms())
      for (const int bits : {1, 3, 8}) {
        TensorPlan plan = entry(std::string(algorithm.name), bits, b.granularity, b.axis);
        plan.input_axis = b.input_axis;
        (b.granularity == "per_group" ? plan.settings.group_size : plan.settings.block_size) = b.size;
        const Graph quantized = quantize(one_tensor(b.shape, values), {plan});
        const std::string what = fmt::format("{} {} {} of {}", algorithm.name, bits, b.granularity, b.size);
        EXPECT_EQ(quantized.tensors[0].quantization->blocks, b.blocks) << what;
        const std::vector<float> ours = values_of(quantized.tensors[0]),
                                 expected = block_by_block(values, b, algorithm, bits);
        for (std::size_t i = 0; i < ours.size(); ++i)
          ASSERT_NEAR(ours[i], expected[i], 2e-7 * std::abs(expected[i]) + 1e-9) << what << " " << i;
      }
  }
}

std::string refusal(const Graph& graph, const TensorPlan& plan) {
  try {
    quantize(graph, {plan});
  } catch (const Error& error) {
    EXPECT_EQ(error.exit(), Exit::model);
    return error.diagnostic().what;
  }
  return "accepted";
}

struct Odd {
  const char* name;
  float (*weight)(std::size_t i);
  double most;  // of the squared error at 8 bits, as a part of the sum of squares
};

const Odd odd[] = {
    {"zeros", [](std::size_t) { return 0.0f; }, 0},
    {"a constant", [](std::size_t) { return -0.37f; }, 1e-12},
    {"one weight", [](std::size_t i) { return i == 17 ? 0.5f : 0.0f; }, 1e-5},
    {"an outlier", [](std::size_t i) { return i == 40 ? 1e30f : static_cast<float>(i % 13) / 13; }, 1e-5},
    {"denormals", [](std::size_t i) { return static_cast<float>(i % 29) * 1e-42f; }, 1e-2},
    {"a dead channel", [](std::size_t i) { return i < 60 ? 0.0f : static_cast<float>(i % 31) / 31; }, 1e-4},
};

const std::tuple<const char*, int, int> all_granularities[] = {
    {"per_tensor", 0, 0}, {"per_channel", 0, 0}, {"per_group", 3, 0}, {"per_block", 0, 4}};

// With 256 levels for each group, weights become themselves but for rounding, whatever they are.
TEST(Quantize, TakesOddWeightsInGroupsOfEveryKind) {
  const Shape shape = {10, 15, 2, 2};
  for (const Odd& kind : odd)
    for (const Algorithm& algorithm : algorithms())
      for (const auto& [granularity, group, block] : all_granularities) {
        std::vector<float> values(600);
        for (std::size_t i = 0; i < values.size(); ++i) values[i] = kind.weight(i);
        TensorPlan plan = entry(std::string(algorithm.name), 8, granularity);
        plan.settings.group_size = group;
        plan.settings.block_size = block;
        const std::vector<float> made = values_of(quantize(one_tensor(shape, values), {plan}).tensors[0]);
        const std::vector<float> nothing(values.size());
        EXPECT_LE(test::squared_error(values, made), kind.most * test::squared_error(values, nothing) + 1e-14)
            << kind.name << " " << algorithm.name << " " << granularity;
        for (const float value : made) ASSERT_TRUE(std::isfinite(value)) << kind.name;
        values[333] = std::nanf("");
        EXPECT_EQ(refusal(one_tensor(shape, values), plan), "weight 333 of 'layer/weights' is NaN");
      }
}

TEST(Quantize, SixteenBitsAreHalves) {
  const std::vector<float> values = {1, -0.1f, 65504, 1e-9f};
  const Graph quantized = quantize(one_tensor({2, 2}, values), {entry("linear", 16, "")});
  EXPECT_EQ(quantized.tensors[0].type, DataType::float16);
  EXPECT_EQ(quantized.tensors[0].data->bytes.size(), 8u);
  EXPECT_THAT(values_of(quantized.tensors[0]), testing::ElementsAre(1, 0x1.998p-4f * -1, 65504, 0));
}

TEST(Quantize, KeptTensorsShareTheirBytes) {
  const Graph graph = one_tensor({2, 2}, {1, 2, 3, 4});
  const Graph same = quantize(graph, {{0, "layer", "Conv", 0, {}, "it is a vector"}});
  EXPECT_EQ(same.tensors[0].data->bytes.data(), graph.tensors[0].data->bytes.data());
}

TEST(Quantize, NamesWeightsThatAreNoNumbers) {
  std::vector<float> values(1000, 0.5f);
  values[777] = std::numeric_limits<float>::quiet_NaN();
  for (const Algorithm& algorithm : algorithms())
    EXPECT_EQ(refusal(one_tensor({10, 100}, values), entry(std::string(algorithm.name), 4, "per_tensor")),
              "weight 777 of 'layer/weights' is NaN");
  values[3] = -std::numeric_limits<float>::infinity();
  EXPECT_EQ(refusal(one_tensor({10, 100}, values), entry("", 16, "")),
            "weight 3 of 'layer/weights' is infinite");
}

TEST(Quantize, NamesWeightsThatDoNotFitIntoHalves) {
  EXPECT_THAT(refusal(one_tensor({1, 3}, {1, 2, 70000}), entry("", 16, "")),
              HasSubstr("weight 2 of 'layer/weights' is 70000"));
}

TEST(Quantize, RefusesGridsThatFloatsCannotHold) {
  EXPECT_THAT(refusal(one_tensor({1, 2}, {-3e38f, 3e38f}), entry("linear", 1, "per_tensor")),
              HasSubstr("its scale would be infinite"));
  EXPECT_EQ(refusal(one_tensor({1, 2}, {-3e38f, 3e38f}), entry("linear", 8, "per_tensor")), "accepted");
}

TEST(Quantize, ReadsHalvesAndQuantizedSources) {
  const std::vector<float> values = {0, 0.25f, 0.5f, 1, 0.25f, 0, 1, 0.5f};
  std::int64_t overflow = 0;
  const std::vector<std::uint16_t> halves = to_halves(values, overflow);
  Graph graph;
  mlq::add_tensor(
      graph, {"w", DataType::float16, {2, 4}, mlq::copy_data(std::span<const std::uint16_t>(halves)), {}});
  const Graph table = quantize(graph, {entry("kmeans_lut", 2, "per_tensor")});
  EXPECT_EQ(values_of(table.tensors[0]), values);
  // From the 2-bit table to a 1-bit one.
  const Graph again = quantize(table, {entry("kmeans_lut", 1, "per_tensor")});
  EXPECT_EQ(again.tensors[0].quantization->bits, 1);
  EXPECT_THAT(values_of(again.tensors[0]), testing::ElementsAre(.25f, .25f, .25f, 1, .25f, .25f, 1, .25f));
}

// A mapped file does not align its floats.
TEST(Quantize, ReadsUnalignedFloats) {
  const std::vector<float> values = {1, 2, 3, 4};
  std::vector<std::byte> bytes(1 + sizeof(float) * values.size());
  std::memcpy(bytes.data() + 1, values.data(), sizeof(float) * values.size());
  Graph graph;
  mlq::add_tensor(graph, {"w", DataType::float32, {2, 2}, mlq::Data{std::span(bytes).subspan(1), {}}, {}});
  EXPECT_EQ(values_of(quantize(graph, {entry("kmeans_lut", 2, "per_tensor")}).tensors[0]), values);
}

TEST(Quantize, GivesTheSameBytesForAnyNumberOfThreads) {
  Graph graph;
  QuantizationPlan plan;
  for (int i = 0; i < 12; ++i) {
    const std::vector<float> values = test::heavy_tailed(static_cast<std::size_t>(i % 4 == 0 ? 140000 : 2000),
                                                         static_cast<std::uint64_t>(i));
    const auto id = mlq::add_constant(graph, "w", {20, static_cast<std::int64_t>(values.size() / 20)},
                                      std::span<const float>(values));
    TensorPlan one = entry(std::string(algorithms()[static_cast<std::size_t>(i) % algorithms().size()].name),
                           1 + i % 8, i % 3 ? "per_tensor" : "per_channel");
    one.tensor = id;
    plan.push_back(one);
  }
  std::vector<Graph> results;
  for (int threads : {1, 2}) {
    set_threads(threads);
    results.push_back(quantize(graph, plan));
  }
  set_threads(0);
  for (const Graph& other : results)
    for (std::size_t t = 0; t < graph.tensors.size(); ++t) {
      const Tensor &a = results[0].tensors[t], &b = other.tensors[t];
      EXPECT_TRUE(
          std::equal(a.data->bytes.begin(), a.data->bytes.end(), b.data->bytes.begin(), b.data->bytes.end()));
      EXPECT_EQ(a.quantization->table, b.quantization->table);
      EXPECT_EQ(a.quantization->scale, b.quantization->scale);
      EXPECT_EQ(a.quantization->offset, b.quantization->offset);
    }
}

// Failures do not depend on which thread came first: the first tensor of the plan is named.
TEST(Quantize, NamesTheFirstBadTensor) {
  Graph graph;
  QuantizationPlan plan;
  for (const char* name : {"good", "bad", "worse"}) {
    const float bad = std::string(name) == "good" ? 1.0f : std::nanf("");
    const std::vector<float> values = {1, bad};
    TensorPlan one = entry("linear", 8, "per_tensor");
    one.tensor = mlq::add_constant(graph, name, {1, 2}, std::span<const float>(values));
    plan.push_back(one);
  }
  for (int i = 0; i < 20; ++i) {
    try {
      quantize(graph, plan);
      FAIL();
    } catch (const Error& error) {
      EXPECT_EQ(error.diagnostic().what, "weight 1 of 'bad' is NaN");
    }
  }
}

TEST(SnrDb, IsTheRatioOfPowers) {
  EXPECT_DOUBLE_EQ(weights_snr_db(std::vector<float>{3, 4}, std::vector<float>{3, 3.5f}), 20);
  EXPECT_EQ(weights_snr_db(std::vector<float>{1}, std::vector<float>{1}),
            std::numeric_limits<double>::infinity());
}

}  // namespace
}  // namespace mlqc
