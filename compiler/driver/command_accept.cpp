#include <fmt/format.h>
#include <unistd.h>

#include <iostream>

#include "compiler/driver/commands.h"
#include "compiler/driver/machine.h"
#include "compiler/driver/own_metrics.h"
#include "compiler/driver/pending.h"
#include "compiler/driver/steps.h"
#include "compiler/manifest/manifest.h"
#include "compiler/support/bytes.h"
#include "compiler/validate/gate.h"

namespace mlqc {

namespace {

[[noreturn]] void refuse(const Place& where, const std::string& what, const std::string& hint) {
  throw Error(Exit::usage, {where, what, "MLQ222", hint, {}});
}

std::string figure(const Baseline& baseline, const std::string& output, const std::string& metric) {
  const auto figures = baseline.outputs.find(output);
  if (figures == baseline.outputs.end() || !figures->second.contains(metric)) return "-";
  return fmt::format("{:.6g}", figures->second.at(metric));
}

void print_change(const std::optional<Baseline>& before, const Baseline& after) {
  fmt::print("{:<24} {:<16} {:>14} {:>14}\n", "output", "metric", "accepted", "new");
  for (const auto& [output, figures] : after.outputs)
    for (const auto& [metric, value] : figures)
      fmt::print("{:<24} {:<16} {:>14} {:>14}\n", output, metric,
                 before ? figure(*before, output, metric) : "-", fmt::format("{:.6g}", value));
  fmt::print("by mlqc {} on {}, samples {}\n", after.version, after.isa, after.samples_sha256.substr(0, 16));
  if (before && (before->version != after.version || before->isa != after.isa))
    fmt::print("accepted ones: by mlqc {} on {}\n", before->version, before->isa);
  if (before && before->samples_sha256 != after.samples_sha256)
    fmt::print("the samples are others than those accepted\n");
}

bool is_confirmed() {
  fmt::print("make this the baseline? [y/N] ");
  std::fflush(stdout);
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

}  // namespace

Exit run_accept(const Options& options) {
  // A build server that accepts its own result has no gate.
  if (is_continuous_integration())
    refuse({}, "a baseline is not accepted in continuous integration (CI is set)",
           "run this where a person reads it");
  const Manifest manifest = parse_manifest(options.arguments[0]);
  if (!manifest.baseline)
    refuse({manifest.file.string()}, "the manifest names no baseline", "add 'baseline: baselines/NAME.json'");
  if (options.reason.empty())
    refuse({}, "--reason is empty", "say in one sentence why the new figures are good");
  use_own_metrics(manifest);
  const std::filesystem::path& file = manifest.baseline->value;
  const Baseline after = baseline_of(read_measured(options, manifest), options.reason);
  print_change(read_baseline(file), after);
  if (!options.yes) {
    if (!::isatty(STDIN_FILENO))
      refuse({}, "nobody is there to confirm it", "run it on a terminal or give --yes");
    if (!is_confirmed()) return Exit::skipped;
  }
  write_if_changed(file, to_json(after));
  keep_pending(manifest, {}, false);
  fmt::print("wrote {}: commit it\n", file.string());
  return Exit::good;
}

}  // namespace mlqc
