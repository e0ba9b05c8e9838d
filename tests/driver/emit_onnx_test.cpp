// ONNX files out of models of other formats, by the manifest and by convert.
#include <gmock/gmock.h>

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
