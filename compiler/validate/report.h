// What was measured, as values and as report.json.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "compiler/manifest/manifest.h"
#include "compiler/validate/metric.h"
#include "compiler/validate/ranking.h"

namespace mlqc {

struct LayerReport {
  std::string name, op;
  int bits = 32;
  std::string algorithm, granularity;
  std::string rounding;       // nearest or compensated; "" where the weights were kept
  std::string nearest_since;  // why not compensated, where the manifest says so
  std::size_t elements = 0, bytes = 0;
  double snr_db = 0;  // of the weights; infinite when kept
};

// More bits for one layer, and what they give back: measured.
struct Cure {
  std::string layer;
  int bits = 0, better_bits = 0;
  double gain = 0;   // of the check's metric, in its own unit; positive is better
  double error = 0;  // of the gain, at 95 % confidence, since not all samples were tried; 0 where unknown
  std::size_t bytes = 0;  // that they cost
  std::string rule;       // for `quantize: layers:`; "" where they give nothing back
};

// The layers that a red check is due to, worst first.
struct Cures {
  std::vector<Cure> layers;
  double together = 0;  // what all of them give back at once
  double error = 0;     // of that
  std::size_t bytes = 0;
  std::string basis;  // the samples that this rests on
};

struct Check {
  std::string output, metric;
  double value = 0;   // what was compared: the point, or the bound with `confidence`
  std::string limit;  // "at_least 0.98"
  std::optional<double> baseline;
  bool passed = false;
  Place where;           // in the manifest
  std::string sentence;  // why it failed
  std::string hint;
  std::vector<std::string> notes = {};  // of passed ones too
  std::size_t would_settle = 0;         // samples that would turn it green if the share stays; 0: unknown
  Cures cures = {};
};

struct FailedSample {
  std::string name, why;
};

struct Report {
  std::string model;  // the target's name
  std::string source_sha256, artifact_sha256;
  std::size_t source_bytes = 0, artifact_bytes = 0, weight_bytes = 0;
  std::size_t sample_count = 0;
  std::string samples_sha256;
  std::vector<FailedSample> failed;
  std::map<std::string, std::map<std::string, Measurement>> outputs;  // output -> metric
  std::map<std::string, Ranking> rankings;                            // of outputs that are scores
  std::vector<LayerReport> layers;
  std::map<std::string, double> seconds;  // import, quantize, write, measure
  std::string version, isa;
  int threads = 1;
  std::vector<Check> checks;
  bool passed = true;
};

std::string to_json(const Report& report);
// The inverse, for re-judging without measuring. Throws Error (Exit::internal) on anything else.
Report report_from_json(const std::string& json);

// The check's notes, then what its cures say, a line each.
std::vector<std::string> all_notes(const Check& check);

// The table that a terminal shows: bytes before and after, metrics with intervals, checks.
std::string to_text(const Report& report);

}  // namespace mlqc
