#include "compiler/validate/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <sstream>

namespace mlqc {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr double inf = std::numeric_limits<double>::infinity();

Report sample_report() {
  Report report;
  report.model = "squeezenet";
  report.source_sha256 = std::string(64, 'a');
  report.artifact_sha256 = std::string(64, 'b');
  report.source_bytes = 2477390;
  report.artifact_bytes = 1281234;
  report.weight_bytes = 1260000;
  report.sample_count = 299;
  report.samples_sha256 = std::string(64, 'c');
  report.failed = {{"flowers/rose \"7\".jpg", "is a damaged JPEG: Premature end of JPEG file"}};
  report.outputs["classLabelProbs"]["top1_agreement"] = wilson(294, 299);
  report.outputs["classLabelProbs"]["snr_db"] = {-inf, -inf, inf, 299};
  report.outputs["ein sehr langer Name f\xc3\xbcr eine Ausgabe des Netzes"]["cosine"] = {std::nan(""), 0.1, 1,
                                                                                         299};
  report.outputs["classLabelProbs"]["top1_agreement"].samples = {"a.jpg"};
  report.rankings["classLabelProbs"] = {{{"cat", 7, 6}}, {{"a.jpg", "cat", "dog", 0.5, inf}}};
  for (int i = 0; i < 26; ++i)
    report.layers.push_back({"fire" + std::to_string(i), "Conv", i == 3 ? 16 : 8, "kmeans_lut", "per_tensor",
                             "nearest", "", 12345, 12345, i == 3 ? inf : 42.5 + i});
  report.seconds = {{"import", 0.25}, {"measure", 12.5}};
  report.version = "0.1.0";
  report.isa = "avx2";
  report.threads = 2;
  report.checks = {
      {"classLabelProbs", "top1_agreement", 0.9833, "at_least 0.98", std::nullopt, true, {}, "", ""},
      {"", "size", 1281234, "max_drop 100", 1280000.0, false, {"x", 1, 2}, "size went up", "lower `bits`"}};
  report.passed = false;
  return report;
}

TEST(ReportJson, RoundTripsInfinityAndNan) {
  const Report report = sample_report();
  const Report read = report_from_json(to_json(report));
  EXPECT_EQ(to_json(read), to_json(report));
  EXPECT_EQ(read.outputs.at("classLabelProbs").at("snr_db").value, -inf);
  EXPECT_EQ(read.outputs.at("classLabelProbs").at("snr_db").upper, inf);
  EXPECT_TRUE(std::isnan(
      read.outputs.at("ein sehr langer Name f\xc3\xbcr eine Ausgabe des Netzes").at("cosine").value));
  EXPECT_EQ(read.outputs.at("classLabelProbs").at("top1_agreement").lower, wilson(294, 299).lower);
  EXPECT_EQ(read.layers[3].snr_db, inf);
  EXPECT_EQ(read.failed[0].name, report.failed[0].name);
  EXPECT_EQ(read.checks[1].baseline, 1280000.0);
  EXPECT_FALSE(read.checks[0].baseline);
  EXPECT_FALSE(read.passed);
  EXPECT_EQ(read.rankings.at("classLabelProbs").classes.at(0).agreed, 6u);
  EXPECT_EQ(read.rankings.at("classLabelProbs").flips.at(0).candidate, "dog");
  EXPECT_EQ(read.outputs.at("classLabelProbs").at("top1_agreement").samples.at(0), "a.jpg");
}

TEST(ReportJson, HasTheKeysThatToolsRelyOn) {
  const std::string json = to_json(sample_report());
  for (const char* key : {"\"schema\": 1",        "\"bytes\": {",
                          "\"source\": 2477390",  "\"artifact\": 1281234",
                          "\"weights\": 1260000", "\"count\": 299",
                          "\"failed\": 1",        "\"outputs\": {",
                          "\"value\":",           "\"lower\":",
                          "\"upper\":",           "\"n\": 299",
                          "\"checks\": [",        "\"limit\": \"at_least 0.98\"",
                          "\"baseline\": null",   "\"passed\": false",
                          "\"layers\": [",        "\"granularity\": \"per_tensor\"",
                          "\"elements\": 12345",  "\"snr_db\": \"inf\"",
                          "\"seconds\": {",       "\"isa\": \"avx2\"",
                          "\"threads\": 2",       "\"source_sha256\"",
                          "\"artifact_sha256\""})
    EXPECT_THAT(json, HasSubstr(key));
}

TEST(ReportJson, TakesNamesThatAreNoUtf8) {
  Report report = sample_report();
  report.failed[0].name = "caf\xe9.jpg";
  EXPECT_NO_THROW(report_from_json(to_json(report)));
}

TEST(ReportJson, RefusesAnythingElse) {
  const std::string whole = to_json(sample_report());
  for (const std::string& text :
       {std::string(), std::string("{}"), std::string("[1]"), whole.substr(0, whole.size() / 2)}) {
    try {
      report_from_json(text);
      ADD_FAILURE() << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.exit(), Exit::internal);
    }
  }
  std::string later = whole;
  later.replace(later.find("\"schema\": 1"), 11, "\"schema\": 7");
  EXPECT_THROW(report_from_json(later), Error);
}

std::size_t columns(const std::string& line) {
  std::size_t count = 0;
  for (const char c : line) count += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  return count;
}

TEST(ReportText, FitsAHundredColumnsAndSaysWhatMatters) {
  const std::string text = to_text(sample_report());
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(columns(line), 100u) << line;
  for (const char* part :
       {"2,477,390 B", "1,281,234 B", "51.7 %", "1.93 times smaller", "98.33 %", "[96.",
        "299 measured, 1 failed", "flowers/rose \"7\".jpg", "fire0 .. fire2 (3)", "fire3", "exact",
        "fire4 .. fire25 (22)", "FAILED", "size went up", "lower `bits`", "from 1280000 B"})
    EXPECT_THAT(text, HasSubstr(part)) << text;
}

TEST(ReportText, MergesALongListOfLayers) {
  Report report = sample_report();
  for (std::size_t i = 0; i < report.layers.size(); ++i) report.layers[i].bits = i % 2 ? 4 : 8;
  const std::string text = to_text(report);
  EXPECT_THAT(text, HasSubstr("13 layers"));
  EXPECT_THAT(text, Not(HasSubstr("fire12")));
}

}  // namespace
}  // namespace mlqc
