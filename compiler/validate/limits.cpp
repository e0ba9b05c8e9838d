#include "compiler/validate/limits.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "compiler/validate/statistics.h"

namespace mlqc {

namespace {

constexpr double usual_confidence = 0.95;  // of the paired test, where an entry names none

[[noreturn]] void fail(const Place& where, const char* code, std::string what, std::string hint) {
  throw Error(Exit::usage, {where, std::move(what), code, std::move(hint), {}});
}

bool is_share(const Metric* metric) { return metric && metric->summary == Summary::hits; }

std::string percent(double share) { return fmt::format("{:.4g} %", 100 * share); }

std::string name_of(const Check& check) {
  return check.output.empty() ? check.metric : fmt::format("{} of '{}'", check.metric, check.output);
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

// The figure that a limit sees: with `confidence` the one-sided bound on the limit's side.
double at_confidence(const Subject& subject, bool lower) {
  const auto& confidence = subject.entry->confidence;
  if (!confidence || subject.measured.n == 0) return subject.measured.value;
  const Bounds bounds =
      wilson_bounds(subject.measured.value, static_cast<double>(subject.measured.n), two_sided(*confidence));
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

// "98.44 % (252 of 256 samples); the lower bound at 95 % confidence is 96.6 %".
std::string value_words(const Subject& subject, const Check& check, const char* bound) {
  if (!is_share(subject.metric) || subject.measured.n == 0) return figure_text(check.metric, check.value);
  const auto n = static_cast<double>(subject.measured.n);
  std::string text = fmt::format("{} ({:.0f} of {} samples)", percent(subject.measured.value),
                                 std::round(subject.measured.value * n), subject.measured.n);
  if (const auto& confidence = subject.entry->confidence)
    text += fmt::format("; the {} bound at {:.4g} % confidence is {:.1f} %", bound, 100 * confidence->value,
                        100 * check.value);
  return text;
}

Check judge_least(const Subject& subject) {
  const At<double>& limit = *subject.entry->at_least;
  if (subject.entry->confidence) check_provable(subject);
  Check check =
      start(subject, limit.where, at_confidence(subject, true), fmt::format("at_least {}", limit.value));
  check.passed = check.value >= limit.value;  // false for NaN
  if (check.passed) return check;
  check.sentence = fmt::format("{} is {}, at least {} is asked for", name_of(check),
                               value_words(subject, check, "lower"), figure_text(check.metric, limit.value));
  if (const auto& confidence = subject.entry->confidence)
    check.would_settle = samples_to_settle(subject.measured.value, limit, *confidence);
  if (check.would_settle)
    check.notes.push_back(fmt::format("if the share stays at {}, {} samples would settle it",
                                      percent(subject.measured.value), check.would_settle));
  return check;
}

Check judge_most(const Subject& subject) {
  const At<double>& limit = *subject.entry->at_most;
  Check check =
      start(subject, limit.where, at_confidence(subject, false), fmt::format("at_most {}", limit.value));
  check.passed = check.value <= limit.value;
  if (!check.passed)
    check.sentence =
        fmt::format("{} is {}, at most {} is asked for", name_of(check), value_words(subject, check, "upper"),
                    figure_text(check.metric, limit.value));
  return check;
}

double baseline_value(const Subject& subject) {
  const GateSection& entry = *subject.entry;
  const Place& where = entry.max_drop->where;
  const std::string accept =
      fmt::format("run `mlqc accept {}` and commit the file", where.file.empty() ? "MANIFEST" : where.file);
  if (!*subject.baseline)
    fail(where, "MLQ204", "`max_drop` needs a baseline, and there is none",
         "name a file with `baseline:`, " + accept);
  const Baseline& baseline = **subject.baseline;
  if (subject.metric && baseline.samples_sha256 != subject.samples_sha256)
    fail(where, "MLQ205", "the baseline was measured on other samples, so that a drop means nothing",
         "bring the samples back, or " + accept);
  const auto output = baseline.outputs.find(subject.output);
  if (output != baseline.outputs.end())
    if (const auto figure = output->second.find(entry.metric); figure != output->second.end())
      return figure->second;
  fail(where, "MLQ204", fmt::format("the baseline has no {} of '{}'", entry.metric.value, subject.output),
       accept);
}

// Samples that became misses, and misses that became hits.
struct Changes {
  std::vector<std::string> flipped, mended;
};

// Nothing where the baseline does not know its samples.
std::optional<Changes> changes_of(const Subject& subject) {
  if (!is_share(subject.metric)) return std::nullopt;
  const auto& missed = (*subject.baseline)->missed;
  const auto output = missed.find(subject.output);
  if (output == missed.end() || !output->second.contains(subject.entry->metric)) return std::nullopt;
  std::vector<std::string> before = output->second.at(subject.entry->metric), now = subject.measured.samples;
  std::ranges::sort(before);
  std::ranges::sort(now);
  Changes changes;
  std::ranges::set_difference(now, before, std::back_inserter(changes.flipped));
  std::ranges::set_difference(before, now, std::back_inserter(changes.mended));
  return changes;
}

std::string some(const std::vector<std::string>& names) {
  constexpr std::size_t shown = 5;
  std::string text;
  for (std::size_t i = 0; i < std::min(shown, names.size()); ++i) text += (i ? ", " : "") + names[i];
  return text + (names.size() > shown ? fmt::format(" and {} more", names.size() - shown) : "");
}

// A drop over the same samples is a few samples that flipped, less those that were mended. Where both happen
// and chance alone explains the difference, the model is another one but no worse one. Without mended ones a
// drop is a drop, however few flipped.
void judge_pairs(const Subject& subject, const Changes& changes, Check& check) {
  const double confidence = subject.entry->confidence ? subject.entry->confidence->value : usual_confidence;
  const std::size_t flipped = changes.flipped.size(), mended = changes.mended.size();
  if (flipped + mended == 0) return;
  const double chance = sign_test(flipped, mended);
  std::string note =
      fmt::format("{} newly flipped, {} newly mended (paired test: p = {:.2g})", flipped, mended, chance);
  if (!check.passed && mended > 0 && chance > 1 - confidence) {
    check.passed = true;
    note += fmt::format(", which may be chance at a confidence of {}", confidence);
  }
  check.notes.push_back(note);
  if (flipped) check.notes.push_back("newly flipped: " + some(changes.flipped));
}

// How much worse it became, whichever way is worse. Intervals play no part: both figures are of the same
// samples.
Check judge_drop(const Subject& subject) {
  const At<double>& limit = *subject.entry->max_drop;
  Check check = start(subject, limit.where, subject.measured.value, fmt::format("max_drop {}", limit.value));
  check.baseline = baseline_value(subject);
  const bool higher_is_better = subject.metric && subject.metric->higher_is_better;
  const double drop = higher_is_better ? *check.baseline - check.value : check.value - *check.baseline;
  // 0.985 - 0.98 is more than 0.005 in binary.
  check.passed = drop <= limit.value + 1e-9;
  if (const auto changes = changes_of(subject)) judge_pairs(subject, *changes, check);
  if (!check.passed)
    check.sentence = fmt::format("{} went from {:.8g} to {:.8g}, worse by {:.6g}; {} is allowed",
                                 name_of(check), *check.baseline, check.value, drop, limit.value);
  if (drop < -limit.value && drop < 0)
    check.notes.push_back(
        fmt::format("better than the baseline by {:.6g}: `mlqc accept` would hold it there", -drop));
  return check;
}

}  // namespace

std::vector<Check> judge_entry(const Subject& subject) {
  std::vector<Check> checks;
  if (subject.entry->at_least) checks.push_back(judge_least(subject));
  if (subject.entry->at_most) checks.push_back(judge_most(subject));
  if (subject.entry->max_drop) checks.push_back(judge_drop(subject));
  return checks;
}

std::string figure_text(const std::string& metric, double value) {
  const Metric* known = find_metric(metric);
  if (metric == "size") return fmt::format("{:.0f} B", value);
  if (!std::isfinite(value)) return fmt::format("{}", value);
  if (known && (known->summary == Summary::hits || known->summary == Summary::worst_class))
    return fmt::format("{:.2f} %", 100 * value);
  if (metric.ends_with("_db")) return fmt::format("{:.2f} dB", value);
  return fmt::format("{:.6g}", value);
}

}  // namespace mlqc
