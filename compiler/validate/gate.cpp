#include "compiler/validate/gate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace mlqc {

namespace {

// A limit with what it is held against.
struct Subject {
  const GateSection* entry;
  const Metric* metric;  // null for size
  std::string output;    // "" for size
  Measurement measured;
  std::size_t failed = 0;  // samples, which count in no figure
  const std::optional<Baseline>* baseline = nullptr;
};

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

// The smallest number of samples, all of them hits, whose lower bound reaches the limit; 0 when none does.
std::size_t samples_needed(double limit, double confidence) {
  if (limit >= 1) return 0;
  std::size_t low = 1, high = 1;
  while (wilson(high, high, confidence).lower < limit) low = high, high *= 2;
  while (low < high) {
    const std::size_t middle = (low + high) / 2;
    if (wilson(middle, middle, confidence).lower < limit)
      low = middle + 1;
    else
      high = middle;
  }
  return high;
}

void check_provable(const Subject& subject) {
  const GateSection& entry = *subject.entry;
  const double confidence = *entry.confidence, limit = *entry.at_least;
  const std::size_t needed = samples_needed(limit, confidence);
  if (needed == 0)
    fail(entry.at_least->where, "MLQ206",
         fmt::format("no number of samples shows {} at a confidence of {}", limit, confidence),
         "ask for less than 1, or leave out `confidence`");
  // Samples that failed turn the gate red by themselves; that is the better message.
  if (subject.measured.n + subject.failed < needed)
    fail(entry.at_least->where, "MLQ206",
         fmt::format("{} samples can never show {} at a confidence of {}: {} are needed", subject.measured.n,
                     limit, confidence, needed),
         "add samples (or raise `limit`), ask for less, or leave out `confidence`");
}

// The figure that a limit sees: with `confidence` the bound of the interval on the limit's side.
double at_confidence(const Subject& subject, bool lower) {
  const auto& confidence = subject.entry->confidence;
  if (!confidence) return subject.measured.value;
  const auto hits = static_cast<std::size_t>(
      std::llround(subject.measured.value * static_cast<double>(subject.measured.n)));
  const Measurement bounds = wilson(hits, subject.measured.n, *confidence);
  return lower ? bounds.lower : bounds.upper;
}

Check start(const Subject& subject, const Place& where, double value, std::string limit) {
  Check check;
  check.output = subject.output;
  check.metric = subject.entry->metric;
  check.value = value;
  check.limit = std::move(limit);
  check.where = where.line ? where : subject.entry->where;
  return check;
}

std::string bound_words(const Subject& subject, const char* bound) {
  if (!subject.entry->confidence) return "";
  return fmt::format(" ({} bound at {} of {:.4g} over {} samples)", bound, subject.entry->confidence->value,
                     subject.measured.value, subject.measured.n);
}

std::string name_of(const Check& check) {
  return check.output.empty() ? check.metric : fmt::format("{} of '{}'", check.metric, check.output);
}

Check judge_least(const Subject& subject) {
  const At<double>& limit = *subject.entry->at_least;
  if (subject.entry->confidence) check_provable(subject);
  Check check =
      start(subject, limit.where, at_confidence(subject, true), fmt::format("at_least {}", limit.value));
  check.passed = check.value >= limit.value;  // false for NaN
  if (!check.passed)
    check.sentence = fmt::format("{} is {:.6g}{}, at least {} is asked for", name_of(check), check.value,
                                 bound_words(subject, "lower"), limit.value);
  return check;
}

Check judge_most(const Subject& subject) {
  const At<double>& limit = *subject.entry->at_most;
  Check check =
      start(subject, limit.where, at_confidence(subject, false), fmt::format("at_most {}", limit.value));
  check.passed = check.value <= limit.value;
  if (!check.passed)
    check.sentence = fmt::format("{} is {:.8g}{}, at most {:.8g} is asked for", name_of(check), check.value,
                                 bound_words(subject, "upper"), limit.value);
  return check;
}

double baseline_value(const Subject& subject, const std::string& samples_sha256) {
  const GateSection& entry = *subject.entry;
  const Place& where = entry.max_drop->where;
  const std::string accept =
      fmt::format("run `mlqc accept {}` and commit the file", where.file.empty() ? "MANIFEST" : where.file);
  if (!*subject.baseline)
    fail(where, "MLQ204", "`max_drop` needs a baseline, and there is none",
         "name a file with `baseline:`, " + accept);
  const Baseline& baseline = **subject.baseline;
  if (subject.metric && baseline.samples_sha256 != samples_sha256)
    fail(where, "MLQ205", "the baseline was measured on other samples, so that a drop means nothing",
         "bring the samples back, or " + accept);
  const auto output = baseline.outputs.find(subject.output);
  if (output != baseline.outputs.end())
    if (const auto figure = output->second.find(entry.metric); figure != output->second.end())
      return figure->second;
  fail(where, "MLQ204", fmt::format("the baseline has no {} of '{}'", entry.metric.value, subject.output),
       accept);
}

// How much worse it became, whichever way is worse. Intervals play no part: both figures are of the same
// samples.
Check judge_drop(const Subject& subject, const std::string& samples_sha256) {
  const At<double>& limit = *subject.entry->max_drop;
  Check check = start(subject, limit.where, subject.measured.value, fmt::format("max_drop {}", limit.value));
  check.baseline = baseline_value(subject, samples_sha256);
  const bool higher_is_better = subject.metric && subject.metric->higher_is_better;
  const double drop = higher_is_better ? *check.baseline - check.value : check.value - *check.baseline;
  // 0.985 - 0.98 is more than 0.005 in binary.
  check.passed = drop <= limit.value + 1e-9;
  if (!check.passed)
    check.sentence = fmt::format("{} went from {:.8g} to {:.8g}, worse by {:.6g}; {} is allowed",
                                 name_of(check), *check.baseline, check.value, drop, limit.value);
  return check;
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

std::string hint_for(const Check& check, const Report& report) {
  const std::string accept = check.baseline ? "; if the change is meant, run `mlqc accept`" : "";
  if (check.metric == "size") return "lower `bits`, or raise the limit" + accept;
  const std::string layers = weakest_layers(report);
  if (layers.empty()) return "no weights were quantized: look at the samples and the limit" + accept;
  return fmt::format("raise `bits`, at first under `layers:` for those that lost most: {}{}", layers, accept);
}

std::vector<Check> judge_entry(const Subject& subject, const std::string& samples_sha256) {
  std::vector<Check> checks;
  if (subject.entry->at_least) checks.push_back(judge_least(subject));
  if (subject.entry->at_most) checks.push_back(judge_most(subject));
  if (subject.entry->max_drop) checks.push_back(judge_drop(subject, samples_sha256));
  return checks;
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
    return {&entry, nullptr, "", {bytes, bytes, bytes, 1}, 0, &baseline};
  }
  if (!manifest.samples)
    fail(place_of(entry.metric, entry.where), "MLQ209",
         fmt::format("'{}' needs samples, and the manifest names none", entry.metric.value),
         "add `validate: { samples: { images: DIR } }`");
  const std::string output = output_of(entry, report);
  return {&entry,   metric, output, report.outputs.at(output).at(entry.metric), report.failed.size(),
          &baseline};
}

}  // namespace

Report judge(Report report, const Manifest& manifest, const std::optional<Baseline>& baseline) {
  report.checks.clear();
  report.passed = report.failed.empty();
  for (const GateSection& entry : manifest.gate) {
    const Subject subject = subject_of(entry, report, manifest, baseline);
    for (Check& check : judge_entry(subject, report.samples_sha256)) {
      if (!check.passed) check.hint = hint_for(check, report);
      report.passed &= check.passed;
      report.checks.push_back(std::move(check));
    }
  }
  return report;
}

}  // namespace mlqc
