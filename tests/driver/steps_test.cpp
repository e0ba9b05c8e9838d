// The three cuts as a build runs them: outputs, skipping, depfiles, verdicts.
#include <gmock/gmock.h>

#include <chrono>
#include <nlohmann/json.hpp>

#include "compiler/backends/backend.h"
#include "tests/driver/digits.h"
#include "tests/driver/mlqc.h"

namespace mlqc {
namespace {

namespace fs = std::filesystem;
using mlq::test::read;
using mlq::test::TemporaryFolder;
using test::digits_manifest;
using test::good_settings;
using test::names_in;
using test::Outcome;
using test::run_mlqc;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct Steps : testing::Test {
  TemporaryFolder folder;
  fs::path out = folder / "out";
  std::string manifest = digits_manifest(folder, good_settings());

  Outcome step(std::vector<std::string> words, const std::vector<std::string>& environment = {}) {
    words.insert(words.begin() + 1, {manifest, "-o", out.string(), "--name", "net"});
    return run_mlqc(words, environment);
  }
  std::string old_time(const fs::path& file) {
    fs::last_write_time(file, fs::file_time_type::clock::now() - std::chrono::hours(1));
    return file.string();
  }
  bool is_old(const fs::path& file) {
    return fs::last_write_time(file) < fs::file_time_type::clock::now() - std::chrono::minutes(30);
  }
};

TEST_F(Steps, EachWritesWhatItSaysAndNoMore) {
  EXPECT_EQ(step({"codegen"}).exit, 0);
  EXPECT_THAT(names_in(out), ElementsAre("net.cpp", "net.hpp"));
  EXPECT_EQ(step({"quantize"}).exit, 0);
  EXPECT_THAT(names_in(out), ElementsAre("net.cpp", "net.details.json", "net.hpp", "net.key",
                                         "net.measured.json", "net.mlq"));
  EXPECT_EQ(step({"gate"}).exit, 0);
  EXPECT_THAT(names_in(out), ElementsAre("net.cpp", "net.details.json", "net.hpp", "net.key", "net.manifest",
                                         "net.measured.json", "net.mlq", "net.report.html", "net.report.json",
                                         "net.verdict"));
  EXPECT_EQ(read(out / "net.verdict"), "passed\n");
}

TEST_F(Steps, GateKnowsItsMeasurementFromAnyFolder) {
  ASSERT_EQ(step({"quantize"}).exit, 0);
  manifest = fs::relative(manifest).string();
  EXPECT_EQ(step({"gate"}).exit, 0);
}

TEST_F(Steps, CompileIsAllThreeAndPrintsTheTable) {
  const Outcome run = step({"compile", "--json", (folder / "r.json").string()});
  EXPECT_EQ(run.exit, 0) << run.err;
  EXPECT_THAT(run.out, HasSubstr("top1_agreement"));
  EXPECT_EQ(names_in(out).size(), 10u);
  EXPECT_EQ(read(folder / "r.json"), read(out / "net.report.json"));
  const auto report = nlohmann::json::parse(read(out / "net.report.json"));
  EXPECT_EQ(report["model"], "net");
  EXPECT_EQ(report["samples"]["count"], 20);
  EXPECT_EQ(report["bytes"]["artifact"], fs::file_size(out / "net.mlq"));
  EXPECT_EQ(report["passed"], true);
  EXPECT_EQ(report["checks"].size(), 2u);
  EXPECT_FALSE(report["layers"].empty());
}

TEST_F(Steps, TheNameComesFromTheManifestUnlessGiven) {
  EXPECT_EQ(run_mlqc({"codegen", manifest, "-o", out.string()}).exit, 0);
  EXPECT_THAT(names_in(out), ElementsAre("digits.cpp", "digits.hpp"));
  EXPECT_EQ(run_mlqc({"codegen", manifest, "-o", out.string(), "--name", "../up"}).exit, 2);
  EXPECT_FALSE(fs::exists(folder / "up.hpp"));
}

TEST_F(Steps, OutputsAreTheSameForAnyNumberOfThreadsAndAnyFolder) {
  EXPECT_EQ(step({"compile", "--threads", "1"}).exit, 0);
  const fs::path other = folder / "an other";
  EXPECT_EQ(run_mlqc({"compile", manifest, "-o", other.string(), "--name", "net", "--threads", "3"}).exit, 0);
  for (const char* name : {"net.mlq", "net.hpp", "net.cpp", "net.verdict"})
    EXPECT_EQ(read(out / name), read(other / name)) << name;
  auto a = nlohmann::json::parse(read(out / "net.report.json")),
       b = nlohmann::json::parse(read(other / "net.report.json"));
  for (auto* report : {&a, &b}) {
    report->erase("seconds");
    (*report)["tool"].erase("threads");
  }
  EXPECT_EQ(a, b);
}

TEST_F(Steps, QuantizeSkipsWhenNothingThatCountsHasChanged) {
  EXPECT_EQ(step({"quantize"}).exit, 0);
  old_time(out / "net.measured.json");  // is written anew, with other seconds, by every real run
  EXPECT_EQ(step({"quantize"}).exit, 0);
  EXPECT_TRUE(is_old(out / "net.measured.json"));
  std::string other_limit = good_settings();
  other_limit.replace(other_limit.find("0.9 "), 3, "0.8");
  digits_manifest(folder, other_limit + "# a comment\ninterface: { class: Other }\n");
  EXPECT_EQ(step({"quantize"}).exit, 0);
  EXPECT_TRUE(is_old(out / "net.measured.json"));
}

TEST_F(Steps, QuantizeRunsWhenSettingsModelSamplesOrOutputsHaveChanged) {
  const auto runs_again = [&](const char* why) {
    old_time(out / "net.measured.json");
    EXPECT_EQ(step({"quantize"}).exit, 0) << why;
    EXPECT_FALSE(is_old(out / "net.measured.json")) << why;
  };
  EXPECT_EQ(step({"quantize"}).exit, 0);
  std::string settings = good_settings();
  settings.replace(settings.find("bits: 8"), 7, "bits: 7");
  digits_manifest(folder, settings);
  runs_again("bits");
  settings.replace(settings.find("limit: 20"), 9, "limit: 21");
  digits_manifest(folder, settings);
  runs_again("samples");
  const std::string artifact = read(out / "net.mlq");
  folder.write("out/net.mlq", artifact.substr(0, artifact.size() / 2));
  runs_again("a damaged artifact");
  EXPECT_EQ(read(out / "net.mlq"), artifact);
  fs::remove(out / "net.mlq");
  runs_again("no artifact");
  folder.write("out/net.key", "{ \"key\": 7");
  runs_again("a damaged key");
}

TEST_F(Steps, GateJudgesAgainWithoutQuantizing) {
  EXPECT_EQ(step({"quantize"}).exit, 0);
  std::string strict = good_settings();
  strict.replace(strict.find("1 MiB"), 5, "1 KiB");
  digits_manifest(folder, strict);
  const Outcome red = step({"gate", "--stamp", (folder / "s").string()});
  EXPECT_EQ(red.exit, 1);
  EXPECT_THAT(red.err, HasSubstr(manifest + ":7:30: error: "));
  EXPECT_THAT(red.err, HasSubstr("[MLQ200]"));
  EXPECT_THAT(red.err, HasSubstr("- { metric: size, at_most: 1 KiB }"));
  EXPECT_EQ(read(out / "net.verdict"), "failed\n");
  EXPECT_FALSE(fs::exists(folder / "s"));
  EXPECT_EQ(nlohmann::json::parse(read(out / "net.report.json"))["passed"], false);

  const Outcome warn = step({"gate", "--mode", "warn", "--stamp", (folder / "s").string()});
  EXPECT_EQ(warn.exit, 0);
  EXPECT_THAT(warn.err, HasSubstr("warning: "));
  EXPECT_TRUE(fs::exists(folder / "s"));
  EXPECT_EQ(read(out / "net.verdict"), "failed, only a warning\n");

  const Outcome off = step({"gate", "--mode", "off"});
  EXPECT_EQ(off.exit, 0);
  EXPECT_THAT(off.err, HasSubstr("warning: the gate is off: 1 of its limits do not hold"));
  EXPECT_EQ(read(out / "net.verdict"), "off\n");
}

TEST_F(Steps, GateRefusesWhatWasMeasuredWithOtherSettings) {
  EXPECT_EQ(step({"gate"}).exit, 2);
  EXPECT_THAT(step({"gate"}).err, HasSubstr("nothing was measured yet [MLQ220]"));
  EXPECT_EQ(step({"quantize"}).exit, 0);
  std::string settings = good_settings();
  settings.replace(settings.find("bits: 8"), 7, "bits: 4");
  digits_manifest(folder, settings);
  const Outcome run = step({"gate"});
  EXPECT_EQ(run.exit, 2);
  EXPECT_THAT(run.err, HasSubstr("[MLQ221]"));
  EXPECT_FALSE(fs::exists(out / "net.verdict"));
}

TEST_F(Steps, DepfilesNameWhatWasRead) {
  const auto depfile = [&](const char* command) {
    const Outcome run =
        step({command, "--depfile", (folder / "d").string(), "--stamp", (folder / "s t").string()});
    EXPECT_EQ(run.exit, 0) << run.err;
    EXPECT_TRUE(fs::exists(folder / "s t"));
    return read(folder / "d");
  };
  const std::string model = (folder / "digits.mlmodel").string();
  const std::string target = folder.path().string() + "/s\\ t:";
  EXPECT_EQ(depfile("codegen"), target + " \\\n  " + model + " \\\n  " + manifest + "\n");
  const std::string weights = depfile("quantize");
  EXPECT_THAT(weights, testing::StartsWith(target));
  EXPECT_THAT(weights, HasSubstr(model));
  EXPECT_THAT(weights, HasSubstr(test::digits_folder().string() + "/samples \\\n"));
  EXPECT_GE(std::count(weights.begin(), weights.end(), '\n'), 20);
  EXPECT_EQ(depfile("quantize"), weights) << "skipping must not lose dependencies";
  EXPECT_THAT(depfile("gate"), HasSubstr("net.measured.json"));
}

TEST_F(Steps, AcceptWritesTheBaselineAndOnlyWherePeopleAre) {
  const std::string baseline = (folder / "b/net.json").string();
  digits_manifest(
      folder,
      good_settings() +
          "  - { output: classLabelProbs, metric: top1_agreement, max_drop: 0.01 }\nbaseline: b/net.json\n");
  EXPECT_EQ(step({"quantize"}).exit, 0);
  EXPECT_EQ(step({"gate"}).exit, 2);
  EXPECT_THAT(step({"gate"}).err, HasSubstr("[MLQ204]"));
  EXPECT_EQ(step({"accept", "--reason", "first", "--yes"}, {"CI=true"}).exit, 2);
  EXPECT_EQ(step({"accept", "--reason", "first"}).exit, 2) << "nobody can be asked";
  EXPECT_TRUE(fs::exists(baseline + ".pending")) << "what waits to be accepted lies beside it";
  EXPECT_FALSE(fs::exists(baseline));
  const Outcome run = step({"accept", "--reason", "first", "--yes"});
  EXPECT_EQ(run.exit, 0) << run.err;
  EXPECT_THAT(run.out, testing::ContainsRegex("classLabelProbs +top1_agreement +- +[0-9.]+"));
  EXPECT_EQ(nlohmann::json::parse(read(baseline))["reason"], "first");
  EXPECT_THAT(run.out, HasSubstr("samples "));
  EXPECT_FALSE(fs::exists(baseline + ".pending"));
  EXPECT_EQ(step({"gate"}).exit, 0);
}

TEST_F(Steps, AcceptNeedsABaselineInTheManifest) {
  const Outcome run = step({"accept", "--reason", "r", "--yes"});
  EXPECT_EQ(run.exit, 2);
  EXPECT_THAT(run.err, HasSubstr("the manifest names no baseline"));
}

TEST_F(Steps, APinnedModelIsChecked) {
  digits_manifest(folder, "");
  const std::string wrong(64, '0');
  folder.write("digits.mlq.yaml", "schema: 1\nmodel:\n  file: digits.mlmodel\n  sha256: \"" + wrong + "\"\n");
  const Outcome run = step({"codegen"});
  EXPECT_EQ(run.exit, 3);
  EXPECT_THAT(run.err, HasSubstr(":4:11: error: "));
  EXPECT_THAT(run.err, HasSubstr("its SHA-256 is "));
  EXPECT_THAT(names_in(out), IsEmpty());
}

TEST_F(Steps, SectionsThatNothingReadsYetAreNamed) {
  digits_manifest(folder, "calibrate: { random: 4 }\n");
  const Outcome run = step({"quantize"});
  EXPECT_EQ(run.exit, 0);
  EXPECT_THAT(run.err, HasSubstr(":3:12: warning: 'calibrate' has no effect in this version [MLQ113]"));
}

TEST_F(Steps, EmitsTheSourcesFormatWithQuantizedWeights) {
  digits_manifest(folder, "quantize: { algorithm: linear, bits: 8 }\nemit: [coreml]\n");
  EXPECT_EQ(step({"quantize"}).exit, 0);
  EXPECT_THAT(names_in(out),
              ElementsAre("net.details.json", "net.key", "net.measured.json", "net.mlmodel", "net.mlq"));
  EXPECT_LT(fs::file_size(out / "net.mlmodel"), fs::file_size(folder / "digits.mlmodel"));
}

// The same numbers in fewer bytes: what was measured stays, bit for bit.
TEST_F(Steps, CodedWeightsTakeLessAndMeasureTheSame) {
  EXPECT_EQ(step({"quantize"}).exit, 0);
  const auto packed = fs::file_size(out / "net.mlq");
  const auto before = nlohmann::json::parse(read(out / "net.measured.json"));
  std::string settings = good_settings();
  settings.replace(settings.find("bits: 8"), 7, "bits: 8, storage: coded");
  digits_manifest(folder, settings);
  if (!find_backend("mlq")->write_coded) {
    const Outcome run = step({"quantize"});
    EXPECT_EQ(run.exit, 2);
    EXPECT_THAT(run.err, HasSubstr("without htscodecs"));
    return;
  }
  const Outcome run = step({"compile"});
  EXPECT_EQ(run.exit, 0) << run.err;
  EXPECT_LT(fs::file_size(out / "net.mlq"), packed);
  const auto after = nlohmann::json::parse(read(out / "net.measured.json"));
  EXPECT_EQ(after.at("outputs"), before.at("outputs"));
}

}  // namespace
}  // namespace mlqc
