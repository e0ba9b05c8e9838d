// Layers that a red gate is due to: what a note promises is what the build then measures.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "tests/driver/digits.h"
#include "tests/driver/mlqc.h"

namespace mlqc {
namespace {

namespace fs = std::filesystem;
using mlq::test::read;
using mlq::test::TemporaryFolder;
using nlohmann::json;
using test::digits_folder;
using test::digits_manifest;
using test::Outcome;
using test::run_mlqc;
using testing::HasSubstr;
using testing::Not;

// Of so few samples all are tried: then cures are exact.
struct Cures : testing::Test {
  TemporaryFolder folder;

  std::string settings(const std::string& rules, int samples, const std::string& gate) {
    return "quantize:\n  algorithm: linear\n  bits: 2\n  layers: [" + rules +
           "]\nvalidate: { samples: { images: " + (digits_folder() / "samples").string() +
           ", limit: " + std::to_string(samples) + " } }\ngate:\n" + gate;
  }
  Outcome compile(const std::string& rest, const std::string& out = "out", const std::string& threads = "2") {
    return run_mlqc({"compile", digits_manifest(folder, rest), "-o", (folder / out).string(), "--name", "net",
                     "--threads", threads});
  }
  json report(const std::string& out = "out") { return json::parse(read(folder / out / "net.report.json")); }
};

const std::string decibels = "  - { output: classLabelProbs, metric: snr_db, at_least: 150 }\n";

TEST_F(Cures, AreWhatTheBuildMeasuresOnceTheyAreTaken) {
  const Outcome red = compile(settings("", 8, decibels));
  EXPECT_EQ(red.exit, 1);
  const json before = report(), cures = before["checks"][0]["cures"];
  ASSERT_EQ(cures["layers"].size(), 3u);
  EXPECT_THAT(red.err, HasSubstr("measured on 8 of 8 samples"));
  EXPECT_THAT(red.err, HasSubstr("put rules of these notes at the top of `quantize: layers:`"));
  std::size_t taken = 0;
  for (const json& cure : cures["layers"]) {
    const std::string rule = cure["rule"];
    if (rule.empty()) continue;
    ++taken;
    EXPECT_THAT(red.err, HasSubstr(rule));
    EXPECT_EQ(compile(settings(rule, 8, decibels)).exit, 1);
    const json after = report();
    const auto value = [](const json& of) {
      return of["outputs"]["classLabelProbs"]["snr_db"]["value"].get<double>();
    };
    EXPECT_NEAR(value(after) - value(before), cure["gain"].get<double>(), 1e-9) << rule;
    EXPECT_EQ(after["bytes"]["weights"].get<std::size_t>() - before["bytes"]["weights"].get<std::size_t>(),
              cure["bytes"])
        << rule;
  }
  EXPECT_GT(taken, 0u);
}

TEST_F(Cures, SharesOfHitsAreExactWhereAllSamplesAreTried) {
  EXPECT_EQ(
      compile(settings("", 8,
                       "  - { output: classLabelProbs, metric: top1_agreement, at_least: 1 }\n" + decibels))
          .exit,
      1);
  const json before = report();
  for (const json& cure : before["checks"][1]["cures"]["layers"]) {
    if (cure["rule"] == "") continue;
    compile(settings(cure["rule"], 8, decibels));
    const double after = report()["outputs"]["classLabelProbs"]["top1_agreement"]["value"];
    const double gain = after - before["outputs"]["classLabelProbs"]["top1_agreement"]["value"].get<double>();
    if (before["checks"][0]["passed"]) continue;
    for (const json& same : before["checks"][0]["cures"]["layers"])
      if (same["layer"] == cure["layer"]) {
        EXPECT_NEAR(same["gain"].get<double>(), gain, 1e-9) << cure["layer"];
        EXPECT_EQ(same["error"], 0);
      }
  }
}

TEST_F(Cures, AreTheSameForAnyNumberOfThreadsAndAreNotMeasuredTwice) {
  const std::string words = settings("", 40, decibels);
  EXPECT_EQ(compile(words, "one", "1").exit, 1);
  EXPECT_EQ(compile(words, "three", "3").exit, 1);
  EXPECT_EQ(report("one")["checks"], report("three")["checks"]);
  EXPECT_EQ(report("one")["checks"][0]["cures"]["basis"].get<std::string>().substr(0, 28),
            "measured on 15 of 40 samples");
  // Another limit is judged with the cures that are there: the model need not even be.
  const std::string manifest = digits_manifest(
      folder, settings("", 40, "  - { output: classLabelProbs, metric: snr_db, at_least: 149 }\n"));
  fs::rename(folder / "digits.mlmodel", folder / "away.mlmodel");
  const Outcome again = run_mlqc({"gate", manifest, "-o", (folder / "one").string(), "--name", "net"});
  EXPECT_EQ(again.exit, 1);
  EXPECT_THAT(again.err, HasSubstr("measured on 15 of 40 samples"));
}

TEST_F(Cures, AreNoPartOfTheVerdict) {
  const std::string words = settings("", 8, decibels);
  EXPECT_EQ(compile(words).exit, 1);
  fs::remove(folder / "out/net.report.json");
  fs::rename(folder / "digits.mlmodel", folder / "away.mlmodel");
  const std::string manifest = (folder / "digits.mlq.yaml").string();
  const Outcome gate = run_mlqc({"gate", manifest, "-o", (folder / "out").string(), "--name", "net"});
  EXPECT_EQ(gate.exit, 1);
  EXPECT_THAT(gate.err, HasSubstr("the layers at fault could not be looked for: "));
  EXPECT_THAT(gate.err, Not(HasSubstr("[MLQ9")));
}

// A whole build gains another amount: layers behind the cured one are compensated for what it gives then.
TEST_F(Cures, OfCompensatedRoundingAreCompensatedToo) {
  const auto words = [&](const std::string& rule) {
    std::string text = settings(rule, 8, decibels) + "calibrate: { random: 64 }\n";
    return text.replace(text.find("  bits: 2\n"), 10, "  bits: 2\n  rounding: compensated\n");
  };
  EXPECT_EQ(compile(words("")).exit, 1);
  const json before = report(), cure = before["checks"][0]["cures"]["layers"][0];
  ASSERT_NE(cure["rule"], "");
  EXPECT_EQ(compile(words(cure["rule"])).exit, 1);
  const auto value = [](const json& of) { return of["checks"][0]["value"].get<double>(); };
  EXPECT_GT(value(report()), value(before));
  EXPECT_GT(cure["gain"].get<double>(), 0);
}

TEST_F(Cures, AFaultOfSizeHasNone) {
  EXPECT_EQ(compile(settings("", 8, "  - { metric: size, at_most: 1 KiB }\n")).exit, 1);
  EXPECT_FALSE(report()["checks"][0].contains("cures"));
}

}  // namespace
}  // namespace mlqc
