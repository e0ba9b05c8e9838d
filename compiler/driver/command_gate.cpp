#include <fmt/format.h>

#include "compiler/driver/commands.h"
#include "compiler/driver/diagnostics.h"
#include "compiler/driver/steps.h"
#include "compiler/support/bytes.h"
#include "compiler/validate/gate.h"

namespace mlqc {

namespace {

// Red checks and failed samples as messages into the manifest.
std::vector<Diagnostic> complaints(const Report& report, const Manifest& manifest) {
  std::vector<Diagnostic> all;
  for (const Check& check : report.checks)
    if (!check.passed) all.push_back({check.where, check.sentence, "MLQ200", check.hint, check.notes});
  if (report.failed.empty()) return all;
  constexpr std::size_t shown = 10;
  Diagnostic failed{
      manifest.samples ? manifest.samples->where : Place{manifest.file.string()},
      fmt::format("{} samples could not be run, {} could", report.failed.size(), report.sample_count),
      "MLQ210",
      "repair or remove them",
      {}};
  for (const FailedSample& sample : report.failed)
    if (failed.notes.size() < shown) failed.notes.push_back(sample.name + ": " + sample.why);
  if (report.failed.size() > shown)
    failed.notes.push_back(fmt::format("and {} more", report.failed.size() - shown));
  all.push_back(failed);
  return all;
}

// Only in mode off is a gate that cannot be judged no error.
Report judge_in(GateMode mode, const Report& measured, const Manifest& manifest, const Options& options) {
  try {
    return judge(measured, manifest,
                 manifest.baseline ? read_baseline(manifest.baseline->value) : std::nullopt);
  } catch (const Error& error) {
    if (mode != GateMode::off) throw;
    report(error.diagnostic(), Severity::warning, options);
    Report unjudged = measured;
    unjudged.passed = false;
    return unjudged;
  }
}

std::string verdict(GateMode mode, bool passed) {
  if (mode == GateMode::off) return "off\n";
  if (passed) return "passed\n";
  return mode == GateMode::warn ? "failed, only a warning\n" : "failed\n";
}

void complain(GateMode mode, const Report& judged, const Manifest& manifest, const Options& options) {
  const std::vector<Diagnostic> all = complaints(judged, manifest);
  if (mode == GateMode::off)
    return report({{manifest.file.string()},
                   fmt::format("the gate is off: {} of its limits do not hold", all.size()),
                   "MLQ211",
                   "build with MLQ_GATE=error before you ship",
                   {}},
                  Severity::warning, options);
  for (const Diagnostic& complaint : all)
    report(complaint, mode == GateMode::error ? Severity::error : Severity::warning, options);
}

}  // namespace

Step gate_step(const Options& options) {
  const Manifest manifest = parse_manifest(options.arguments[0]);
  Step step{Exit::good, {manifest.file, output_file(options, ".measured.json")}, {}};
  if (manifest.baseline) step.read.push_back(manifest.baseline->value);
  step.report = judge_in(options.mode, read_measured(options, manifest), manifest, options);
  check_folder(options);
  const std::string json = to_json(step.report);
  write_if_changed(output_file(options, ".report.json"), json);
  if (!options.json.empty()) write_if_changed(options.json, json);
  write_if_changed(output_file(options, ".verdict"), verdict(options.mode, step.report.passed));
  complain(options.mode, step.report, manifest, options);
  if (!step.report.passed && options.mode == GateMode::error) step.exit = Exit::red_gate;
  return step;
}

Exit run_gate(const Options& options) {
  const Step step = gate_step(options);
  // With a stamp, a build tool is asking, and it shows whatever a step prints: there, only complaints are
  // news.
  if (options.stamp.empty()) fmt::print("{}", to_text(step.report));
  return finish(options, step);
}

}  // namespace mlqc
