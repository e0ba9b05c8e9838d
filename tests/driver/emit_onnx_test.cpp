// ONNX files out of models of other formats, by the manifest and by convert.
#include <gmock/gmock.h>
#include <onnx/onnx_pb.h>

#include "compiler/frontends/frontend.h"
#include "tests/driver/digits.h"
#include "tests/driver/mlqc.h"

namespace mlqc {
namespace {

using mlq::test::TemporaryFolder;
using test::digits_manifest;
using test::good_settings;
using test::names_in;
using test::Outcome;
using test::run_mlqc;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

TEST(EmitOnnx, ACoreMlModelBecomesOneThatOurFrontEndReads) {
  const TemporaryFolder folder;
  const std::string manifest = digits_manifest(folder, good_settings() + "emit: [onnx]\n");
  const Outcome run = run_mlqc({"compile", manifest, "-o", (folder / "out").string()});
  EXPECT_EQ(run.exit, 0) << run.err;
  const mlq::Graph graph = import_graph(read_source(folder / "out/digits.onnx"));
  EXPECT_EQ(graph.inputs[0].name, "image");
  EXPECT_EQ(graph.outputs[0].name, "classLabelProbs");
  const auto size = [&](const char* name) { return std::filesystem::file_size(folder / "out" / name); };
  EXPECT_LT(size("digits.onnx"), size("digits.mlq") * 11 / 10);
}

TEST(EmitOnnx, ConvertDoesItWithoutQuantization) {
  const TemporaryFolder folder;
  const std::string out = (folder / "digits.onnx").string();
  EXPECT_EQ(run_mlqc({"convert", (test::digits_folder() / "digits.mlmodel").string(), "-o", out}).exit, 0);
  EXPECT_EQ(import_graph(read_source(out)).inputs[0].shape, (mlq::Shape{1, 1, 28, 28}));
}

// y = x w, w lying in a file beside the model.
std::string external_model() {
  ::onnx::ModelProto model;
  model.set_ir_version(8);
  model.add_opset_import()->set_version(13);
  auto& graph = *model.mutable_graph();
  for (auto* info : {graph.add_input(), graph.add_output()}) {
    info->set_name(info == &graph.input(0) ? "x" : "y");
    auto& type = *info->mutable_type()->mutable_tensor_type();
    type.set_elem_type(::onnx::TensorProto::FLOAT);
    for (const int dim : {1, 64}) type.mutable_shape()->add_dim()->set_dim_value(dim);
  }
  auto& w = *graph.add_initializer();
  w.set_name("w");
  w.set_data_type(::onnx::TensorProto::FLOAT);
  for (const int dim : {64, 64}) w.add_dims(dim);
  w.set_data_location(::onnx::TensorProto::EXTERNAL);
  auto& entry = *w.add_external_data();
  entry.set_key("location");
  entry.set_value("weights.bin");
  auto& node = *graph.add_node();
  node.set_op_type("MatMul");
  for (const char* name : {"x", "w"}) node.add_input(name);
  node.add_output("y");
  return model.SerializeAsString();
}

TEST(EmitOnnx, DataBesideTheModelLieBesideWhatIsWrittenAndCountAsTheModel) {
  const TemporaryFolder folder;
  folder.write("m.onnx", external_model());
  folder.write("weights.bin", std::string(64 * 64 * 4, '\x3f'));
  const std::string out = (folder / "out").string();
  const auto manifest =
      folder.write("m.mlq.yaml", "schema: 1\nmodel: { file: m.onnx }\nemit: [onnx]\n").string();
  EXPECT_EQ(run_mlqc({"compile", manifest, "-o", out}).exit, 0);
  EXPECT_EQ(std::filesystem::file_size(folder / "out/m.onnx.data"), 64u * 64 * 4);
  EXPECT_LT(std::filesystem::file_size(folder / "out/m.onnx"), 1000u);
  folder.write("weights.bin", std::string(64 * 64 * 4, '\x3e'));
  EXPECT_EQ(run_mlqc({"compile", manifest, "-o", out}).exit, 0);
  EXPECT_EQ(mlq::test::read(folder / "out/m.onnx.data")[0], '\x3e');
  EXPECT_EQ(run_mlqc({"convert", (folder / "m.onnx").string(), "-o", (folder / "c.onnx").string()}).exit, 0);
  EXPECT_EQ(import_graph(read_source(folder / "c.onnx")).inputs[0].name, "x");
  EXPECT_TRUE(std::filesystem::exists(folder / "c.onnx.data"));
}

TEST(EmitOnnx, LayersThatOnnxCannotSayAreNamedAtTheWordBeforeAnythingIsWritten) {
  MLQ_NEEDS_SHARED();
  const std::filesystem::path model =
      mlq::test::shared_folder() /
      "conformance/coreml-layers/NewLayersSimpleTest.test_random_normal_like/003/model.mlmodel";
  const TemporaryFolder folder;
  const auto manifest =
      folder.write("m.mlq.yaml", "schema: 1\nmodel: { file: " + model.string() + " }\nemit: [onnx]\n");
  const Outcome run = run_mlqc({"compile", manifest.string(), "-o", (folder / "out").string()});
  EXPECT_EQ(run.exit, 3);
  EXPECT_THAT(run.err, HasSubstr("m.mlq.yaml:3:8: error: "));
  EXPECT_THAT(run.err, HasSubstr("(RandomNormalLike) has no operator in ONNX that mlq writes"));
  EXPECT_THAT(run.err, HasSubstr("[MLQ503]"));
  EXPECT_THAT(names_in(folder / "out"), Not(Contains(HasSubstr(".mlq"))));
  EXPECT_EQ(run_mlqc({"convert", model.string(), "-o", (folder / "x.onnx").string()}).exit, 3);
}

}  // namespace
}  // namespace mlqc
