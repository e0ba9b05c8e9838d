// The committed figures of an accepted build.
#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "compiler/support/bytes.h"
#include "compiler/validate/gate.h"

namespace mlqc {

using Json = nlohmann::ordered_json;

namespace {

Baseline to_baseline(const Json& json) {
  if (json.at("schema") != 1) throw std::invalid_argument("its schema is not 1");
  Baseline baseline;
  baseline.samples_sha256 = json.at("samples_sha256");
  baseline.version = json.at("tool").at("version");
  baseline.isa = json.at("tool").at("isa");
  baseline.reason = json.at("reason");
  baseline.outputs[""]["size"] = json.at("size").get<double>();
  for (const auto& [output, figures] : json.at("outputs").items())
    for (const auto& [metric, value] : figures.items())
      baseline.outputs[output][metric] = value.get<double>();
  if (!json.contains("missed")) return baseline;  // of an older version
  for (const auto& [output, figures] : json.at("missed").items())
    for (const auto& [metric, samples] : figures.items())
      baseline.missed[output][metric] = samples.get<std::vector<std::string>>();
  return baseline;
}

}  // namespace

std::optional<Baseline> read_baseline(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return std::nullopt;
  const std::string text = read_text(path);
  try {
    return to_baseline(Json::parse(text));
  } catch (const std::exception& error) {
    throw Error(Exit::usage, {{path.string()},
                              fmt::format("this is no baseline: {}", error.what()),
                              "MLQ208",
                              "baselines are written by `mlqc accept`; restore the file or accept again",
                              {}});
  }
}

std::string to_json(const Baseline& baseline) {
  Json json = {{"schema", 1},
               {"reason", baseline.reason},
               {"samples_sha256", baseline.samples_sha256},
               {"tool", {{"version", baseline.version}, {"isa", baseline.isa}}},
               {"size", 0},
               {"outputs", Json::object()}};
  for (const auto& [output, figures] : baseline.outputs)
    for (const auto& [metric, value] : figures) {
      if (output.empty() && metric == "size")
        json["size"] = static_cast<std::uint64_t>(value);
      else
        json["outputs"][output][metric] = value;
    }
  json["missed"] = baseline.missed;
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Baseline baseline_of(const Report& report, const std::string& reason) {
  Baseline baseline{report.samples_sha256, report.version, report.isa, reason, {}, {}};
  baseline.outputs[""]["size"] = static_cast<double>(report.artifact_bytes);
  // A figure that is no number cannot be held against a later one; a drop from it is an error, not a pass.
  for (const auto& [output, figures] : report.outputs)
    for (const auto& [metric, measured] : figures)
      if (std::isfinite(measured.value)) {
        baseline.outputs[output][metric] = measured.value;
        const Metric* known = find_metric(metric);
        if (known && known->summary == Summary::hits) baseline.missed[output][metric] = measured.samples;
      }
  return baseline;
}

}  // namespace mlqc
