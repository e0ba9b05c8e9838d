// An ONNX model written back with quantized weights: read again by our own front end it gives the numbers of
// the quantized graph, in operator sets old and new. (tests/peers runs what is written in ONNX Runtime.)
#include <gmock/gmock.h>
#include <onnx/onnx_pb.h>

#include <algorithm>
#include <cmath>

#include "compiler/backends/backend.h"
#include "compiler/frontends/beside.h"
#include "compiler/frontends/frontend.h"
#include "compiler/graph/rewrite.h"
#include "compiler/manifest/manifest.h"
#include "compiler/quantize/quantize.h"
#include "compiler/support/error.h"
#include "mlq/model.h"
#include "tests/support/files.h"

namespace mlqc {
namespace {

using ::onnx::ModelProto;
using ::onnx::TensorProto;

constexpr std::int64_t channels = 8, side = 6;

float wave(std::size_t i) { return std::sin(0.7f * static_cast<float>(i) + 0.2f); }

// Weights that halves and floats both hold.
std::string bytes_of(std::size_t count, bool half) {
  std::string bytes;
  for (std::size_t i = 0; i < count; ++i) {
    if (half) {
      const auto word = static_cast<std::uint16_t>(0x3000 + (i * 977) % 0x0c00 + (i % 2) * 0x8000);
      bytes.append(reinterpret_cast<const char*>(&word), sizeof word);
    } else {
      const float value = wave(i);
      bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
    }
  }
  return bytes;
}

void add_weight(ModelProto& model, const char* name, const mlq::Shape& shape, bool half) {
  TensorProto& tensor = *model.mutable_graph()->add_initializer();
  tensor.set_name(name);
  tensor.set_data_type(half ? TensorProto::FLOAT16 : TensorProto::FLOAT);
  for (const std::int64_t dim : shape) tensor.add_dims(dim);
  tensor.set_raw_data(bytes_of(static_cast<std::size_t>(*mlq::element_count(shape)), half));
}

// y = Conv(x, w, b).
ModelProto convolution(int opset, bool half) {
  ModelProto model;
  model.set_ir_version(8);
  model.add_opset_import()->set_version(opset);
  auto& graph = *model.mutable_graph();
  for (auto* info : {graph.add_input(), graph.add_output()}) {
    const bool is_input = info == &graph.input(0);
    info->set_name(is_input ? "x" : "y");
    auto& type = *info->mutable_type()->mutable_tensor_type();
    type.set_elem_type(half ? TensorProto::FLOAT16 : TensorProto::FLOAT);
    const std::int64_t now = is_input ? side : side - 2;
    for (const std::int64_t dim : {std::int64_t{1}, is_input ? std::int64_t{2} : channels, now, now})
      type.mutable_shape()->add_dim()->set_dim_value(dim);
  }
  add_weight(model, "w", {channels, 2, 3, 3}, half);
  add_weight(model, "b", {channels}, half);
  auto& node = *graph.add_node();
  node.set_op_type("Conv");
  node.set_name("conv");
  for (const char* name : {"x", "w", "b"}) node.add_input(name);
  node.add_output("y");
  return model;
}

Source source_of(const ModelProto& model) {
  const std::string bytes = model.SerializeAsString();
  return {"m.onnx", mlq::copy_data(std::as_bytes(std::span(bytes.data(), bytes.size()))), "", "onnx"};
}

mlq::Graph quantized(const mlq::Graph& graph, const std::string& settings) {
  const Manifest manifest = parse_manifest(
      "m.mlq.yaml", "schema: 1\nmodel: { file: m.onnx }\nquantize: { " + settings + " }\nemit: [onnx]\n");
  return quantize(graph, plan(graph, manifest));
}

std::vector<float> run(const mlq::Graph& graph) {
  const mlq::Feature& input = graph.inputs[0];
  const auto count = static_cast<std::size_t>(*mlq::element_count(input.shape));
  const bool half = input.type == mlq::DataType::float16;
  const std::string bytes = bytes_of(count, half);
  const auto model = mlq::Model::from_graph(prepare_for_runtime(simplify(graph)));
  EXPECT_TRUE(model.ok()) << model.error();
  const std::vector<mlq::View> views = {{input.type, input.shape, bytes.data()}};
  const auto results = model->predict(views);
  EXPECT_TRUE(results.ok()) << results.error();
  const mlq::Array& array = results->at(0);
  std::vector<float> values(static_cast<std::size_t>(*mlq::element_count(array.shape)));
  const mlq::Data data{std::as_bytes(std::span(array.bytes)), nullptr};
  EXPECT_TRUE(mlq::dequantize({"", array.type, array.shape, data, {}}, values).ok());
  return values;
}

ModelProto written(const Source& source, const mlq::Graph& graph) {
  const std::vector<std::byte> bytes = find_backend("onnx")->write(source, graph);
  ModelProto model;
  EXPECT_TRUE(model.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())));
  return model;
}

