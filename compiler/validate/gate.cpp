#include "compiler/validate/gate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "compiler/validate/limits.h"

namespace mlqc {

namespace {

[[noreturn]] void fail(const Place& where, const char* code, std::string what, std::string hint) {
  throw Error(Exit::usage, {where, std::move(what), code, std::move(hint), {}});
}

template <class Map>
std::vector<std::string> keys(const Map& map) {
  std::vector<std::string> names;
  for (const auto& [name, value] : map) names.push_back(name);
  return names;
}

std::string did_you_mean(const std::string& word, const std::vector<std::string>& candidates) {
  const std::string meant = nearest(word, candidates);
  if (!meant.empty()) return fmt::format("did you mean '{}'?", meant);
  return fmt::format("there are: {}", fmt::join(candidates, ", "));
}

Place place_of(const At<std::string>& value, const Place& otherwise) {
  return value.where.line ? value.where : otherwise;
}

const Metric* metric_of(const GateSection& entry) {
  if (entry.metric.value == "size") return nullptr;
  if (const Metric* metric = find_metric(entry.metric.value)) return metric;
  std::vector<std::string> names = {"size"};
  for (const Metric& metric : metrics()) names.emplace_back(metric.name);
  fail(place_of(entry.metric, entry.where), "MLQ201",
       fmt::format("there is no metric '{}'", entry.metric.value), did_you_mean(entry.metric, names));
}

// The output that an entry means. Left out, it is the only one that the metric applies to, labels aside.
std::string output_of(const GateSection& entry, const Report& report) {
  const std::string& metric = entry.metric.value;
  std::vector<std::string> able;
  for (const auto& [name, figures] : report.outputs)
    if (figures.contains(metric)) able.push_back(name);
  // A label has no other metric, and repeats the scores.
  if (entry.output.value.empty() && able.size() > 1)
    std::erase_if(able, [&](const std::string& name) { return report.outputs.at(name).size() == 1; });
  if (entry.output.value.empty()) {
    if (able.size() == 1) return able[0];
    if (able.empty())
      fail(place_of(entry.metric, entry.where), "MLQ203",
           fmt::format("'{}' applies to none of the model's outputs", metric), "choose another metric");
    fail(entry.where, "MLQ202", fmt::format("'{}' could mean each of {} outputs", metric, able.size()),
         fmt::format("add `output:` with one of {}", fmt::join(able, ", ")));
  }
  const auto found = report.outputs.find(entry.output.value);
  if (found == report.outputs.end())
    fail(place_of(entry.output, entry.where), "MLQ202",
         fmt::format("the model has no output '{}'", entry.output.value),
         did_you_mean(entry.output, keys(report.outputs)));
  if (!found->second.contains(metric))
    fail(place_of(entry.metric, entry.where), "MLQ203",
         fmt::format("'{}' does not apply to the output '{}'", metric, found->first),
         fmt::format("these do: {}", fmt::join(keys(found->second), ", ")));
  return found->first;
}

// The layers whose weights suffered most: those to give more bits to.
std::string weakest_layers(const Report& report) {
  std::vector<const LayerReport*> layers;
  for (const LayerReport& layer : report.layers)
    if (layer.bits < 16 && std::isfinite(layer.snr_db)) layers.push_back(&layer);
  std::ranges::stable_sort(layers, {}, &LayerReport::snr_db);
  std::string text;
  for (std::size_t i = 0; i < std::min<std::size_t>(3, layers.size()); ++i)
    text += fmt::format("{}{} ({} bits, {:.1f} dB)", i ? ", " : "", layers[i]->name, layers[i]->bits,
                        layers[i]->snr_db);
  return text;
}

// Which class it is.
void name_class(Check& check, const Report& report) {
  const auto ranking = report.rankings.find(check.output);
  const ClassAgreement* worst = ranking == report.rankings.end() ? nullptr : worst_class(ranking->second);
  if (worst)
    check.notes.push_back(fmt::format("the worst class is '{}': {} of its {} samples agree", worst->label,
                                      worst->agreed, worst->n));
  else
    check.notes.push_back(fmt::format("no class has {} samples", least_of_class));
}

Subject subject_of(const GateSection& entry, const Report& report, const Manifest& manifest,
                   const std::optional<Baseline>& baseline) {
  const Metric* metric = metric_of(entry);
  if (entry.confidence && (!metric || metric->summary != Summary::hits))
    fail(entry.confidence->where, "MLQ207",
         fmt::format("`confidence` needs a share of hits, which {} is not", entry.metric.value),
         "leave it out");
  if (!metric) {
    if (!entry.output.value.empty())
      fail(place_of(entry.output, entry.where), "MLQ203", "`size` is of the artifact, not of an output",
           "leave out `output:`");
    const auto bytes = static_cast<double>(report.artifact_bytes);
    return {&entry, nullptr, "", {bytes, bytes, bytes, 1, {}}, 0, &baseline, report.samples_sha256};
  }
  if (!manifest.samples)
    fail(place_of(entry.metric, entry.where), "MLQ209",
         fmt::format("'{}' needs samples, and the manifest names none", entry.metric.value),
         "add `validate: { samples: { images: DIR } }`");
  const std::string output = output_of(entry, report);
  return {&entry,
          metric,
          output,
          report.outputs.at(output).at(entry.metric),
          report.failed.size(),
          &baseline,
          report.samples_sha256};
}

}  // namespace

std::string hint_for(const Check& check, const Report& report) {
  const std::string accept = check.baseline ? "; if the change is meant, run `mlqc accept`" : "";
  if (check.metric == "size") return "lower `bits`, or raise the limit" + accept;
  const std::string settle =
      check.would_settle
          ? fmt::format("take {} samples, which would settle it if the share stays the same; or ",
                        check.would_settle)
          : "";
  if (std::ranges::any_of(check.cures.layers, [](const Cure& cure) { return !cure.rule.empty(); }))
    return settle + "put rules of these notes at the top of `quantize: layers:`" + accept;
  const std::string layers = weakest_layers(report);
  if (layers.empty()) return "no weights were quantized: look at the samples and the limit" + accept;
  return fmt::format("{}raise `bits`, at first under `layers:` for those that lost most: {}{}", settle,
                     layers, accept);
}

Report judge(Report report, const Manifest& manifest, const std::optional<Baseline>& baseline) {
  report.checks.clear();
  report.passed = report.failed.empty();
  for (const GateSection& entry : manifest.gate) {
    const Subject subject = subject_of(entry, report, manifest, baseline);
    for (Check& check : judge_entry(subject)) {
      if (!check.passed) check.hint = hint_for(check, report);
      if (check.metric == "worst_class_agreement") name_class(check, report);
      report.passed &= check.passed;
      report.checks.push_back(std::move(check));
    }
  }
  return report;
}

}  // namespace mlqc
