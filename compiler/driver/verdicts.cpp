#include "compiler/driver/verdicts.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace mlqc {

bool is_green(const ModelVerdict& verdict) { return verdict.judged && verdict.report.passed; }

std::vector<Diagnostic> complaints(const Report& report, const Manifest& manifest) {
  std::vector<Diagnostic> all;
  for (const Check& check : report.checks)
    if (!check.passed) all.push_back({check.where, check.sentence, "MLQ200", check.hint, all_notes(check)});
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

std::string to_json(std::span<const ModelVerdict> verdicts) {
  using Json = nlohmann::ordered_json;
  Json json = {{"schema", 1}, {"passed", std::ranges::all_of(verdicts, is_green)}, {"models", Json::array()}};
  for (const ModelVerdict& verdict : verdicts) {
    Json model = Json::parse(to_json(verdict.report));
    model["model"] = verdict.name;
    model["manifest"] = verdict.manifest;
    model["judged"] = verdict.judged;
    for (const Diagnostic& complaint : verdict.complaints)
      model["complaints"].push_back({{"code", complaint.code},
                                     {"line", complaint.where.line},
                                     {"message", complaint.what},
                                     {"hint", complaint.hint},
                                     {"notes", complaint.notes}});
    json["models"].push_back(std::move(model));
  }
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace mlqc
