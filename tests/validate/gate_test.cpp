#include "compiler/validate/gate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/support/files.h"

namespace mlqc {
namespace {

using testing::AllOf;
using testing::HasSubstr;

template <class T>
At<T> at(T value, int line) {
  return {std::move(value), {"net.mlq.yaml", line, 5}};
}

Report classifier(std::size_t hits, std::size_t n) {
  Report report;
  report.model = "net";
  report.source_bytes = 4000000;
  report.artifact_bytes = 1000000;
  report.sample_count = n;
  report.samples_sha256 = "aa";
  report.outputs["probs"]["top1_agreement"] = wilson(hits, n);
  report.outputs["probs"]["snr_db"] = {30, 30, 30, n};
  report.outputs["probs"]["max_abs_error"] = {0.25, 0.25, 0.25, n};
  report.outputs["label"]["top1_agreement"] = wilson(hits, n);
  report.layers = {{"conv1", "Conv", 4, "linear", "per_channel", "nearest", "", 10, 5, 21.5},
                   {"conv2", "Conv", 4, "linear", "per_channel", "nearest", "", 10, 5, 9.25},
                   {"fc", "Gemm", 32, "none", "", "", "", 10, 40, std::numeric_limits<double>::infinity()}};
  return report;
}

Manifest manifest(std::vector<GateSection> gate) {
  Manifest made;
  made.file = "net.mlq.yaml";
  made.samples.emplace();
  made.gate = std::move(gate);
  return made;
}

GateSection entry(const std::string& output, const std::string& metric) {
  GateSection made;
  made.where = {"net.mlq.yaml", 10, 3};
  made.output = at(output, 11);
  made.metric = at(metric, 12);
  return made;
}

GateSection at_least(double limit) {
  GateSection made = entry("probs", "top1_agreement");
  made.at_least = at(limit, 13);
  return made;
}

GateSection max_drop(const std::string& output, const std::string& metric, double limit) {
  GateSection made = entry(output, metric);
  made.max_drop = at(limit, 14);
  return made;
}

// What is thrown, as one text: place, sentence, code and hint.
std::string refusal(const Report& report, GateSection gate, const std::optional<Baseline>& baseline = {}) {
  try {
    judge(report, manifest({std::move(gate)}), baseline);
  } catch (const Error& error) {
    EXPECT_EQ(error.exit(), Exit::usage);
    const Diagnostic& said = error.diagnostic();
    return std::to_string(said.where.line) + ": " + said.what + " [" + said.code + "] " + said.hint;
  }
  return "nothing";
}

TEST(Judge, HoldsEachLimitInOrder) {
  GateSection size = entry("", "size");
  size.at_most = at(999999.0, 20);
  const Report report = judge(classifier(98, 100), manifest({at_least(0.98), at_least(0.99), size}), {});
  ASSERT_EQ(report.checks.size(), 3u);
  EXPECT_TRUE(report.checks[0].passed);
  EXPECT_EQ(report.checks[0].limit, "at_least 0.98");
  EXPECT_FALSE(report.checks[1].passed);
  EXPECT_EQ(report.checks[1].where.line, 13);
  EXPECT_THAT(report.checks[1].sentence,
              AllOf(HasSubstr("98 % (98 of 100 samples)"), HasSubstr("99.00 %"), HasSubstr("'probs'")));
  EXPECT_THAT(report.checks[1].hint, AllOf(HasSubstr("bits"), HasSubstr("conv2 (4 bits, 9.2 dB), conv1")));
  EXPECT_FALSE(report.checks[2].passed);
  EXPECT_EQ(report.checks[2].value, 1000000);
  EXPECT_EQ(report.checks[2].output, "");
  EXPECT_FALSE(report.passed);
  EXPECT_TRUE(judge(report, manifest({at_least(0.9)}), {}).passed) << "judging again starts anew";
}

TEST(Judge, FailedSamplesAloneMakeItRed) {
  Report report = classifier(100, 100);
  report.failed = {{"cat.jpg", "is empty"}};
  EXPECT_FALSE(judge(report, manifest({at_least(0.5)}), {}).passed);
  EXPECT_TRUE(judge(report, manifest({at_least(0.5)}), {}).checks[0].passed);
}

TEST(Judge, ANumberThatIsNoneFails) {
  Report report = classifier(98, 100);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (auto& [name, measured] : report.outputs["probs"]) measured = {nan, nan, nan, 100};
  GateSection most = entry("probs", "max_abs_error");
  most.at_most = at(1e9, 13);
  GateSection drop = max_drop("probs", "snr_db", 1e9);
  const Baseline baseline = baseline_of(classifier(98, 100), "");
  for (const GateSection& gate : {at_least(0), most, drop})
    EXPECT_FALSE(judge(report, manifest({gate}), baseline).passed);
}

TEST(Judge, ConfidenceTakesTheBoundOfTheInterval) {
  GateSection gate = at_least(0.95);
  gate.confidence = at(0.95, 15);
  const Report red = judge(classifier(295, 300), manifest({at_least(0.95), gate}), {});
  EXPECT_TRUE(red.checks[0].passed);
  EXPECT_TRUE(red.checks[1].passed);
  EXPECT_NEAR(red.checks[1].value, 0.9662, 1e-4);  // Wilson, one-sided, of 98.33 %
  const Report weak = judge(classifier(290, 300), manifest({at_least(0.95), gate}), {});
  EXPECT_TRUE(weak.checks[0].passed);
  EXPECT_FALSE(weak.checks[1].passed);
  EXPECT_THAT(weak.checks[1].sentence, HasSubstr("300 samples"));
}

TEST(Judge, Of256SamplesAt984PerCentTheBoundIs966) {
  GateSection gate = at_least(0.98);
  gate.confidence = at(0.95, 15);
  const Report report = judge(classifier(252, 256), manifest({gate}), {});
  ASSERT_FALSE(report.passed);
  const Check& check = report.checks[0];
  EXPECT_THAT(check.sentence, AllOf(HasSubstr("98.44 % (252 of 256 samples)"), HasSubstr("95 %"),
                                    HasSubstr("is 96.6 %"), HasSubstr("at least 98.00 %")));
  ASSERT_GT(check.would_settle, 256u);
  EXPECT_THAT(check.notes.at(0), HasSubstr(std::to_string(check.would_settle) + " samples would settle it"));
  // So many samples do.
  const std::size_t n = check.would_settle + 64;
  EXPECT_TRUE(judge(classifier(n * 252 / 256 + 1, n), manifest({gate}), {}).passed);
}

TEST(Judge, NamesTheWorstClass) {
  Report report = classifier(98, 100);
  report.outputs["probs"]["worst_class_agreement"] = wilson(3, 10);
  report.rankings["probs"].classes = {{"cat", 90, 90}, {"hot dog", 10, 3}};
  GateSection gate = entry("probs", "worst_class_agreement");
  gate.at_least = at(0.5, 13);
  const Report judged = judge(report, manifest({gate}), {});
  EXPECT_FALSE(judged.passed);
  EXPECT_THAT(judged.checks[0].sentence, HasSubstr("30.00 %"));
  EXPECT_THAT(judged.checks[0].notes.at(0), HasSubstr("'hot dog': 3 of its 10 samples"));
}

// All of n agree: the lower bound is n / (n + z^2), one-sided with z = 1.645.
TEST(Judge, SaysHowManySamplesConfidenceNeeds) {
  GateSection gate = at_least(0.98);
  gate.confidence = at(0.95, 15);
  EXPECT_THAT(refusal(classifier(100, 100), gate),
              AllOf(HasSubstr("13: 100 samples"), HasSubstr("133 are needed"), HasSubstr("MLQ206")));
  EXPECT_THAT(refusal(classifier(132, 132), gate), HasSubstr("133 are needed"));
  EXPECT_TRUE(judge(classifier(133, 133), manifest({gate}), {}).passed);
  gate.at_least = at(1.0, 13);
  EXPECT_THAT(refusal(classifier(133, 133), gate), HasSubstr("no number of samples"));
}

TEST(Judge, ConfidenceIsForSharesOnly) {
  GateSection gate = entry("probs", "snr_db");
  gate.at_least = at(20.0, 13);
  gate.confidence = at(0.95, 15);
  EXPECT_THAT(refusal(classifier(9, 10), gate), AllOf(HasSubstr("15: "), HasSubstr("MLQ207")));
}

TEST(Judge, HoldsDropsAgainstTheBaseline) {
  const Baseline baseline = baseline_of(classifier(985, 1000), "first");
  const auto drop_of = [&](std::size_t hits) {
    return judge(classifier(hits, 1000), manifest({max_drop("probs", "top1_agreement", 0.005)}), baseline);
  };
  EXPECT_TRUE(drop_of(990).passed);
  EXPECT_TRUE(drop_of(980).passed) << "exactly the drop that is allowed";
  const Report red = drop_of(979);
  EXPECT_FALSE(red.passed);
  EXPECT_EQ(red.checks[0].baseline, 0.985);
  EXPECT_EQ(red.checks[0].where.line, 14);
  EXPECT_THAT(red.checks[0].hint, HasSubstr("mlqc accept"));
}

Report missing(const std::vector<std::string>& samples) {
  Report report = classifier(1000 - samples.size(), 1000);
  report.outputs["probs"]["top1_agreement"].samples = samples;
  return report;
}

std::vector<std::string> names(int first, int count) {
  std::vector<std::string> made;
  for (int i = 0; i < count; ++i) made.push_back("photo" + std::to_string(first + i));
  return made;
}

TEST(Judge, ComparesSampleBySampleWithTheBaseline) {
  const Manifest limits = manifest({max_drop("probs", "top1_agreement", 0.002)});
  const Baseline baseline = baseline_of(missing(names(0, 10)), "");
  // 10 others miss and 7 of the old ones are mended: 3 more in 1000, which chance explains.
  const Report churn = judge(missing(names(7, 13)), limits, baseline);
  EXPECT_TRUE(churn.passed);
  EXPECT_THAT(churn.checks[0].notes.at(0),
              AllOf(HasSubstr("10 newly flipped, 7 newly mended"), HasSubstr("chance")));
  // The same drop without any mended: nothing to excuse it.
  const Report drop = judge(missing(names(0, 13)), limits, baseline);
  EXPECT_FALSE(drop.passed);
  EXPECT_THAT(drop.checks[0].notes, testing::Contains(HasSubstr("newly flipped: photo10, photo11, photo12")));
  // Far more flipped than mended.
  EXPECT_FALSE(judge(missing(names(2, 30)), limits, baseline).passed);
  const Report better = judge(missing({}), limits, baseline);
  EXPECT_TRUE(better.passed);
  EXPECT_THAT(better.checks[0].notes, testing::Contains(HasSubstr("better than the baseline by 0.01")));
}

TEST(Judge, WorseIsMoreWhereLowerIsBetter) {
  const Baseline baseline = baseline_of(classifier(98, 100), "");
  Report report = classifier(98, 100);
  report.artifact_bytes += 1000;
  report.outputs["probs"]["max_abs_error"].value = 0.5;
  EXPECT_TRUE(judge(report, manifest({max_drop("", "size", 1000)}), baseline).passed);
  EXPECT_FALSE(judge(report, manifest({max_drop("", "size", 999)}), baseline).passed);
  EXPECT_TRUE(judge(report, manifest({max_drop("probs", "max_abs_error", 0.25)}), baseline).passed);
  EXPECT_FALSE(judge(report, manifest({max_drop("probs", "max_abs_error", 0.2)}), baseline).passed);
}

TEST(Judge, RefusesADropWithoutWhatItDropsFrom) {
  const Report report = classifier(98, 100);
  const GateSection gate = max_drop("probs", "top1_agreement", 0.01);
  EXPECT_THAT(refusal(report, gate),
              AllOf(HasSubstr("14: "), HasSubstr("MLQ204"), HasSubstr("mlqc accept net.mlq.yaml")));
  Baseline other = baseline_of(report, "");
  other.samples_sha256 = "bb";
  EXPECT_THAT(refusal(report, gate, other), AllOf(HasSubstr("other samples"), HasSubstr("MLQ205")));
  EXPECT_TRUE(judge(report, manifest({max_drop("", "size", 0)}), other).passed) << "size needs no samples";
  Baseline older = baseline_of(report, "");
  older.outputs["probs"].erase("top1_agreement");
  EXPECT_THAT(refusal(report, gate, older),
              AllOf(HasSubstr("has no top1_agreement of 'probs'"), HasSubstr("MLQ204")));
}

TEST(Judge, NamesWhatWasMeant) {
  const Report report = classifier(98, 100);
  EXPECT_THAT(refusal(report, entry("probs", "top1_agreemnt")),
              AllOf(HasSubstr("12: "), HasSubstr("did you mean 'top1_agreement'")));
  EXPECT_THAT(refusal(report, entry("prob", "snr_db")),
              AllOf(HasSubstr("11: "), HasSubstr("did you mean 'probs'")));
  EXPECT_THAT(refusal(report, entry("label", "snr_db")),
              AllOf(HasSubstr("does not apply to the output 'label'"), HasSubstr("top1_agreement")));
  Report two = report;
  two.outputs["more"] = two.outputs["probs"];
  EXPECT_THAT(refusal(two, entry("", "top1_agreement")), AllOf(HasSubstr("10: "), HasSubstr("more, probs")));
  EXPECT_THAT(refusal(report, entry("", "psnr_db")), HasSubstr("none of the model's outputs"));
  EXPECT_THAT(refusal(report, entry("probs", "size")), HasSubstr("not of an output"));
  GateSection only = entry("", "snr_db");
  only.at_least = at(30.0, 13);
  EXPECT_EQ(judge(report, manifest({only}), {}).checks[0].output, "probs");
  only.metric.value = "top1_agreement";
  EXPECT_EQ(judge(report, manifest({only}), {}).checks[0].output, "probs") << "the label repeats the scores";
}

TEST(Judge, NeedsSamplesForAllButSize) {
  Manifest without = manifest({at_least(0.5)});
  without.samples.reset();
  EXPECT_THROW(judge(classifier(98, 100), without, {}), Error);
  without.gate = {entry("", "size")};
  EXPECT_TRUE(judge(classifier(98, 100), without, {}).passed);
}

TEST(Baseline, SurvivesItsFile) {
  mlq::test::TemporaryFolder folder;
  EXPECT_FALSE(read_baseline(folder / "none.json"));
  Report report = classifier(98, 100);
  report.outputs["probs"]["snr_db"].value = std::numeric_limits<double>::quiet_NaN();
  const Baseline written = baseline_of(report, "new \"weights\"");
  const auto read = read_baseline(folder.write("b.json", to_json(written)));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->outputs, written.outputs);
  EXPECT_EQ(read->outputs.at("").at("size"), 1000000);
  EXPECT_FALSE(read->outputs.at("probs").contains("snr_db")) << "nothing can be held against NaN";
  EXPECT_EQ(read->missed, written.missed);
  EXPECT_EQ(read->reason, "new \"weights\"");
  EXPECT_EQ(read->samples_sha256, "aa");
  for (const char* text : {"", "[]", "{\"schema\": 2}", "<<<<<<< HEAD"})
    EXPECT_THROW(read_baseline(folder.write("bad.json", text)), Error) << text;
}

}  // namespace
}  // namespace mlqc
