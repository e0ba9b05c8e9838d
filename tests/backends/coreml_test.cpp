// The Core ML back end: weights replaced in place, everything else as it was.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "compiler/backends/backend.h"
#include "compiler/frontends/coreml/weights.h"
#include "compiler/support/bytes.h"
#include "compiler/support/error.h"
#include "tests/frontends/coreml_fixture.h"
#include "tests/support/files.h"

namespace mlqc {
namespace {

namespace fs = std::filesystem;
using coreml::Blob;
using coreml::WeightMap;
using mlq::Graph;
using mlq::Tensor;
using testing::ElementsAre;

std::string write(const Source& source, const Graph& graph) {
  const std::vector<std::byte> bytes = find_backend("coreml")->write(source, graph);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string text_of(const Source& source) {
  return {reinterpret_cast<const char*>(source.bytes.bytes.data()), source.bytes.bytes.size()};
}

Tensor& find(Graph& graph, const std::string& name) {
  for (Tensor& tensor : graph.tensors)
    if (tensor.name == name && tensor.data) return tensor;
  throw std::runtime_error("no tensor " + name);
}

// Bytes 0, 1, 2, ... as the tensor's packed numbers, with one scale for each output channel or a table.
void quantize(Tensor& tensor, int bits, bool table) {
  mlq::Quantization q;
  q.bits = bits;
  if (table) {
    for (int i = 0; i < 1 << bits; ++i) q.table.push_back(0.25f * static_cast<float>(i) - 1);
  } else {
    q.blocks = {1};
    for (std::int64_t i = 0; i < tensor.shape[0]; ++i) {
      q.scale.push_back(0.5f + static_cast<float>(i));
      q.offset.push_back(-1.0f - static_cast<float>(i));
    }
  }
  tensor.type = mlq::DataType::float32;
  tensor.quantization = q;
  std::vector<std::uint8_t> bytes(*mlq::data_size(tensor));
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i);
  tensor.data = mlq::copy_data(std::as_bytes(std::span(bytes)));
}

// IEEE half of a small power of two or zero, enough for these tests.
void halve(Tensor& tensor) {
  const auto count = static_cast<std::size_t>(*mlq::element_count(tensor.shape));
  const std::vector<std::uint16_t> ones(count, 0x3C00);
  tensor.type = mlq::DataType::float16;
  tensor.quantization.reset();
  tensor.data = mlq::copy_data(std::as_bytes(std::span(ones)));
}

std::vector<float> numbers(const Tensor& tensor) {
  std::vector<float> values(static_cast<std::size_t>(*mlq::element_count(tensor.shape)));
  EXPECT_TRUE(mlq::dequantize(tensor, values).ok());
  return values;
}

int version(const std::string& bytes) {
  coreml::Model model;
  EXPECT_TRUE(model.ParseFromString(bytes));
  return model.specification_version();
}

TEST(CoreMlBackend, AnUnchangedGraphGivesTheSameBytes) {
  const Source source = test::source_of(test::classifier());
  EXPECT_EQ(write(source, import_graph(source)), text_of(source));
}

TEST(CoreMlBackend, QuantizedWeightsComeBackBitForBit) {
  const Source source = test::source_of(test::classifier());
  for (int bits = 1; bits <= 8; ++bits)
    for (const bool table : {false, true}) {
      Graph graph = import_graph(source);
      quantize(find(graph, "conv/weights"), bits, table);
      const std::string bytes = write(source, graph);
      EXPECT_EQ(version(bytes), 3);
      Graph again = import_graph(test::source_of(bytes));
      EXPECT_EQ(numbers(find(again, "conv/weights")), numbers(find(graph, "conv/weights")));
      EXPECT_EQ(numbers(find(again, "dense/weights")), numbers(find(graph, "dense/weights")));
      EXPECT_EQ(write(test::source_of(bytes), again), bytes);
    }
}

TEST(CoreMlBackend, HalvesTakeTheFloatsBesideThemAlong) {
  const Source source = test::source_of(test::classifier());
  Graph graph = import_graph(source);
  halve(find(graph, "conv/weights"));
  const std::string bytes = write(source, graph);
  EXPECT_EQ(version(bytes), 2);
  Graph again = import_graph(test::source_of(bytes));
  EXPECT_EQ(find(again, "conv/weights").type, mlq::DataType::float16);
  EXPECT_EQ(find(again, "conv/bias").type, mlq::DataType::float16);
  EXPECT_THAT(numbers(find(again, "conv/bias")), ElementsAre(0.5f, -0.25f));
  EXPECT_EQ(find(again, "dense/weights").type, mlq::DataType::float32) << "another layer";
}

TEST(CoreMlBackend, FloatsTooLargeForHalvesAreRefused) {
  coreml::Model model = test::classifier();
  auto& conv = *model.mutable_neural_network_classifier()->mutable_layers(0)->mutable_convolution();
  conv.mutable_bias()->set_float_value(0, 1e6f);
  const Source source = test::source_of(model);
  Graph graph = import_graph(source);
  halve(find(graph, "conv/weights"));
  EXPECT_THROW(write(source, graph), Error);
}

TEST(CoreMlBackend, OneTableForEachChannelIsRefused) {
  const Source source = test::source_of(test::classifier());
  Graph graph = import_graph(source);
  Tensor& tensor = find(graph, "conv/weights");
  quantize(tensor, 1, true);
  tensor.quantization->blocks = {1};
  tensor.quantization->table = {0, 1, 2, 3};
  EXPECT_THROW(write(source, graph), Error);
}

TEST(CoreMlBackend, AHigherVersionStays) {
  coreml::Model model = test::classifier();
  model.set_specification_version(5);
  const Source source = test::source_of(model);
  Graph graph = import_graph(source);
  quantize(find(graph, "dense/weights"), 4, true);
  EXPECT_EQ(version(write(source, graph)), 5);
}

// Fields of a future format: one of the model, one inside the weights.
TEST(CoreMlBackend, UnknownFieldsStay) {
  coreml::Model model = test::classifier();
  auto& dense = *model.mutable_neural_network_classifier()->mutable_layers(3)->mutable_inner_product();
  coreml::Weights& weights = *dense.mutable_weights();
  weights.set_is_updatable(true);
  coreml::Weights::GetReflection()->MutableUnknownFields(&weights)->AddLengthDelimited(77, "inside");
  coreml::Model::GetReflection()->MutableUnknownFields(&model)->AddLengthDelimited(7777, "outside");
  const Source source = test::source_of(model);
  Graph graph = import_graph(source);
  quantize(find(graph, "dense/weights"), 2, false);
  coreml::Model read;
  ASSERT_TRUE(read.ParseFromString(write(source, graph)));
  auto& again = *read.mutable_neural_network_classifier()
                     ->mutable_layers(3)
                     ->mutable_inner_product()
                     ->mutable_weights();
  EXPECT_TRUE(again.is_updatable());
  // With the weights put back and the version, it is the model that it was.
  again.clear_raw_value();
  again.clear_quantization();
  *again.mutable_float_value() = weights.float_value();
  read.set_specification_version(1);
  EXPECT_EQ(read.SerializeAsString(), model.SerializeAsString());
}

TEST(CoreMlBackend, ModelsOfOthersStayWhatTheyAre) {
  MLQ_NEEDS_SHARED();
  for (const char* name : {"SqueezeNetFP16.mlmodel", "SqueezeNetInt8LUT.mlmodel", "pose_hourglass.mlmodel",
                           "mnistCNN_r4ghu.mlmodel"}) {
    const Source source = read_source(mlq::test::shared_folder() / "models/coreml" / name);
    EXPECT_TRUE(write(source, import_graph(source)) == text_of(source)) << name;
  }
}

TEST(CoreMlBackend, EveryWeightOfALargeModelReplaced) {
  MLQ_NEEDS_SHARED();
  const Source source = read_source(mlq::test::shared_folder() / "models/coreml/SqueezeNetFP16.mlmodel");
  Graph graph = import_graph(source);
  std::vector<std::string> changed;
  for (Tensor& tensor : graph.tensors)
    if (tensor.data && tensor.shape.size() == 4) {
      quantize(tensor, 5, false);
      changed.push_back(tensor.name);
    }
  EXPECT_EQ(changed.size(), 26u);
  const std::string bytes = write(source, graph);
  EXPECT_LT(bytes.size(), source.bytes.bytes.size() * 2 / 5);
  Graph again = import_graph(test::source_of(bytes));
  for (const std::string& name : changed)
    EXPECT_EQ(numbers(find(again, name)), numbers(find(graph, name))) << name;
  EXPECT_EQ(again.labels, graph.labels);
}

}  // namespace
}  // namespace mlqc
