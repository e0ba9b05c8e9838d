// report.json. Numbers that JSON has no word for are the strings "inf", "-inf" and "nan".
#include "compiler/validate/report.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

namespace mlqc {

using Json = nlohmann::ordered_json;

namespace {

Json number(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  return value;
}

double to_number(const Json& json) {
  if (json.is_number()) return json.get<double>();
  const auto text = json.get<std::string>();
  if (text == "nan") return std::numeric_limits<double>::quiet_NaN();
  if (text == "inf") return std::numeric_limits<double>::infinity();
  if (text == "-inf") return -std::numeric_limits<double>::infinity();
  throw std::invalid_argument("'" + text + "' is no number");
}

Json samples_json(const Report& report) {
  Json json = {
      {"count", report.sample_count}, {"failed", report.failed.size()}, {"sha256", report.samples_sha256}};
  Json failures = Json::array();
  for (const FailedSample& sample : report.failed)
    failures.push_back({{"name", sample.name}, {"why", sample.why}});
  json["failures"] = std::move(failures);
  return json;
}

Json outputs_json(const Report& report) {
  Json json = Json::object();
  for (const auto& [output, figures] : report.outputs) {
    json[output] = Json::object();
    for (const auto& [metric, measured] : figures)
      json[output][metric] = {{"value", number(measured.value)},
                              {"lower", number(measured.lower)},
                              {"upper", number(measured.upper)},
                              {"n", measured.n},
                              {"samples", measured.samples}};
  }
  return json;
}

Json rankings_json(const Report& report) {
  Json json = Json::object();
  for (const auto& [output, ranking] : report.rankings) {
    Json& of = json[output] = {{"classes", Json::array()}, {"flips", Json::array()}};
    for (const ClassAgreement& c : ranking.classes)
      of["classes"].push_back({{"label", c.label}, {"n", c.n}, {"agreed", c.agreed}});
    for (const Flip& flip : ranking.flips)
      of["flips"].push_back({{"sample", flip.sample},
                             {"reference", flip.reference},
                             {"candidate", flip.candidate},
                             {"reference_score", number(flip.reference_score)},
                             {"candidate_score", number(flip.candidate_score)}});
  }
  return json;
}

Json cures_json(const Cures& cures) {
  Json json = {{"layers", Json::array()},
               {"together", number(cures.together)},
               {"error", number(cures.error)},
               {"bytes", cures.bytes},
               {"basis", cures.basis}};
  for (const Cure& cure : cures.layers)
    json["layers"].push_back({{"layer", cure.layer},
                              {"bits", cure.bits},
                              {"better_bits", cure.better_bits},
                              {"gain", number(cure.gain)},
                              {"error", number(cure.error)},
                              {"bytes", cure.bytes},
                              {"rule", cure.rule}});
  return json;
}

Cures to_cures(const Json& json) {
  Cures cures;
  cures.together = to_number(json.at("together"));
  cures.error = to_number(json.at("error"));
  cures.bytes = json.at("bytes");
  cures.basis = json.at("basis");
  for (const Json& cure : json.at("layers"))
    cures.layers.push_back({cure.at("layer"), cure.at("bits"), cure.at("better_bits"),
                            to_number(cure.at("gain")), to_number(cure.at("error")), cure.at("bytes"),
                            cure.at("rule")});
  return cures;
}

// Without the check's place, which would make the report depend on where the sources lie.
Json check_json(const Check& check) {
  Json json = {{"output", check.output},
               {"metric", check.metric},
               {"value", number(check.value)},
               {"limit", check.limit},
               {"baseline", check.baseline ? number(*check.baseline) : Json()},
               {"passed", check.passed}};
  if (!check.sentence.empty()) json["sentence"] = check.sentence;
  if (!check.hint.empty()) json["hint"] = check.hint;
  if (!check.notes.empty()) json["notes"] = check.notes;
  if (check.would_settle) json["would_settle"] = check.would_settle;
  if (!check.cures.layers.empty()) json["cures"] = cures_json(check.cures);
  return json;
}

Json layer_json(const LayerReport& layer) {
  Json json = {{"name", layer.name},
               {"op", layer.op},
               {"bits", layer.bits},
               {"algorithm", layer.algorithm},
               {"granularity", layer.granularity},
               {"elements", layer.elements},
               {"bytes", layer.bytes},
               {"snr_db", number(layer.snr_db)}};
  if (!layer.rounding.empty()) json["rounding"] = layer.rounding;
  if (!layer.nearest_since.empty()) json["nearest_since"] = layer.nearest_since;
  return json;
}

Check to_check(const Json& json) {
  Check check;
  check.output = json.at("output");
  check.metric = json.at("metric");
  check.value = to_number(json.at("value"));
  check.limit = json.at("limit");
  if (!json.at("baseline").is_null()) check.baseline = to_number(json.at("baseline"));
  check.passed = json.at("passed");
  check.sentence = json.value("sentence", "");
  check.hint = json.value("hint", "");
  check.notes = json.value("notes", std::vector<std::string>{});
  check.would_settle = json.value("would_settle", std::size_t{0});
  if (json.contains("cures")) check.cures = to_cures(json.at("cures"));
  return check;
}

LayerReport to_layer(const Json& json) {
  LayerReport layer;
  layer.name = json.at("name");
  layer.op = json.at("op");
  layer.bits = json.at("bits");
  layer.algorithm = json.at("algorithm");
  layer.granularity = json.at("granularity");
  layer.elements = json.at("elements");
  layer.bytes = json.at("bytes");
  layer.snr_db = to_number(json.at("snr_db"));
  layer.rounding = json.value("rounding", "");
  layer.nearest_since = json.value("nearest_since", "");
  return layer;
}

void read_outputs(const Json& json, Report& report) {
  for (const auto& [output, figures] : json.items()) {
    auto& measured = report.outputs[output];
    for (const auto& [metric, figure] : figures.items())
      measured[metric] = {to_number(figure.at("value")), to_number(figure.at("lower")),
                          to_number(figure.at("upper")), figure.at("n").get<std::size_t>(),
                          figure.at("samples").get<std::vector<std::string>>()};
  }
}

void read_rankings(const Json& json, Report& report) {
  for (const auto& [output, of] : json.items()) {
    Ranking& ranking = report.rankings[output];
    for (const Json& c : of.at("classes"))
      ranking.classes.push_back({c.at("label"), c.at("n"), c.at("agreed")});
    for (const Json& flip : of.at("flips"))
      ranking.flips.push_back({flip.at("sample"), flip.at("reference"), flip.at("candidate"),
                               to_number(flip.at("reference_score")), to_number(flip.at("candidate_score"))});
  }
}

Report to_report(const Json& json) {
  if (json.at("schema") != 1) throw std::invalid_argument("its schema is not 1");
  Report report;
  report.model = json.at("model");
  report.source_sha256 = json.at("source_sha256");
  report.artifact_sha256 = json.at("artifact_sha256");
  report.source_bytes = json.at("bytes").at("source");
  report.artifact_bytes = json.at("bytes").at("artifact");
  report.weight_bytes = json.at("bytes").at("weights");
  report.sample_count = json.at("samples").at("count");
  report.samples_sha256 = json.at("samples").at("sha256");
  for (const Json& sample : json.at("samples").at("failures"))
    report.failed.push_back({sample.at("name"), sample.at("why")});
  read_outputs(json.at("outputs"), report);
  read_rankings(json.at("rankings"), report);
  for (const Json& check : json.at("checks")) report.checks.push_back(to_check(check));
  report.passed = json.at("passed");
  for (const Json& layer : json.at("layers")) report.layers.push_back(to_layer(layer));
  for (const auto& [stage, seconds] : json.at("seconds").items()) report.seconds[stage] = to_number(seconds);
  report.version = json.at("tool").at("version");
  report.isa = json.at("tool").at("isa");
  report.threads = json.at("tool").at("threads");
  return report;
}

}  // namespace

std::string to_json(const Report& report) {
  Json json = {{"schema", 1},
               {"model", report.model},
               {"source_sha256", report.source_sha256},
               {"artifact_sha256", report.artifact_sha256},
               {"bytes",
                {{"source", report.source_bytes},
                 {"artifact", report.artifact_bytes},
                 {"weights", report.weight_bytes}}},
               {"samples", samples_json(report)},
               {"outputs", outputs_json(report)},
               {"rankings", rankings_json(report)},
               {"interval", "Wilson score interval, two-sided, 95 %"}};
  json["checks"] = Json::array();
  for (const Check& check : report.checks) json["checks"].push_back(check_json(check));
  json["passed"] = report.passed;
  json["layers"] = Json::array();
  for (const LayerReport& layer : report.layers) json["layers"].push_back(layer_json(layer));
  json["seconds"] = Json::object();
  for (const auto& [stage, seconds] : report.seconds) json["seconds"][stage] = number(seconds);
  json["tool"] = {{"version", report.version}, {"isa", report.isa}, {"threads", report.threads}};
  // Names come from models and file systems: what is no UTF-8 is replaced, not thrown at the user.
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Report report_from_json(const std::string& text) {
  try {
    return to_report(Json::parse(text));
  } catch (const std::exception& error) {
    throw Error(Exit::internal,
                {{},
                 fmt::format("the report is not one that this version wrote: {}", error.what()),
                 "MLQ901",
                 "delete the output folder and build again",
                 {}});
  }
}

}  // namespace mlqc
