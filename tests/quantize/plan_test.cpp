#include <fmt/format.h>
#include <gmock/gmock.h>

#include "compiler/quantize/quantize.h"

namespace mlqc {
namespace {

using mlq::Graph;
using mlq::Shape;
using mlq::TensorId;
using testing::HasSubstr;

TensorId constant(Graph& graph, const std::string& name, const Shape& shape) {
  const std::vector<float> values(static_cast<std::size_t>(*mlq::element_count(shape)), 0.5f);
  return mlq::add_constant(graph, name, shape, std::span<const float>(values));
}

void conv(Graph& graph, const std::string& name, std::int64_t channels) {
  const TensorId x = mlq::add_tensor(graph, {"x", mlq::DataType::float32, {1, 16, 8, 8}, {}, {}});
  const TensorId w = constant(graph, name + "/weights", {channels, 16, 3, 3}),
                 b = constant(graph, name + "/bias", {channels});
  const TensorId y = mlq::add_tensor(graph, {"y", mlq::DataType::float32, {1, channels, 8, 8}, {}, {}});
  graph.nodes.push_back({"Conv", name, {x, w, b}, {y}, {}});
}

Graph three_layers() {
  Graph graph;
  conv(graph, "conv1", 64);
  conv(graph, "conv2", 64);
  conv(graph, "tiny", 1);
  return graph;
}

Manifest manifest(const std::string& rest) {
  return parse_manifest("m.mlq.yaml", "schema: 1\nmodel: { file: m.mlmodel }\n" + rest);
}

const TensorPlan& of(const QuantizationPlan& plan, const Graph& graph, const std::string& tensor) {
  for (const TensorPlan& entry : plan)
    if (graph.tensors[static_cast<std::size_t>(entry.tensor)].name == tensor) return entry;
  throw std::runtime_error("no plan for " + tensor);
}

Diagnostic refusal(const std::string& rest) {
  try {
    plan(three_layers(), manifest(rest));
  } catch (const Error& error) {
    EXPECT_EQ(error.exit(), Exit::usage);
    return error.diagnostic();
  }
  ADD_FAILURE() << "accepted: " << rest;
  return {};
}

TEST(Plan, QuantizesWeightsAndKeepsVectors) {
  const Graph graph = three_layers();
  const QuantizationPlan p = plan(graph, manifest("quantize: { algorithm: linear, bits: 8 }\n"));
  ASSERT_EQ(p.size(), 6u);
  const TensorPlan& weights = of(p, graph, "conv1/weights");
  EXPECT_EQ(weights.settings.algorithm, "linear");
  EXPECT_EQ(weights.settings.bits, 8);
  EXPECT_EQ(weights.settings.granularity, "per_channel");
  EXPECT_EQ(weights.layer, "conv1");
  EXPECT_EQ(weights.op, "Conv");
  EXPECT_EQ(weights.kept_because, "");
  const TensorPlan& bias = of(p, graph, "conv1/bias");
  EXPECT_EQ(bias.settings.algorithm, "none");
  EXPECT_EQ(bias.settings.bits, 32);
  EXPECT_EQ(bias.kept_because, "it is a vector");
}

// Compensation leaves the values of a table as halves, but an even table is stored as the floats it is.
TEST(Plan, CountsHalvesWhereLevelsBecomeHalves) {
  const Graph graph = three_layers();
  const auto why = [&](const char* algorithm) {
    const std::string text = fmt::format(
        "quantize: {{ algorithm: {}, bits: 8, rounding: compensated }}\ncalibrate: {{ random: 4 }}\n",
        algorithm);
    return of(plan(graph, manifest(text)), graph, "tiny/weights").kept_because;
  };
  EXPECT_EQ(why("kmeans_lut"), "it would not shrink: 576 bytes now, 656 then");
  EXPECT_EQ(why("linear_lut"), "it would not shrink: 576 bytes now, 1168 then");
}

// 144 weights of float32 are 576 bytes; at 8 bits they are 144, but their table is 1024.
TEST(Plan, KeepsWhatATableWouldMakeLarger) {
  const Graph graph = three_layers();
  const QuantizationPlan p = plan(graph, manifest("quantize: { algorithm: kmeans_lut, bits: 8 }\n"));
  EXPECT_EQ(of(p, graph, "tiny/weights").kept_because, "it would not shrink: 576 bytes now, 1168 then");
  EXPECT_EQ(of(p, graph, "conv1/weights").kept_because, "");
  EXPECT_EQ(of(p, graph, "conv1/weights").settings.granularity, "per_tensor");
  const QuantizationPlan four = plan(graph, manifest("quantize: { algorithm: kmeans_lut, bits: 4 }\n"));
  EXPECT_EQ(of(four, graph, "tiny/weights").kept_because, "");
}

TEST(Plan, TheFirstRuleThatMatchesWins) {
  const Graph graph = three_layers();
  const QuantizationPlan p = plan(graph, manifest(R"(
quantize:
  algorithm: kmeans_lut
  bits: 4
  layers:
    - { match: "conv1*", bits: 6 }
    - { match: "conv?", algorithm: linear, granularity: per_tensor }
    - { match: "[t]iny", algorithm: none }
)"));
  EXPECT_EQ(of(p, graph, "conv1/weights").settings.bits, 6);
  EXPECT_EQ(of(p, graph, "conv1/weights").settings.algorithm, "kmeans_lut");
  EXPECT_EQ(of(p, graph, "conv2/weights").settings.bits, 4);
  EXPECT_EQ(of(p, graph, "conv2/weights").settings.algorithm, "linear");
  EXPECT_EQ(of(p, graph, "conv2/weights").settings.granularity, "per_tensor");
  EXPECT_EQ(of(p, graph, "tiny/weights").kept_because, "the manifest keeps it");
}

TEST(Plan, AnotherAlgorithmBringsItsOwnGranularity) {
  const Graph graph = three_layers();
  const QuantizationPlan p = plan(
      graph,
      manifest(
          "quantize: { algorithm: kmeans_lut, bits: 4, layers: [ { match: conv1, algorithm: linear } ] }\n"));
  EXPECT_EQ(of(p, graph, "conv1/weights").settings.granularity, "per_channel");
  EXPECT_EQ(of(p, graph, "conv2/weights").settings.granularity, "per_tensor");
}

// A layer's weights and bias must be of one float type.
TEST(Plan, HalfFloatsTakeTheBiasAlong) {
  const Graph graph = three_layers();
  const QuantizationPlan p = plan(
      graph, manifest("quantize: { algorithm: linear, bits: 8, layers: [ { match: conv1, bits: 16 } ] }\n"));
  EXPECT_EQ(of(p, graph, "conv1/weights").settings.bits, 16);
  EXPECT_EQ(of(p, graph, "conv1/bias").settings.bits, 16);
  EXPECT_EQ(of(p, graph, "conv2/bias").settings.bits, 32);
}

TEST(Plan, WithoutAlgorithmKeepsAll) {
  for (const TensorPlan& entry : plan(three_layers(), manifest(""))) {
    EXPECT_EQ(entry.settings.bits, 32);
    EXPECT_EQ(entry.kept_because, "the manifest keeps it");
  }
}

TEST(Plan, HalfFloatsNeedNoAlgorithm) {
  const Graph graph = three_layers();
  EXPECT_EQ(of(plan(graph, manifest("quantize: { bits: 16 }\n")), graph, "conv1/weights").settings.bits, 16);
}

TEST(Plan, KeepsHalfFloatsThatAreHalfFloats) {
  Graph graph = three_layers();
  mlq::Tensor& weights = graph.tensors[1];
  weights.type = mlq::DataType::float16;
  weights.data = mlq::copy_data(std::span<const std::uint16_t>(std::vector<std::uint16_t>(64 * 144)));
  EXPECT_EQ(of(plan(graph, manifest("quantize: { bits: 16 }\n")), graph, "conv1/weights").kept_because,
            "it holds half floats already");
}

TEST(Plan, APatternForNoLayerIsAnErrorThatKnowsTheNearest) {
  const Diagnostic d =
      refusal("quantize:\n  algorithm: linear\n  bits: 8\n  layers:\n    - { match: cnov1, bits: 4 }\n");
  EXPECT_EQ(d.where.line, 7);
  EXPECT_THAT(d.what, HasSubstr("'cnov1' matches no layer"));
  EXPECT_EQ(d.hint, "did you mean 'conv1'?");
}

TEST(Plan, FormatsThatCannotHoldTheResultAreAnErrorThatNamesThoseThatCan) {
  const Diagnostic d = refusal(
      "quantize:\n  algorithm: kmeans_lut\n  bits: 4\n  granularity: per_channel\nemit: [mlq, coreml]\n");
  EXPECT_EQ(d.where.line, 6);
  EXPECT_THAT(d.what, HasSubstr("'coreml' cannot hold one table for each channel"));
  EXPECT_THAT(d.hint, HasSubstr("mlq"));
  const Diagnostic in_rule = refusal(
      "quantize:\n  algorithm: kmeans_lut\n  bits: 4\n  layers:\n    - match: conv1\n      granularity: "
      "per_channel\n"
      "emit: [mlq, coreml]\n");
  EXPECT_EQ(in_rule.where.line, 8);
}

TEST(Plan, TablesPerChannelGoIntoTheArtifact) {
  const Graph graph = three_layers();
  const QuantizationPlan p =
      plan(graph,
           manifest("quantize: { algorithm: kmeans_lut, bits: 2, granularity: per_channel }\nemit: [mlq]\n"));
  EXPECT_EQ(of(p, graph, "conv1/weights").settings.granularity, "per_channel");
}

TEST(Plan, GroupsAndBlocksHaveSizesForAllOrForSome) {
  const Graph graph = three_layers();
  const QuantizationPlan p = plan(
      graph, manifest("quantize:\n  algorithm: kmeans_lut\n  bits: 4\n  granularity: per_group\n"
                      "  group_size: 16\n  layers:\n    - { match: conv2, group_size: 8 }\n"
                      "    - { match: conv1, granularity: per_block, block_size: 5, algorithm: linear }\n"));
  EXPECT_EQ(of(p, graph, "conv2/weights").settings.granularity, "per_group");
  EXPECT_EQ(of(p, graph, "conv2/weights").settings.group_size, 8);
  EXPECT_EQ(of(p, graph, "conv1/weights").settings.granularity, "per_block");
  EXPECT_EQ(of(p, graph, "conv1/weights").settings.block_size, 5);
  EXPECT_EQ(of(p, graph, "conv1/weights").settings.group_size, 0);
  EXPECT_EQ(of(p, graph, "conv1/weights").input_axis, 1);
  const Graph made = quantize(graph, p);
  const auto blocks = [&](const char* name) {
    return made.tensors[static_cast<std::size_t>(of(p, graph, name).tensor)].quantization->blocks;
  };
  EXPECT_EQ(blocks("conv1/weights"), (Shape{1, 5}));
  EXPECT_EQ(blocks("conv2/weights"), Shape{8});
  EXPECT_EQ(blocks("tiny/weights"), Shape{});  // fewer channels than a group has
}

TEST(Plan, SizesGoWithTheirGranularity) {
  const std::string head = "quantize:\n  algorithm: linear\n  bits: 4\n";
  Diagnostic d = refusal(head + "  group_size: 8\n");
  EXPECT_EQ(d.what, "'group_size' goes with 'granularity: per_group'");
  EXPECT_EQ(d.where.line, 6);
  d = refusal(head + "  granularity: per_group\n");
  EXPECT_EQ(d.what, "'per_group' needs 'group_size'");
  EXPECT_EQ(d.where.line, 6);
  EXPECT_EQ(refusal(head + "  granularity: per_block\n  group_size: 8\n").what,
            "'group_size' goes with 'granularity: per_group'");
  d = refusal(head + "  layers:\n    - { match: conv1, block_size: 8 }\n");
  EXPECT_EQ(d.what, "'block_size' goes with 'granularity: per_block'");
  EXPECT_EQ(d.where.line, 7);
  EXPECT_EQ(refusal(head + "  granularity: per_group\n  group_size: 8\n  layers:\n"
                           "    - { match: conv1, granularity: per_block }\n")
                .what,
            "'per_block' needs 'block_size'");
}

TEST(Plan, ASizeBeyondEveryLayerIsAMistake) {
  Diagnostic d =
      refusal("quantize:\n  algorithm: linear\n  bits: 4\n  granularity: per_group\n  group_size: 65\n");
  EXPECT_EQ(d.what, "no layer has 65 output channels: the most are 64");
  EXPECT_EQ(d.where.line, 7);
  d = refusal(
      "quantize:\n  algorithm: linear\n  bits: 4\n  layers:\n"
      "    - { match: conv1, granularity: per_block, block_size: 17 }\n");
  EXPECT_EQ(d.what, "no layer has 17 input channels: the most are 16");
}

TEST(Plan, CoreMlHoldsNoGroups) {
  for (const auto& [settings, what, hint] :
       {std::tuple("algorithm: linear, bits: 4, granularity: per_group, group_size: 8",
                   "one scale for each group of channels", "per_channel"),
        std::tuple("algorithm: kmeans_lut, bits: 4, granularity: per_group, group_size: 8",
                   "one table for each group of channels", "per_tensor"),
        std::tuple("algorithm: linear, bits: 4, granularity: per_block, block_size: 8",
                   "one scale for each block of weights", "per_channel")}) {
    const Diagnostic d = refusal(fmt::format("quantize: {{ {} }}\nemit: [mlq, coreml]\n", settings));
    EXPECT_EQ(d.code, "MLQ133");
    EXPECT_THAT(d.what, HasSubstr(what));
    EXPECT_THAT(d.hint, testing::AllOf(HasSubstr(hint), HasSubstr("emit only: mlq, onnx")));
  }
}

// What the manifest's own reader refuses already, in case a plan comes from elsewhere.
TEST(Plan, RefusesSettingsThatDoNotGoTogether) {
  const auto refused = [](QuantizeSettings settings) {
    Manifest m;
    m.quantize.settings.value = std::move(settings);
    try {
      plan(three_layers(), m);
    } catch (const Error& error) {
      return error.diagnostic().what;
    }
    return std::string("accepted");
  };
  EXPECT_THAT(refused({"kmeans", 8, "", "nearest"}), HasSubstr("no algorithm 'kmeans'"));
  EXPECT_THAT(refused({"linear", 9, "", "nearest"}), HasSubstr("'linear' has no 9 bits"));
  EXPECT_THAT(refused({"linear", 0, "", "nearest"}), HasSubstr("'linear' has no 0 bits"));
  EXPECT_THAT(refused({"none", 8, "", "nearest"}), HasSubstr("8 bits need an algorithm"));
  EXPECT_THAT(refused({"linear", 8, "per_row", "nearest"}), HasSubstr("no granularity 'per_row'"));
  EXPECT_THAT(refused({"linear", 8, "", "up"}), HasSubstr("no rounding 'up'"));
}

TEST(Plan, UniformHasAStepInsteadOfBits) {
  const Graph graph = three_layers();
  const QuantizationPlan p = plan(
      graph,
      manifest("quantize:\n  algorithm: uniform\n  step: 0.5\n  layers:\n"
               "    - { match: conv1, step: 0.25 }\n    - { match: conv2, algorithm: linear, bits: 4 }\n"));
  EXPECT_EQ(of(p, graph, "conv1/weights").settings.step, 0.25);
  EXPECT_EQ(of(p, graph, "conv2/weights").settings.step, 0);
  EXPECT_EQ(of(p, graph, "conv2/weights").settings.bits, 4);
  EXPECT_EQ(of(plan(graph, manifest("quantize: { algorithm: kmeans_lut, bits: 4, layers: [ { match: conv1, "
                                    "algorithm: uniform, step: 0.1 } ] }\n")),
               graph, "conv1/weights")
                .settings.bits,
            8);
}

TEST(Plan, RefusesStepsThatDoNotFit) {
  Diagnostic d = refusal("quantize: { algorithm: linear, bits: 4, step: 0.5 }\n");
  EXPECT_EQ(d.what, "'linear' has 2^bits levels and no 'step'");
  EXPECT_EQ(d.where.line, 3);
  EXPECT_EQ(refusal("quantize: { algorithm: uniform }\n").what, "'algorithm: uniform' needs 'step'");
  EXPECT_EQ(refusal("quantize: { algorithm: uniform, step: 0.5, bits: 4 }\n").what,
            "'uniform' has a 'step', not bits");
  EXPECT_EQ(
      refusal("quantize: { algorithm: linear, bits: 4, granularity: per_class }\ncalibrate: { random: 2 }\n")
          .what,
      "'linear' has no granularity 'per_class'");
  d = refusal(
      "quantize: { algorithm: uniform, step: 0.5, layers: [ { match: conv1, granularity: per_class } ] }\n"
      "calibrate: { random: 2 }\n");
  EXPECT_EQ(d.what, "the output channels of 'conv1' are no classes");
  d = refusal("quantize: { algorithm: uniform, step: 0.001 }\nemit: [mlq, coreml]\n");
  EXPECT_EQ(d.what, "the format 'coreml' holds 256 levels, and 'conv1' has more at this step");
  EXPECT_EQ(d.hint, "give a wider 'step', or emit only: mlq");
  d = refusal("quantize: { algorithm: trellis, step: 0.5 }\n");
  EXPECT_EQ(d.what, "'trellis' saves a bit of each weight that only coded weights can leave out");
  EXPECT_EQ(d.hint, "say 'storage: coded', or 'algorithm: uniform'");
}

}  // namespace
}  // namespace mlqc
