#include <gmock/gmock.h>

#include <algorithm>
#include <cstring>

#include "compiler/backends/backend.h"
#include "runtime-stub/src/state.h"
#include "tests/runtime/graphs.h"
#include "tests/support/files.h"

namespace mlqc {
namespace {

using mlq::Model;
using mlq::test::Builder;
using mlq::test::floats_of;
using mlq::test::Random;
using testing::AllOf;
using testing::HasSubstr;

using Bytes = std::vector<std::byte>;

constexpr std::int64_t width = 24;

// A bit of everything that a graph can hold; the quantized weights are `width` x `width` in 5 bits.
mlq::Graph sample_graph() {
  Builder b;
  Random random(11);
  const auto x = b.input("x", {1, width});
  mlq::Quantization quantization{5, {1}, {}, {}, {}};
  for (std::int64_t row = 0; row < width; ++row) {
    quantization.scale.push_back(0.01f * static_cast<float>(row + 1));
    quantization.offset.push_back(row == 3 ? -0.0f : -0.1f);
  }
  std::vector<std::uint8_t> packed((width * width * 5 + 7) / 8);
  for (std::uint8_t& byte : packed) byte = static_cast<std::uint8_t>(random.next());
  const auto weights = add_tensor(b.graph, {"dense/weights",
                                            mlq::DataType::float32,
                                            {width, width},
                                            mlq::copy_data(std::span<const std::uint8_t>(packed)),
                                            quantization});
  const auto dense = b.node("Gemm", {x, weights, b.constant("dense/bias", {width}, random.numbers(width))},
                            "dense", {{"transB", std::int64_t{1}}, {"alpha", 1.0f}});
  const auto relu = b.node("LeakyRelu", {dense}, "relu", {{"alpha", -0.0f}});
  b.output(b.node("Softmax", {relu}, "probabilities", {{"axis", std::int64_t{1}}}), {width});
  b.graph.outputs[0].kind = mlq::FeatureKind::scores;
  b.graph.outputs.push_back(b.graph.outputs[0]);
  b.graph.outputs[1].name = "label";
  b.graph.outputs[1].kind = mlq::FeatureKind::label;
  for (std::int64_t i = 0; i < width; ++i) b.graph.labels.push_back("label " + std::to_string(i));
  b.graph.labels[1] = std::string(600, 'l');  // longer than one byte can count
  b.graph.labels[2] = "";
  b.graph.metadata = {{"author", "nobody"}, {"license", ""}};
  return b.finish();
}

// The same with a scale for every ten weights of each row.
mlq::Graph blocked_graph() {
  mlq::Graph graph = sample_graph();
  for (mlq::Tensor& tensor : graph.tensors) {
    if (!tensor.quantization) continue;
    mlq::Quantization& q = *tensor.quantization;
    q.blocks = {1, 10};
    for (auto* list : {&q.scale, &q.offset})
      for (std::size_t g = width; g < 3 * width; ++g) list->push_back((*list)[g - width] * 0.9f);
  }
  return graph;
}

Source source() { return {"model.mlmodel", {}, std::string(64, 'a'), "coreml"}; }

Bytes artifact() { return find_backend("mlq")->write(source(), sample_graph()); }

mlq::Result<Model> load(const Bytes& bytes) { return Model::from_bytes({std::span(bytes), nullptr, false}); }

std::vector<float> predict(const Model& model) {
  Random random(5);
  const std::vector<float> values = random.numbers(width);
  const auto result = model.predict(std::vector<mlq::View>{mlq::test::view_of(values, {1, width})});
  EXPECT_TRUE(result) << result.error();
  return result ? floats_of((*result)[0]) : std::vector<float>();
}

TEST(Mlq, ComesBackAsItWent) {
  const mlq::Graph graph = sample_graph();
  const Bytes bytes = artifact();
  const auto model = load(bytes);
  ASSERT_TRUE(model) << model.error();
  EXPECT_EQ(model->graph().labels, graph.labels);
  EXPECT_EQ(model->graph().metadata, graph.metadata);
  EXPECT_EQ(model->state().source_sha256, source().sha256);
  EXPECT_EQ(model->state().interface_digest, interface_digest(graph));
  EXPECT_EQ(model->graph().outputs[1].kind, mlq::FeatureKind::label);
  const auto reference = Model::from_graph(graph);
  ASSERT_TRUE(reference) << reference.error();
  const auto expected = predict(*reference), actual = predict(*model);
  ASSERT_EQ(expected.size(), actual.size());
  for (std::size_t i = 0; i < actual.size(); ++i) EXPECT_NEAR(actual[i], expected[i], 1e-6);
}

TEST(Mlq, GroupsInBlocksComeBackAsTheyWent) {
  const mlq::Graph graph = blocked_graph();
  const Bytes bytes = find_backend("mlq")->write(source(), graph);
  EXPECT_EQ(bytes[8], std::byte{3});  // which older readers refuse
  EXPECT_EQ(artifact()[8], std::byte{1});
  const auto model = load(bytes);
  ASSERT_TRUE(model) << model.error();
  const auto reference = Model::from_graph(graph);
  ASSERT_TRUE(reference) << reference.error();
  const auto expected = predict(*reference), actual = predict(*model);
  ASSERT_EQ(expected.size(), actual.size());
  for (std::size_t i = 0; i < actual.size(); ++i) EXPECT_NEAR(actual[i], expected[i], 1e-6);
  EXPECT_NE(predict(*model), predict(*load(artifact())));
  for (const mlq::Tensor& tensor : model->graph().tensors)
    if (tensor.quantization) {
      EXPECT_EQ(tensor.quantization->blocks, (mlq::Shape{1, 10}));
    }
}

TEST(Mlq, WeightsStayPackedAndAligned) {
  const Bytes bytes = artifact();
  EXPECT_LT(bytes.size(), width * width * sizeof(float) * 2);
  const auto model = load(bytes);
  ASSERT_TRUE(model) << model.error();
  int quantized = 0;
  for (const mlq::Tensor& tensor : model->graph().tensors) {
    if (!tensor.data) continue;
    quantized += tensor.quantization.has_value();
    EXPECT_EQ((tensor.data->bytes.data() - bytes.data()) % 16, 0);
    EXPECT_GE(tensor.data->bytes.data(), bytes.data());
    EXPECT_LE(tensor.data->bytes.data() + tensor.data->bytes.size(), bytes.data() + bytes.size());
  }
  EXPECT_EQ(quantized, 1);
}

TEST(Mlq, TheSameGraphGivesTheSameBytes) { EXPECT_EQ(artifact(), artifact()); }

TEST(Mlq, EveryPrefixIsRefused) {
  const Bytes bytes = artifact();
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const Bytes prefix(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
    ASSERT_FALSE(load(prefix)) << size;
  }
}

TEST(Mlq, WhatIsAppendedIsRefused) {
  Bytes bytes = artifact();
  bytes.push_back(std::byte{0});
  EXPECT_THAT(load(bytes).error(), HasSubstr("appended"));
}

void expect_no_crash(const Bytes& bytes) {
  Random random(1);
  for (int trial = 0; trial < 20000; ++trial) {
    Bytes damaged = bytes;
    for (std::size_t flips = 1 + random.below(3); flips > 0; --flips)
      damaged[random.below(damaged.size())] ^= std::byte{1} << random.below(8);
    const auto model = load(damaged);
    if (!model) continue;
    // What still loads must run or fail with a sentence, whatever its numbers are now.
    const std::vector<float> values(width, 1.0f);
    if (model->graph().inputs.size() == 1)
      (void)model->predict(std::vector<mlq::View>{mlq::test::view_of(values, {1, width})});
  }
}

TEST(Mlq, FlippedBitsNeverCrash) {
  expect_no_crash(artifact());
  expect_no_crash(find_backend("mlq")->write(source(), blocked_graph()));
}

TEST(Mlq, MayLieAtAnyAddress) {
  const Bytes bytes = artifact();
  const auto expected = predict(*load(bytes));
  for (std::size_t shift : {1, 2, 3, 4}) {
    Bytes shifted(bytes.size() + shift);
    std::memcpy(shifted.data() + shift, bytes.data(), bytes.size());
    const auto model = Model::from_bytes({std::span(shifted).subspan(shift), nullptr, false});
    ASSERT_TRUE(model) << model.error();
    EXPECT_EQ(predict(*model), expected);
  }
}

// Scales that are halves, every one, take two bytes, and come back bit for bit; one that is none keeps all.
TEST(Mlq, HalvesTakeHalfTheBytes) {
  mlq::Graph graph = sample_graph();
  const auto quantized =
      std::ranges::find_if(graph.tensors, [](const auto& t) { return t.quantization.has_value(); });
  std::vector<float>& scale = quantized->quantization->scale;
  const std::size_t floats = find_backend("mlq")->write(source(), graph).size();
  for (std::size_t g = 0; g < scale.size(); ++g) scale[g] = 0.125f * static_cast<float>(g + 1);
  scale[0] = 0x1p-24f;  // the least half
  const Bytes halves = find_backend("mlq")->write(source(), graph);
  EXPECT_LE(halves.size() + 2 * scale.size() - 16, floats);
  EXPECT_EQ(halves[8], std::byte{5}) << "the format";
  const auto model = load(halves);
  ASSERT_TRUE(model) << model.error();
  const auto back =
      std::ranges::find_if(model->graph().tensors, [](const auto& t) { return t.quantization.has_value(); });
  EXPECT_EQ(back->quantization->scale, scale);
  for (const float other : {0x1p-25f, 65536.0f, 1.0001f}) {
    scale[1] = other;
    const auto kept = load(find_backend("mlq")->write(source(), graph));
    ASSERT_TRUE(kept) << kept.error();
    EXPECT_EQ(
        std::ranges::find_if(kept->graph().tensors, [](const auto& t) { return t.quantization.has_value(); })
            ->quantization->scale,
        scale);
  }
}

TEST(Mlq, ANewerFormatSaysWhoWroteIt) {
  Bytes bytes = artifact();
  bytes[8] = std::byte{6};   // format
  bytes[14] = std::byte{9};  // minor version
  EXPECT_THAT(load(bytes).error(),
              AllOf(HasSubstr("mlq 0.9.0"), HasSubstr("format 6"), HasSubstr("reads format 1")));
}

TEST(Mlq, OtherFilesAreNamedAsSuch) {
  EXPECT_THAT(load(Bytes(5000)).error(), HasSubstr("no mlq artifact"));
  EXPECT_THAT(load({}).error(), HasSubstr("no mlq artifact"));
  EXPECT_THAT(Model::open("no/such/file.mlq").error(), HasSubstr("no/such/file.mlq"));
  EXPECT_THAT(Model::open("/").error(), HasSubstr("no file"));
}

TEST(Mlq, OpensFromAFile) {
  const mlq::test::TemporaryFolder folder;
  const Bytes bytes = artifact();
  const std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const std::string path = folder.write("model.mlq", text).string();
  const auto model = Model::open(path);
  ASSERT_TRUE(model) << model.error();
  EXPECT_EQ(predict(*model), predict(*load(bytes)));
  const std::string digest = interface_digest(sample_graph());
  EXPECT_TRUE(Model::open(path, {.threads = 1, .expected_interface = digest}));
  EXPECT_THAT(Model::open(path, {.threads = 1, .expected_interface = "another"}).error(),
              HasSubstr("interface"));
}

TEST(InterfaceDigest, ChangesWithWhatAppsRelyOn) {
  const mlq::Graph graph = sample_graph();
  const std::string digest = interface_digest(graph);
  mlq::Graph other = graph;
  other.outputs[0].name += "!";
  EXPECT_NE(interface_digest(other), digest);
  other = graph;
  other.labels[3] = "another";
  EXPECT_NE(interface_digest(other), digest);
  other = graph;
  std::swap(other.outputs[0], other.outputs[1]);
  EXPECT_NE(interface_digest(other), digest);
  other = graph;
  other.inputs[0].type = mlq::DataType::float64;
  EXPECT_NE(interface_digest(other), digest);
}

TEST(InterfaceDigest, DoesNotDependOnWeights) {
  mlq::Graph other = sample_graph();
  for (mlq::Tensor& tensor : other.tensors)
    if (tensor.quantization) tensor.quantization->scale[0] = 7;
  EXPECT_EQ(interface_digest(other), interface_digest(sample_graph()));
}

class Doubled final : public mlq::CustomLayer {
  mlq::Status evaluate_on_cpu(std::span<const mlq::LayerInput> in,
                              std::span<const mlq::LayerOutput> out) override {
    for (std::size_t i = 0; i < in[0].count; ++i) out[0].floats()[i] = 2 * in[0].floats()[i];
    return {};
  }
};

TEST(Artifact, KeepsCustomLayers) {
  Builder b;
  const mlq::Parameters parameters = {{"alpha", 0.1}, {"size", std::int64_t{7}}, {"on", true}};
  mlq::Node node = mlq::custom_node("twice", "Doubled", parameters, "twice as much", {b.input("x", {3})},
                                    {b.constant("twice/weights.0", {1, 2}, {5, 6})});
  node.outputs = {b.outer("y")};
  b.graph.nodes.push_back(node);
  b.output(node.outputs[0], {3});
  const auto doubled = mlq::custom_class<Doubled>("Doubled");
  b.graph.nodes[0].code = std::make_shared<const mlq::CustomClass>(doubled);
  const Bytes bytes = find_backend("mlq")->write(source(), b.finish());

  EXPECT_THAT(load(bytes).error(), HasSubstr("layer 'twice' of class Doubled is not supported"));
  const auto model = Model::from_bytes({std::span(bytes), nullptr, false}, {.custom_layers = {doubled}});
  ASSERT_TRUE(model) << model.error();
  const mlq::Node& read = model->graph().nodes.at(0);
  EXPECT_EQ(custom_parameters_of(read), parameters);
  EXPECT_EQ(read.get_string("description", ""), "twice as much");
  EXPECT_EQ(custom_weights_of(read), 1u);
  const std::vector<float> x = {1, 2, 3};
  const auto out = model->predict(std::vector<mlq::View>{mlq::test::view_of(x, {3})});
  ASSERT_TRUE(out) << out.error();
  EXPECT_THAT(floats_of((*out)[0]), testing::ElementsAre(2, 4, 6));
}

}  // namespace
}  // namespace mlqc
