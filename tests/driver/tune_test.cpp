// `bits: auto`, end to end on the digits: what is found holds, is printed, kept and the same every time.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <regex>

#include "tests/driver/digits.h"
#include "tests/driver/mlqc.h"

namespace mlqc {
namespace {

namespace fs = std::filesystem;
using mlq::test::read;
using mlq::test::TemporaryFolder;
using test::digits_folder;
using test::digits_manifest;
using test::Outcome;
using test::run_mlqc;
using testing::HasSubstr;
using testing::Not;

struct Tune : testing::Test {
  TemporaryFolder folder;
  fs::path out = folder / "out";

  // Some digits calibrate, the others judge.
  Tune() {
    for (const char* name : {"calibrate", "judge"}) fs::create_directory(folder / name);
    for (int digit = 0; digit < 9; ++digit)
      fs::create_directory_symlink(digits_folder() / "samples" / std::to_string(digit),
                                   folder / (digit % 3 == 0 ? "calibrate" : "judge") / std::to_string(digit));
  }

  std::string manifest(const std::string& quantize, const std::string& rest = "") {
    return digits_manifest(folder, "quantize: " + quantize +
                                       "\ncalibrate: { images: calibrate, limit: 9 }\n"
                                       "validate: { samples: { images: judge, limit: 40 } }\n" +
                                       rest);
  }
  std::string automatic(const std::string& budget) {
    return manifest("{ algorithm: kmeans_lut, bits: auto, rounding: compensated, budget: { " + budget +
                    " } }");
  }
  Outcome build(const std::string& file) {
    return run_mlqc({"compile", file, "-o", out.string(), "--name", "net"});
  }
  nlohmann::json report() const { return nlohmann::json::parse(read(out / "net.report.json")); }
  int bits_of(const std::string& layer) const {
    const nlohmann::json json = report();
    for (const auto& each : json["layers"])
      if (each["name"] == layer) return each["bits"];
    return 0;
  }
};

TEST_F(Tune, TheModelReachesTheBudgetWithTheRecipesBits) {
  const Outcome run = build(automatic("at_least: 0.9"));
  ASSERT_EQ(run.exit, 0) << run.err;
  double agreement = 0;
  const nlohmann::json json = report();
  for (const auto& [output, metrics] : json["outputs"].items())
    if (metrics.contains("top1_agreement")) agreement = metrics["top1_agreement"]["value"];
  EXPECT_GE(agreement, 0.9);
  const std::string recipe = read(out / "net.recipe.yaml");
  const std::regex line("match: \"([^\"]*)\", bits: ([0-9]+)");
  int lines = 0, narrow = 0;
  for (std::sregex_iterator it(recipe.begin(), recipe.end(), line), end; it != end; ++it, ++lines) {
    EXPECT_EQ(bits_of((*it)[1]), std::stoi((*it)[2])) << (*it)[1];
    narrow += std::stoi((*it)[2]) < 8;
  }
  EXPECT_GT(lines, 1);
  EXPECT_GT(narrow, 0) << recipe;
  // Of all looks that the recipe lists it is the smallest that reached the goal.
  const std::size_t size = fs::file_size(out / "net.mlq");
  EXPECT_THAT(recipe, HasSubstr("# " + std::to_string(size) + " bytes; top1_agreement "));
  const std::regex look("# looked at ([0-9]+) bytes: ([0-9.]+)");
  for (std::sregex_iterator it(recipe.begin(), recipe.end(), look), end; it != end; ++it)
    EXPECT_TRUE(std::stoul((*it)[1]) >= size || std::stod((*it)[2]) < 0.9) << recipe;
}

TEST_F(Tune, ThePrintedRecipeMakesTheSameModelAndIsTheSameForAnyNumberOfThreads) {
  const std::string file = automatic("max_size: 40 KB");
  ASSERT_EQ(build(file).exit, 0);
  const std::string found = read(out / "net.mlq");
  EXPECT_LE(found.size(), 40000u);
  const Outcome tune = run_mlqc({"tune", file, "--threads", "1"});
  ASSERT_EQ(tune.exit, 0) << tune.err;
  EXPECT_EQ(tune.out, read(out / "net.recipe.yaml"));
  const std::string pasted =
      folder
          .write("pasted.mlq.yaml", "schema: 1\nmodel: { file: digits.mlmodel }\n" + tune.out +
                                        "calibrate: { images: calibrate, limit: 9 }\n")
          .string();
  ASSERT_EQ(run_mlqc({"compile", pasted, "-o", (folder / "other").string(), "--name", "net"}).exit, 0);
  EXPECT_EQ(read(folder / "other/net.mlq"), found);
}

TEST_F(Tune, ARecipeThatIsThereIsTakenAsLongAsItsKeyHolds) {
  const std::string file = automatic("max_size: 40 KB");
  ASSERT_EQ(build(file).exit, 0);
  const std::string recipe = read(out / "net.recipe.yaml");
  const std::string changed =
      std::regex_replace(recipe, std::regex("bits: [0-9]+(, reason[^}]*)? }"), "bits: 3 }");
  ASSERT_NE(changed, recipe);
  folder.write("out/net.recipe.yaml", changed);
  fs::remove(out / "net.key");
  ASSERT_EQ(build(file).exit, 0);
  EXPECT_EQ(read(out / "net.recipe.yaml"), changed) << "it was searched again";
  ASSERT_EQ(build(automatic("max_size: 41 KB")).exit, 0);
  EXPECT_NE(read(out / "net.recipe.yaml"), changed) << "it was not searched again";
  folder.write("out/net.recipe.yaml", "# key nonsense\n{");
  fs::remove(out / "net.key");
  EXPECT_EQ(build(automatic("max_size: 41 KB")).exit, 0) << "a damaged one is found anew";
}

TEST_F(Tune, RulesOfLayersHold) {
  ASSERT_EQ(build(manifest("{ algorithm: kmeans_lut, bits: 8 }")).exit, 0);
  const std::string first = report()["layers"][0]["name"];
  ASSERT_EQ(
      build(manifest("{ algorithm: linear, bits: auto, budget: { max_size: 40 KB }, layers: [ { match: \"" +
                     first + "\", bits: 7 } ] }"))
          .exit,
      0);
  EXPECT_EQ(bits_of(first), 7);
  EXPECT_THAT(read(out / "net.recipe.yaml"), HasSubstr("match: \"" + first + "\", bits: 7"));
}

// Coded, the choice is among steps, one a class where scores are made, and bytes are counted after coding.
TEST_F(Tune, CodedWeightsGetStepsAsWideAsPay) {
  const auto coded = [&](const std::string& quantize) {
    return manifest("{ algorithm: kmeans_lut, rounding: compensated, storage: coded, " + quantize + " }");
  };
  const Outcome run = build(coded("bits: auto, budget: { max_size: 24 KB }"));
  if (run.err.find("without htscodecs") != std::string::npos) GTEST_SKIP() << "no coder";
  ASSERT_EQ(run.exit, 0) << run.err;
  const std::string found = read(out / "net.mlq"), recipe = read(out / "net.recipe.yaml");
  EXPECT_LE(found.size(), 24000u);
  EXPECT_THAT(recipe, testing::ContainsRegex("algorithm: trellis, step: [0-9.]+, granularity: per_tensor"));
  EXPECT_THAT(recipe, testing::ContainsRegex("algorithm: trellis, step: [0-9.]+, granularity: per_class"));
  const std::string pasted =
      folder
          .write("pasted.mlq.yaml", "schema: 1\nmodel: { file: digits.mlmodel }\n" + recipe +
                                        "calibrate: { images: calibrate, limit: 9 }\n")
          .string();
  ASSERT_EQ(run_mlqc({"compile", pasted, "-o", (folder / "other").string(), "--name", "net"}).exit, 0);
  EXPECT_EQ(read(folder / "other/net.mlq"), found);
}

// Not what one would do to digits, but they are what is at hand.
TEST_F(Tune, MirroredPicturesSteerToo) {
  const auto artifact = [&](const std::string& more) {
    const std::string file =
        digits_manifest(folder,
                        "quantize: { algorithm: kmeans_lut, bits: 3, rounding: compensated }\n"
                        "calibrate: { images: calibrate, limit: 9" +
                            more + " }\n");
    EXPECT_EQ(build(file).exit, 0);
    return read(out / "net.mlq");
  };
  const std::string plain = artifact(""), both = artifact(", augment: [mirror]");
  EXPECT_EQ(plain.size(), both.size());
  EXPECT_NE(plain, both) << "the same key, or samples that make no difference";
}

TEST_F(Tune, SaysWhatCannotBe) {
  Outcome run = build(automatic("max_size: 1 KB"));
  EXPECT_EQ(run.exit, 1);
  EXPECT_THAT(run.err, HasSubstr("no bits make the artifact as small as 1000 bytes [MLQ135]"));
  run = build(automatic("metric: pixel_agreement, at_least: 0.9"));
  EXPECT_EQ(run.exit, 2);
  EXPECT_THAT(run.err, HasSubstr("'pixel_agreement' judges none of the model's outputs [MLQ203]"));
  run = run_mlqc({"tune", manifest("{ algorithm: linear, bits: 8 }")});
  EXPECT_EQ(run.exit, 2);
  EXPECT_THAT(run.err, HasSubstr("MLQ134"));
}

TEST_F(Tune, ARedGateNamesCuresOfTheBitsFound) {
  const std::string file =
      manifest("{ algorithm: kmeans_lut, bits: auto, budget: { max_size: 24 KB } }",
               "gate: [ { output: classLabelProbs, metric: max_abs_error, at_most: 0 } ]\n");
  const Outcome run = build(file);
  EXPECT_EQ(run.exit, 1);
  EXPECT_THAT(run.err, Not(HasSubstr("could not be looked for")));
}

TEST_F(Tune, RefusesSamplesThatJudgeAndSteer) {
  const std::string file =
      digits_manifest(folder,
                      "quantize: { algorithm: linear, bits: auto, budget: { at_least: 0.9 } }\n"
                      "calibrate: { images: judge }\nvalidate: { samples: { images: judge } }\n");
  const Outcome run = build(file);
  EXPECT_EQ(run.exit, 2);
  EXPECT_THAT(run.err, HasSubstr("MLQ406"));
}

}  // namespace
}  // namespace mlqc
