// Limits and baseline against a report. Milliseconds: never quantizes, never runs a model.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "compiler/manifest/manifest.h"
#include "compiler/validate/report.h"

namespace mlqc {

// What `mlqc accept` committed: figures of an accepted build. The only writer is `mlqc accept`.
struct Baseline {
  std::string samples_sha256, version, isa, reason;
  std::map<std::string, std::map<std::string, double>> outputs;  // output -> metric; size under ""
  // Output -> metric: which samples missed, so that a later build is compared sample by sample.
  std::map<std::string, std::map<std::string, std::vector<std::string>>> missed;
};
std::optional<Baseline> read_baseline(const std::filesystem::path& path);  // nothing when there is no file
std::string to_json(const Baseline& baseline);
Baseline baseline_of(const Report& report, const std::string& reason);

// An entry without `output` means the only output that the metric applies to; where scores have a label
// beside them, the scores.
//
// The report's checks filled in, one per limit, in the manifest's order; report.passed is their conjunction,
// false also when samples failed. Throws Error (Exit::usage): unknown metric or output, a metric that does
// not apply, max_drop without a baseline file or against other samples.
Report judge(Report report, const Manifest& manifest, const std::optional<Baseline>& baseline);

// What to do about a red check: where it has cures, to take them.
std::string hint_for(const Check& check, const Report& report);

}  // namespace mlqc