using Case = std::tuple<int, bool, std::string>;  // operator set, halves, settings
class OnnxBackend : public testing::TestWithParam<Case> {};

TEST_P(OnnxBackend, GivesTheNumbersOfTheQuantizedGraph) {
  const auto& [opset, half, settings] = GetParam();
  const Source source = source_of(convolution(opset, half));
  const mlq::Graph candidate = quantized(simplify(import_graph(source)), settings);
  const ModelProto model = written(source, candidate);
  for (const TensorProto& tensor : model.graph().initializer()) EXPECT_NE(tensor.name(), "w");
  const mlq::Graph again = import_graph(source_of(model));
  EXPECT_EQ(again.inputs[0].type, candidate.inputs[0].type);
  EXPECT_EQ(again.outputs[0].type, candidate.outputs[0].type);
  const std::vector<float> ours = run(candidate), theirs = run(again);
  ASSERT_EQ(ours.size(), theirs.size());
  const float largest = std::abs(*std::ranges::max_element(ours, {}, [](float v) { return std::abs(v); }));
  EXPECT_GT(largest, 0.1f);
  for (std::size_t i = 0; i < ours.size(); ++i)
    EXPECT_NEAR(ours[i], theirs[i], largest * (half ? 1e-3 : 1e-6)) << i;
}

INSTANTIATE_TEST_SUITE_P(
    All, OnnxBackend,
    testing::Combine(testing::Values(3, 6, 9, 12, 13, 20), testing::Bool(),
                     testing::Values("algorithm: linear, bits: 8, granularity: per_tensor",
                                     "algorithm: linear, bits: 8, granularity: per_channel",
                                     "algorithm: linear, bits: 4, granularity: per_channel",
                                     "algorithm: linear, bits: 3, granularity: per_tensor",
                                     "algorithm: linear_symmetric, bits: 8", "algorithm: linear_lut, bits: 4",
                                     "algorithm: kmeans_lut, bits: 2, granularity: per_channel",
                                     "algorithm: kmeans_lut, bits: 1")));

// Groups in blocks need an operator set that broadcasts along several dimensions.
INSTANTIATE_TEST_SUITE_P(
    Blocks, OnnxBackend,
    testing::Combine(
        testing::Values(7, 9, 12, 13, 20), testing::Bool(),
        testing::Values("algorithm: linear, bits: 8, granularity: per_group, group_size: 4",
                        "algorithm: linear, bits: 4, granularity: per_group, group_size: 5",
                        "algorithm: linear, bits: 3, granularity: per_block, block_size: 1",
                        "algorithm: kmeans_lut, bits: 2, granularity: per_group, group_size: 5",
                        "algorithm: kmeans_lut, bits: 1, granularity: per_block, block_size: 1")));

TEST(OnnxBackendBlocks, OldOperatorSetsRefuseThem) {
  const Source source = source_of(convolution(6, false));
  const mlq::Graph candidate = quantized(simplify(import_graph(source)),
                                         "algorithm: linear, bits: 4, granularity: per_group, group_size: 4");
  try {
    find_backend("onnx")->write(source, candidate);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.diagnostic().code, "MLQ502");
    EXPECT_THAT(error.diagnostic().what, testing::HasSubstr("operator set 6 cannot hold the groups of 'w'"));
  }
}

TEST(OnnxBackendHalves, SixteenBitsAreHalvesOfTheSameName) {
  const Source source = source_of(convolution(13, false));
  const mlq::Graph candidate = quantized(simplify(import_graph(source)), "bits: 16");
  const ModelProto model = written(source, candidate);
  EXPECT_EQ(model.graph().node(0).attribute(0).t().data_type(), TensorProto::FLOAT16);
  EXPECT_EQ(run(candidate), run(import_graph(source_of(model))));
}

