// compare, predict, inspect, init, schema on a real model.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "compiler/manifest/manifest.h"
#include "tests/driver/digits.h"
#include "tests/driver/mlqc.h"
#include "tests/support/npy.h"

namespace mlqc {
namespace {

namespace fs = std::filesystem;
using mlq::test::read;
using mlq::test::TemporaryFolder;
using nlohmann::json;
using test::Outcome;
using test::run_mlqc;
using testing::HasSubstr;

const std::string model = (test::digits_folder() / "digits.mlmodel").string();

std::string a_picture() {
  for (const auto& entry : fs::recursive_directory_iterator(test::digits_folder() / "samples"))
    if (entry.path().extension() == ".png") return entry.path().string();
  return "";
}

TEST(Inspect, ShowsTheInterfaceTheLayersAndTheBytes) {
  const TemporaryFolder folder;
  const Outcome run = run_mlqc({"inspect", model, "--json", (folder / "i.json").string()});
  EXPECT_EQ(run.exit, 0) << run.err;
  EXPECT_THAT(run.out, HasSubstr("classLabelProbs"));
  const json found = json::parse(read(folder / "i.json"));
  EXPECT_EQ(found["format"], "coreml");
  EXPECT_EQ(found["labels"], 10);
  EXPECT_EQ(found["inputs"][0]["kind"], "image");
  EXPECT_EQ(found["bytes"], fs::file_size(model));
  EXPECT_EQ(found["layers"].size(), found["totals"]["layers"]);
  std::int64_t weights = 0;
  for (const json& layer : found["layers"]) weights += layer["weights"].get<std::int64_t>();
  EXPECT_EQ(found["totals"]["weights"], weights) << "each constant belongs to one layer in this model";
}

TEST(Inspect, KnowsAnArtifactsBits) {
  const TemporaryFolder folder;
  const std::string manifest =
      test::digits_manifest(folder, "quantize: { algorithm: kmeans_lut, bits: 4 }\n");
  ASSERT_EQ(run_mlqc({"compile", manifest, "-o", folder.path().string(), "--name", "d"}).exit, 0);
  const Outcome run = run_mlqc({"inspect", (folder / "d.mlq").string()});
  EXPECT_EQ(run.exit, 0);
  EXPECT_THAT(run.out, HasSubstr("4 bit"));
}

TEST(Sweep, TriesAlgorithmsWithTheirGranularities) {
  const TemporaryFolder folder;
  const std::string manifest = test::digits_manifest(folder, "validate: { samples: { random: 4 } }\n");
  const Outcome run =
      run_mlqc({"sweep", manifest, "--bits", "4", "--algorithms", "linear", "linear:per_tensor",
                "kmeans_lut:per_group:4", "linear:per_block:3", "--json", (folder / "s.json").string()});
  ASSERT_EQ(run.exit, 0) << run.err;
  std::vector<std::string> tried;
  const json found = json::parse(read(folder / "s.json"));
  for (const json& each : found["runs"])
    tried.push_back(each["algorithm"].get<std::string>() + " " + each["granularity"].get<std::string>());
  EXPECT_THAT(tried, testing::ElementsAre("linear ", "linear per_tensor", "kmeans_lut per_group 4",
                                          "linear per_block 3"));
  const Outcome sizeless = run_mlqc({"sweep", manifest, "--algorithms", "linear:per_group"});
  EXPECT_EQ(sizeless.exit, 2);
  EXPECT_THAT(sizeless.err, HasSubstr("'linear:per_group' needs a size"));
}

TEST(Compare, AModelAgreesWithItself) {
  const TemporaryFolder folder;
  const Outcome run =
      run_mlqc({"compare", model, model, "--samples", (test::digits_folder() / "samples").string(), "--limit",
                "12", "--json", (folder / "c.json").string()});
  EXPECT_EQ(run.exit, 0) << run.err;
  const json found = json::parse(read(folder / "c.json"));
  EXPECT_EQ(found["samples"]["count"], 12);
  EXPECT_EQ(found["outputs"]["classLabelProbs"]["top1_agreement"]["value"], 1.0);
  EXPECT_EQ(found["outputs"]["classLabelProbs"]["max_abs_error"]["value"], 0.0);
}

TEST(Compare, AnArtifactWithItsSourceAndOnlyTheMetricAskedFor) {
  const TemporaryFolder folder;
  const std::string manifest = test::digits_manifest(folder, "quantize: { algorithm: linear, bits: 8 }\n");
  ASSERT_EQ(run_mlqc({"compile", manifest, "-o", folder.path().string(), "--name", "d"}).exit, 0);
  const Outcome run = run_mlqc({"compare", model, (folder / "d.mlq").string(), "--samples", "random:8",
                                "--metric", "snr_db", "--json", (folder / "c.json").string()});
  EXPECT_EQ(run.exit, 0) << run.err;
  const json figures = json::parse(read(folder / "c.json"))["outputs"]["classLabelProbs"];
  EXPECT_EQ(figures.size(), 1u);
  EXPECT_GT(figures["snr_db"]["value"], 15.0);
  EXPECT_LT(figures["snr_db"]["value"], 200.0) << "eight bits are not exact";
}

TEST(Compare, MisspeltMetricsAndSamples) {
  EXPECT_THAT(run_mlqc({"compare", model, model, "--samples", "random:2", "--metric", "snr_bd"}).err,
              HasSubstr("did you mean 'snr_db'?"));
  EXPECT_EQ(run_mlqc({"compare", model, model, "--samples", "random:many"}).exit, 2);
  EXPECT_EQ(run_mlqc({"compare", model, model, "--samples", "no/folder"}).exit, 2);
}

TEST(Predict, GivesLabelsScoresAndFiles) {
  const TemporaryFolder folder;
  const Outcome run =
      run_mlqc({"predict", model, "--input", "0=" + a_picture(), "--json", (folder / "p.json").string(),
                "--save", "classLabelProbs=" + (folder / "p.npy").string()});
  EXPECT_EQ(run.exit, 0) << run.err;
  EXPECT_THAT(run.out, HasSubstr("classLabel: "));
  const json found = json::parse(read(folder / "p.json"))["outputs"];
  const auto saved = mlq::test::read_npy(folder / "p.npy");
  ASSERT_EQ(saved.floats().size(), 10u);
  double sum = 0;
  for (std::size_t i = 0; i < 10; ++i) {
    EXPECT_FLOAT_EQ(found["classLabelProbs"]["values"][i].get<float>(), saved.floats()[i]);
    sum += saved.floats()[i];
  }
  EXPECT_NEAR(sum, 1, 1e-4);
  const auto best = std::ranges::max_element(saved.floats()) - saved.floats().begin();
  EXPECT_EQ(found["classLabel"]["label"], found["classLabelProbs"]["labels"][best]);
  EXPECT_EQ(run_mlqc({"predict", model, "--input", a_picture()}).exit, 0) << "the only input needs no name";
}

TEST(Predict, SaysWhatIsWrongWithAnInput) {
  EXPECT_THAT(run_mlqc({"predict", model, "--input", "imge=" + a_picture()}).err,
              HasSubstr("did you mean 'image'?"));
  EXPECT_EQ(run_mlqc({"predict", model, "--input", "5=" + a_picture()}).exit, 2);
  EXPECT_EQ(run_mlqc({"predict", model, "--input", "no/such.png"}).exit, 2);
  EXPECT_EQ(run_mlqc({"predict", model, "--input", a_picture(), "--save", "nothing=x.npy"}).exit, 2);
}

TEST(Init, WritesAManifestThatCompilesAndNeverOverwrites) {
  const TemporaryFolder folder;
  fs::copy_file(model, folder / "Digits.mlmodel");
  const std::string copy = (folder / "Digits.mlmodel").string();
  EXPECT_EQ(run_mlqc({"init", copy}).exit, 0);
  const std::string file = (folder / "digits.mlq.yaml").string();
  EXPECT_EQ(parse_manifest(file).model.file.value, copy);
  const Outcome compiled = run_mlqc({"compile", file, "-o", (folder / "out").string()});
  EXPECT_THAT(compiled.exit, testing::AnyOf(0, 1)) << compiled.err;
  const std::string text = read(file);
  const Outcome again = run_mlqc({"init", copy});
  EXPECT_EQ(again.exit, 2);
  EXPECT_THAT(again.err, HasSubstr("this file exists already [MLQ502]"));
  EXPECT_EQ(read(file), text);
  EXPECT_EQ(run_mlqc({"init", copy, "-o", (folder / "sub/other.mlq.yaml").string()}).exit, 0);
  EXPECT_TRUE(fs::equivalent(parse_manifest(folder / "sub/other.mlq.yaml").model.file.value, copy));
}

TEST(Schema, PrintsTheSchemaAndTheManual) {
  EXPECT_EQ(run_mlqc({"schema"}).out, manifest_schema());
  EXPECT_EQ(run_mlqc({"schema", "--manual"}).out, manifest_manual());
}

TEST(Progress, IsSilentWithoutATerminal) {
  const TemporaryFolder folder;
  const std::string manifest = test::digits_manifest(folder, test::good_settings());
  EXPECT_EQ(run_mlqc({"quantize", manifest, "-o", folder.path().string(), "--name", "d"}).err, "");
  const Outcome always =
      run_mlqc({"quantize", manifest, "-o", (folder / "b").string(), "--name", "d", "--progress", "always"});
  EXPECT_THAT(always.err, HasSubstr("d: quantizing"));
}

}  // namespace
}  // namespace mlqc
