#include <fmt/format.h>

#include <algorithm>

#include "compiler/driver/blame.h"
#include "compiler/driver/commands.h"
#include "compiler/driver/diagnostics.h"
#include "compiler/driver/own_metrics.h"
#include "compiler/driver/page.h"
#include "compiler/driver/pending.h"
#include "compiler/driver/steps.h"
#include "compiler/driver/verdicts.h"
#include "compiler/support/bytes.h"
#include "compiler/validate/gate.h"

namespace mlqc {

namespace {

// Figures that a baseline stands against, or that there is no baseline for.
bool wants_acceptance(const Report& report, const Manifest& manifest) {
  std::error_code error;
  if (!std::filesystem::exists(manifest.baseline->value, error)) return true;
  return std::ranges::any_of(report.checks,
                             [](const Check& check) { return check.baseline && !check.passed; });
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
  step.read.insert(step.read.end(), options.plugins.begin(), options.plugins.end());
  use_own_metrics(manifest);
  const Report measured = read_measured(options, manifest);
  std::error_code error;
  // Before judging, which a missing baseline ends.
  if (manifest.baseline && !std::filesystem::exists(manifest.baseline->value, error))
    keep_pending(manifest, measured, true);
  step.report = judge_in(options.mode, measured, manifest, options);
  if (options.mode != GateMode::off) add_cures(step.report, manifest, options);
  if (manifest.baseline) keep_pending(manifest, measured, wants_acceptance(step.report, manifest));
  check_folder(options);
  // For `gate --all`, which starts from the build's folder.
  write_if_changed(output_file(options, ".manifest"), std::filesystem::absolute(manifest.file).string());
  const std::string json = to_json(step.report);
  write_if_changed(output_file(options, ".report.json"), json);
  write_if_changed(output_file(options, ".report.html"),
                   html_page("report", step.report.model, report_pages({page_entry(options, step.report)})));
  if (!options.json.empty()) write_if_changed(options.json, json);
  write_if_changed(output_file(options, ".verdict"), verdict(options.mode, step.report.passed));
  complain(options.mode, step.report, manifest, options);
  if (!step.report.passed && options.mode == GateMode::error) step.exit = Exit::red_gate;
  return step;
}

Exit run_gate(const Options& options) {
  if (!options.all.empty()) return gate_all(options);
  const Step step = gate_step(options);
  // With a stamp, a build tool is asking, and it shows whatever a step prints: there, only complaints are
  // news.
  if (options.stamp.empty()) fmt::print("{}", to_text(step.report));
  return finish(options, step);
}

}  // namespace mlqc