// The same network, its weights in the files w and b beside it.
ModelProto external(const mlq::test::TemporaryFolder& folder) {
  ModelProto model = convolution(13, false);
  for (TensorProto& tensor : *model.mutable_graph()->mutable_initializer()) {
    folder.write(tensor.name(), tensor.raw_data());
    tensor.clear_raw_data();
    tensor.set_data_location(TensorProto::EXTERNAL);
    auto& entry = *tensor.add_external_data();
    entry.set_key("location");
    entry.set_value(tensor.name());
  }
  return model;
}

TEST(OnnxBackendExternal, DataBesideTheModelStaysThereUnlessItIsQuantized) {
  const mlq::test::TemporaryFolder folder;
  Source source = read_source(folder.write("m.onnx", external(folder).SerializeAsString()));
  const mlq::Graph candidate = quantized(simplify(import_graph(source)), "algorithm: linear, bits: 8");
  const ModelProto made = written(source, candidate);
  ASSERT_EQ(made.graph().initializer_size(), 1);
  EXPECT_EQ(made.graph().initializer(0).name(), "b");
  EXPECT_EQ(made.graph().initializer(0).data_location(), TensorProto::EXTERNAL);
  std::filesystem::remove(folder / "w");  // nobody needs it any more
  const mlq::Graph again = import_graph(read_source(folder.write("q.onnx", made.SerializeAsString())));
  const std::vector<float> ours = run(candidate), theirs = run(again);
  for (std::size_t i = 0; i < ours.size(); ++i) EXPECT_NEAR(ours[i], theirs[i], 1e-5);
}

std::string text_of(const std::vector<std::byte>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

TEST(OnnxBackendExternal, AllOfItIsCopiedIntoOneFileBesideWhatIsWritten) {
  const mlq::test::TemporaryFolder folder, out;
  Source source = read_source(folder.write("m.onnx", external(folder).SerializeAsString()));
  ASSERT_EQ(files_beside(source).size(), 2u);
  for (const char* settings : {"algorithm: none", "algorithm: linear, bits: 8"}) {
    const mlq::Graph candidate = quantized(simplify(import_graph(source)), settings);
    const std::vector<WrittenFile> files = write_files(*find_backend("onnx"), source, candidate, "net");
    ASSERT_EQ(files.size(), 2u);
    EXPECT_EQ(files[1].extension, ".onnx.data");
    for (const WrittenFile& file : files) out.write("net" + file.extension, text_of(file.bytes));
    const Source again = read_source(out / "net.onnx");
    EXPECT_EQ(files_beside(again), std::vector<std::filesystem::path>{out / "net.onnx.data"});
    const std::vector<float> ours = run(candidate), theirs = run(import_graph(again));
    for (std::size_t i = 0; i < ours.size(); ++i) EXPECT_NEAR(ours[i], theirs[i], 1e-5) << settings;
  }
}

TEST(OnnxBackendExternal, DataOutsideOfTheFolderIsNeverCopied) {
  const mlq::test::TemporaryFolder folder;
  ModelProto model = external(folder);
  const Source good = read_source(folder.write("m.onnx", model.SerializeAsString()));
  const mlq::Graph graph = simplify(import_graph(good));
  std::filesystem::create_symlink("w", folder / "link");
  for (const char* location : {"../w", "/etc/passwd", "link", "missing"}) {
    model.mutable_graph()->mutable_initializer(1)->mutable_external_data(0)->set_value(location);
    const Source source = read_source(folder.write("m.onnx", model.SerializeAsString()));
    EXPECT_EQ(files_beside(source).size(), 1u);
    EXPECT_THROW(write_files(*find_backend("onnx"), source, graph, "net"), Error) << location;
  }
}

TEST(OnnxBackendExternal, DataThatChangeAreAnotherModel) {
  const mlq::test::TemporaryFolder folder;
  const auto file = folder.write("m.onnx", external(folder).SerializeAsString());
  const std::string before = read_source(file).sha256;
  EXPECT_EQ(read_source(file).sha256, before);
  std::string weights = mlq::test::read(folder / "w");
  weights[0] ^= 1;
  folder.write("w", weights);
  EXPECT_NE(read_source(file).sha256, before);
}

}  // namespace
}  // namespace mlqc
