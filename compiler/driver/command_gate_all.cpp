// `mlqc gate --all DIR`: the verdicts over every model of a build, in one run and in the forms of build
// servers.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "compiler/driver/blame.h"
#include "compiler/driver/commands.h"
#include "compiler/driver/diagnostics.h"
#include "compiler/driver/page.h"
#include "compiler/driver/steps.h"
#include "compiler/driver/verdicts.h"
#include "compiler/support/bytes.h"
#include "compiler/validate/gate.h"

namespace mlqc {

namespace fs = std::filesystem;

namespace {

// GitHub shows ten annotations of a step and drops the rest without a word.
constexpr std::size_t most_annotations = 10;

// NAME.manifest of every model that a gate has looked at beneath the folder, in order.
std::vector<fs::path> find_models(const fs::path& folder) {
  std::vector<fs::path> found;
  std::error_code error;
  for (fs::recursive_directory_iterator it(folder, fs::directory_options::skip_permission_denied, error), end;
       !error && it != end; it.increment(error))
    if (it->path().extension() == ".manifest" &&
        fs::exists(fs::path(it->path()).replace_extension(".measured.json"), error))
      found.push_back(it->path());
  std::ranges::sort(found);
  if (found.empty())
    throw Error(Exit::usage, {{folder.string()},
                              "no model was measured beneath this folder",
                              "MLQ223",
                              "build the target mlq_models first, and name the build's folder",
                              {}});
  return found;
}

struct Judged {
  ModelVerdict verdict;
  std::string page;
  fs::path baseline;  // "" for none
};

// What cannot be judged is a complaint about this model; the others are judged all the same.
Judged judge_model(const fs::path& file, const Options& common) {
  Options options = common;
  options.arguments = {read_text(file)};
  options.out = file.parent_path();
  options.name = file.stem().string();
  Judged judged;
  judged.verdict = {options.name, options.arguments[0], {}, true, {}};
  try {
    const Manifest manifest = parse_manifest(options.arguments[0]);
    if (manifest.baseline) judged.baseline = manifest.baseline->value;
    judged.verdict.report = read_measured(options, manifest);
    judged.verdict.report = judge(judged.verdict.report, manifest,
                                  manifest.baseline ? read_baseline(judged.baseline) : std::nullopt);
    if (options.mode != GateMode::off) add_cures(judged.verdict.report, manifest, options);
    judged.verdict.complaints = complaints(judged.verdict.report, manifest);
    write_if_changed(output_file(options, ".report.json"), to_json(judged.verdict.report));
    judged.page = page_entry(options, judged.verdict.report);
  } catch (const Error& error) {
    judged.verdict.judged = false;
    judged.verdict.report.passed = false;
    judged.verdict.complaints = {error.diagnostic()};
  }
  return judged;
}

// Baselines that no manifest of the build names, in the folders where named ones lie.
void warn_of_orphans(const std::vector<Judged>& all, const Options& options) {
  std::set<fs::path> named, folders;
  std::error_code error;
  for (const Judged& judged : all)
    if (!judged.baseline.empty()) {
      named.insert(fs::weakly_canonical(judged.baseline, error));
      folders.insert(fs::weakly_canonical(judged.baseline, error).parent_path());
    }
  std::set<fs::path> orphans;
  for (const fs::path& folder : folders)
    for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error))
      if (it->path().extension() == ".json" && !named.contains(it->path())) orphans.insert(it->path());
  for (const fs::path& orphan : orphans) {
    try {
      read_baseline(orphan);
    } catch (const Error&) {
      continue;  // some other file
    }
    report({{orphan.string()},
            "no model of this build has this baseline",
            "MLQ224",
            "remove it, or name it in a manifest",
            {}},
           Severity::warning, options);
  }
}

// Models without a verdict have no figures to draw: the other forms say why.
std::string pages_of(const std::vector<Judged>& all) {
  std::vector<std::string> entries;
  for (const Judged& judged : all)
    if (!judged.page.empty()) entries.push_back(judged.page);
  return report_pages(entries);
}

void complain(std::span<const ModelVerdict> verdicts, const Options& options) {
  std::size_t shown = 0, left = 0;
  for (const ModelVerdict& verdict : verdicts)
    for (const Diagnostic& complaint : verdict.complaints) {
      if (options.diagnostics == DiagnosticFormat::github && shown + 1 >= most_annotations)
        ++left;
      else
        report(complaint, options.mode == GateMode::error ? Severity::error : Severity::warning, options),
            ++shown;
    }
  if (left)
    report(
        {{}, fmt::format("and {} more complaints of the gates", left), "MLQ200", "see the job's summary", {}},
        Severity::error, options);
}

void write_forms(std::span<const ModelVerdict> verdicts, const Options& options) {
  if (!options.junit.empty()) write_if_changed(options.junit, to_junit(verdicts));
  if (!options.sarif.empty())
    write_if_changed(options.sarif, to_sarif(verdicts, fs::current_path().string()));
  if (!options.markdown.empty()) write_if_changed(options.markdown, to_markdown(verdicts));
  if (!options.json.empty()) write_if_changed(options.json, to_json(verdicts));
}

}  // namespace

Exit gate_all(const Options& options) {
  std::vector<Judged> all;
  for (const fs::path& file : find_models(options.all)) all.push_back(judge_model(file, options));
  std::vector<ModelVerdict> verdicts;
  for (const Judged& judged : all) verdicts.push_back(judged.verdict);
  for (const ModelVerdict& verdict : verdicts)
    fmt::print("{:<8} {}\n", is_green(verdict) ? "green" : "RED", verdict.name);
  complain(verdicts, options);
  warn_of_orphans(all, options);
  write_forms(verdicts, options);
  if (!options.html.empty()) write_if_changed(options.html, html_page("report", "mlq models", pages_of(all)));
  if (options.mode != GateMode::error || std::ranges::all_of(verdicts, is_green)) return Exit::good;
  return std::ranges::all_of(verdicts, &ModelVerdict::judged) ? Exit::red_gate : Exit::usage;
}

}  // namespace mlqc
