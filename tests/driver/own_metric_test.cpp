// Metrics of the user's own: measured by the plugin, judged without it, and named when they do wrong.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "tests/driver/digits.h"
#include "tests/driver/mlqc.h"
#include "tests/support/files.h"

namespace mlqc {
namespace {

namespace fs = std::filesystem;
using mlq::test::TemporaryFolder;
using test::Outcome;
using test::run_mlqc;
using testing::AllOf;
using testing::HasSubstr;

struct OwnMetric : testing::Test {
  TemporaryFolder folder;
  fs::path out = folder / "out";

  std::string manifest(const std::string& name, const std::string& rest, const std::string& limit) {
    return test::digits_manifest(folder,
                                 "quantize: { algorithm: linear, bits: 4 }\n"
                                 "validate:\n  samples: { random: 6 }\n  metrics: [ { name: " +
                                     name + ", function: app::" + name + ", header: m.h, " + rest +
                                     " } ]\ngate: [ { output: classLabelProbs, metric: " + limit + " } ]\n");
  }
  Outcome quantize(const std::string& file, const std::string& plugin = METRICS) {
    std::vector<std::string> words = {"quantize", file, "-o", out.string(), "--plugin-seconds", "20"};
    if (!plugin.empty()) words.insert(words.end(), {"--plugin", plugin});
    return run_mlqc(words);
  }
  double figure(const char* metric) {
    const auto measured = nlohmann::json::parse(mlq::test::read(out / "digits.measured.json"));
    return measured["outputs"]["classLabelProbs"][metric]["value"];
  }
};

TEST_F(OwnMetric, IsMeasuredLikeTheOneThatItRepeats) {
  const std::string file = manifest("distance", "better: lower, over_samples: worst", "distance, at_most: 1");
  ASSERT_EQ(quantize(file).exit, 0);
  EXPECT_GT(figure("distance"), 0);
  EXPECT_EQ(figure("distance"), figure("max_abs_error"));
}

TEST_F(OwnMetric, OfWhichHigherIsBetterTheWorstIsTheSmallest) {
  const std::string file =
      manifest("distance", "better: higher, over_samples: worst", "distance, at_least: 0");
  ASSERT_EQ(quantize(file).exit, 0);
  EXPECT_LT(figure("distance"), figure("max_abs_error"));
}

TEST_F(OwnMetric, IsJudgedAlsoWithoutItsCode) {
  const std::string file = manifest("distance", "better: lower", "distance, at_most: 1.0e-9");
  ASSERT_EQ(quantize(file).exit, 0);
  const Outcome red = run_mlqc({"gate", file, "-o", out.string()});
  EXPECT_EQ(red.exit, 1);
  EXPECT_THAT(red.err, AllOf(HasSubstr("digits.mlq.yaml:7:"), HasSubstr("distance")));
}

TEST_F(OwnMetric, ThatCannotSayHoldsNoLimit) {
  const std::string file = manifest("cannot_say", "better: lower", "cannot_say, at_most: 1");
  ASSERT_EQ(quantize(file).exit, 0);
  EXPECT_EQ(run_mlqc({"gate", file, "-o", out.string(), "--plugin", METRICS}).exit, 1);
}

TEST_F(OwnMetric, WithoutCodeIsNoMetric) {
  const Outcome run = quantize(manifest("distance", "better: lower", "distance, at_most: 1"), "");
  EXPECT_EQ(run.exit, 2);
  EXPECT_THAT(run.err,
              AllOf(HasSubstr("digits.mlq.yaml:6:14: error: the metric 'distance' has no code [MLQ314]"),
                    HasSubstr("METRICS")));
}

TEST_F(OwnMetric, MisspeltOrTakenNamesAreRefused) {
  const Outcome misspelt = quantize(manifest("distance", "better: lower", "distanse, at_most: 1"));
  EXPECT_EQ(misspelt.exit, 2);
  EXPECT_THAT(misspelt.err, AllOf(HasSubstr("digits.mlq.yaml:7:"), HasSubstr("did you mean 'distance'?")));
  const Outcome taken = quantize(manifest("ssim", "better: higher", "ssim, at_least: 1"));
  EXPECT_EQ(taken.exit, 2);
  EXPECT_THAT(taken.err, HasSubstr("there is a metric 'ssim' already"));
}

TEST_F(OwnMetric, WhatItDoesWrongIsItsOwn) {
  struct Fault {
    const char *name, *sentence;
  };
  for (const Fault& fault :
       {Fault{"throws", "metric 'throws' of output 'classLabelProbs' threw an exception: no classLabelProbs"},
        Fault{"crashes",
              "metric 'crashes' of output 'classLabelProbs' (one sample) crashed: Segmentation"}}) {
    const std::string name = fault.name;
    const Outcome run = quantize(manifest(name, "better: lower", name + ", at_most: 1"));
    EXPECT_EQ(run.exit, 3) << name;
    EXPECT_THAT(run.err, HasSubstr(fault.sentence)) << name;
    EXPECT_FALSE(fs::exists(out / "digits.mlq")) << name;
  }
  const Outcome loop = run_mlqc({"quantize", manifest("loops", "better: lower", "loops, at_most: 1"), "-o",
                                 out.string(), "--plugin", METRICS, "--plugin-seconds", "3"});
  EXPECT_EQ(loop.exit, 3);
  EXPECT_THAT(loop.err, HasSubstr("(one sample) did not come back within 3 seconds"));
}

}  // namespace
}  // namespace mlqc
