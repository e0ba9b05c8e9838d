#include "compiler/driver/tune.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "compiler/driver/calibrate.h"
#include "compiler/driver/class_importance.h"
#include "compiler/driver/layer_widths.h"
#include "compiler/driver/model_file.h"
#include "compiler/driver/sample_parts.h"
#include "compiler/quantize/compensated.h"
#include "compiler/quantize/quantize.h"
#include "compiler/support/bytes.h"
#include "compiler/validate/measure.h"

namespace mlqc {

namespace {

constexpr int most_trials = 4;                 // on calibration samples
constexpr std::size_t most_verifications = 8;  // on those that judge
constexpr int most_fits = 6;                   // until the artifact is as small as asked
// A trial that ends so near to what was asked of it (in the logarithm of damage) settles the search.
constexpr double near_enough = 0.05;
// What a share of misses is to the square root of the damage, before any were counted.
constexpr double first_misses = 0.6;
// A count of hits at one size differs from the next by chance more than by size. So the first look asks for
// this much more damage than the figures say, the next for this much less each, then for ever less; the last
// takes no chance.
constexpr double hope = 1.6, little = 0.96, caution = 0.9;
// A miss whose damage is this near to a hit's ends the search.
constexpr double near = 0.94;
constexpr int most_steps = 64;  // without a change of any width

bool is_decibels(const std::string& metric) { return metric.ends_with("_db"); }

// By how much damage must change so that a figure becomes another. Misses grow with the square root of a
// divergence; noise is what decibels measure; other figures fall from 1 as noise grows.
double change_of_damage(const Metric& metric, double from, double to) {
  if (is_decibels(std::string(metric.name))) return std::pow(10, (from - to) / 10);
  const double ratio = std::clamp((1 - to) / std::max(1 - from, 1e-9), 1e-3, 1e3);
  return metric.summary == Summary::hits ? ratio * ratio : ratio;
}

class Tuner {
 public:
  Tuner(const Manifest& manifest, const Inputs& inputs, Progress& progress)
      : manifest_(manifest),
        inputs_(inputs),
        progress_(progress),
        budget_(*manifest.quantize.budget),
        reference_(inputs.graph),
        metric_(*find_metric(budget_.metric.value)),
        parts_(split(*inputs.calibration)) {}

  Recipe run() {
    // Layers are judged on samples that did not round them: to those that did, a layer with a row for each
    // class looks half as bad as it is.
    widths_ = measure_widths(manifest_, {calibration_of(parts_.steering, reference_, progress_), parts_.held},
                             reference_, progress_);
    if (widths_.names.empty())
      throw Error(Exit::usage, {manifest_.quantize.bits,
                                "'bits: auto' finds no layer whose bits it may choose",
                                "MLQ134",
                                "remove it, or the rules of 'layers' that fix them all",
                                {}});
    return budget_.at_least ? smallest() : best();
  }

 private:
  using Chosen = std::vector<std::size_t>;

  static std::string granularity_of(const QuantizeSettings& settings) {
    return settings.granularity.empty() ? std::string(find_algorithm(settings.algorithm)->default_granularity)
                                        : settings.granularity;
  }

  Recipe recipe_of(const Chosen& chosen) const {
    Recipe recipe;
    for (std::size_t i = 0; i < chosen.size(); ++i) {
      const QuantizeSettings& settings = widths_.settings[chosen[i]];
      const bool other = settings.algorithm != manifest_.quantize.settings->algorithm;
      recipe.layers.push_back(
          {widths_.names[i], settings.bits, settings.step, other ? settings.algorithm : "",
           widths_.names[i] == widths_.class_layer ? "per_class" : granularity_of(settings)});
    }
    return recipe;
  }

  std::vector<std::byte> artifact_of(const Chosen& chosen, const Samples& steering) {
    const Calibration calibration = calibration_of(steering, reference_, progress_);
    const QuantizationPlan planned =
        weighed_plan(reference_, with_recipe(manifest_, recipe_of(chosen)), calibration);
    const CompensatedGraph made =
        compensated(reference_, planned, quantize(reference_, planned), calibration, calibration_memory);
    return write_artifact(manifest_, inputs_.source, made.graph);
  }

  Measured measure_artifact(const std::vector<std::byte>& artifact, const Samples& samples,
                            const std::string& stage) const {
    return measure([&](int threads) { return load_graph(reference_, threads); },
                   [&](int threads) {
                     return load_artifact({artifact, nullptr}, "a candidate", threads, inputs_.classes);
                   },
                   samples, [&](std::size_t done, std::size_t total) { progress_.show(stage, done, total); });
  }

  // Of the first output that has it.
  Measurement figure(const Measured& measured) const {
    for (const auto& [output, figures] : measured.outputs)
      if (const auto found = figures.find(std::string(metric_.name)); found != figures.end())
        return found->second;
    throw Error(Exit::usage, {budget_.metric.where.line ? budget_.metric.where : budget_.where,
                              fmt::format("'{}' judges none of the model's outputs", metric_.name),
                              "MLQ203",
                              "give 'budget' another 'metric', for example psnr_db for pictures",
                              {}});
  }

  struct Trial {
    double damage = 0, figure = 0;
  };

  // Misses are few and jump; the divergence behind them is smooth. All calibration samples tell how the two
  // go together, those that did not steer tell the divergence.
  Trial tried(const Chosen& chosen, int number) {
    const std::vector<std::byte> artifact = artifact_of(chosen, parts_.steering);
    const std::string stage = fmt::format("trial {}, {} bytes", number, artifact.size());
    const Measured held = measure_artifact(artifact, parts_.held, stage);
    Trial trial{std::max(damage_of(held), 1e-12), figure(held).value};
    if (metric_.summary != Summary::hits) return trial;
    const Measured all = measure_artifact(artifact, *inputs_.calibration, stage);
    misses_ += 1 - figure(all).value;
    roots_ += std::sqrt(damage_of(all));
    // One miss in doubt: no share of misses is known to be zero.
    const double rate = (misses_ + first_misses * 0.01) / (roots_ + 0.01);
    trial.figure = 1 - rate * std::sqrt(trial.damage);
    return trial;
  }

  // The damage to ask for: what trials on calibration samples say that the figure needs.
  void search(double wanted) {
    asked_ = is_decibels(budget_.metric.value)  ? std::pow(10, -wanted / 10)
             : metric_.summary == Summary::hits ? std::pow((1 - wanted) / first_misses, 2)
                                                : 1 - wanted;
    asked_ = std::max(asked_, 1e-9);
    Chosen last;
    for (int number = 1; number <= most_trials; ++number) {
      const Chosen chosen = widths_for_damage(widths_.layers, asked_ / together_);
      if (chosen == last) return;
      last = chosen;
      const Trial trial = tried(chosen, number);
      together_ = trial.damage / std::max(mlqc::damage_of(widths_.layers, chosen), 1e-12);
      asked_ = std::max(trial.damage * change_of_damage(metric_, trial.figure, wanted), 1e-9);
      if (std::abs(std::log(asked_ / trial.damage)) < near_enough) return;
    }
  }

  std::string remark(const Measurement& measured, std::size_t bytes, std::size_t looks) const {
    std::string text =
        fmt::format("{} bytes; {} {:.4g} (95 %: {:.4g} to {:.4g}) on {} samples of 'validate'", bytes,
                    metric_.name, measured.value, measured.lower, measured.upper, measured.n);
    return looks > 1 ? text + fmt::format(", the best of {} looks there", looks) : text;
  }

  struct Look {
    Chosen chosen;
    Measurement measured;
    std::size_t bytes = 0;
    bool reached = false;
  };

  Look look_at(Chosen chosen) {
    const std::vector<std::byte> artifact = artifact_of(chosen, *inputs_.calibration);
    const Measurement measured = figure(measure_artifact(artifact, *inputs_.samples, "verifying"));
    return {std::move(chosen), measured, artifact.size(), measured.value >= budget_.at_least->value};
  }

  // The damage that the next look asks for, after this one; `reached` and `missed` are what such looks asked
  // for at best, or 0. A miss that chance does not explain moves by half of what the figures say.
  double after(const Look& look, std::size_t looks, double reached, double missed) const {
    if (reached > 0 && missed > 0) return std::sqrt(reached * missed);
    const double wanted = budget_.at_least->value;
    const double change = change_of_damage(metric_, look.measured.value, wanted);
    const bool counts = metric_.summary == Summary::hits;
    if (look.reached) return asked_ * (counts ? 1 / little : std::max(change, 1 / little));
    if (counts && looks + 1 < most_verifications) {
      const double longer = static_cast<double>(std::max<std::size_t>(looks, 2) - 1);
      return asked_ * (look.measured.upper >= wanted ? std::pow(little, longer) : std::sqrt(change));
    }
    return asked_ * caution * std::min(change, 1.0);
  }

  // Looks upwards until one reaches the goal, or downwards until one does not; then between those two.
  Recipe smallest() {
    search(budget_.at_least->value);
    if (metric_.summary == Summary::hits) asked_ *= hope;
    std::vector<Look> looks;
    double reached = 0, missed = 0;
    Chosen last;
    while (looks.size() < most_verifications && !(reached > 0 && missed > 0 && missed * near < reached)) {
      Chosen chosen = widths_for_damage(widths_.layers, asked_ / together_);
      // Of a small network no width may change by so little; as long as nothing reached the goal, go on.
      for (int more = 0; chosen == last && reached == 0 && more < most_steps; ++more) {
        asked_ *= caution;
        chosen = widths_for_damage(widths_.layers, asked_ / together_);
      }
      if (chosen == last) break;
      last = chosen;
      looks.push_back(look_at(std::move(chosen)));
      (looks.back().reached ? reached : missed) = asked_;
      asked_ = after(looks.back(), looks.size(), reached, missed);
    }
    return report(looks);
  }

  Recipe report(const std::vector<Look>& looks) const {
    const Look* best = nullptr;
    for (const Look& look : looks)
      if (look.reached && (!best || look.bytes < best->bytes)) best = &look;
    if (!best) give_up(looks.back().measured.value);
    Recipe recipe = recipe_of(best->chosen);
    recipe.remarks = {fmt::format("bits found for {} of at least {}", metric_.name, budget_.at_least->value),
                      remark(best->measured, best->bytes, looks.size())};
    for (const Look& look : looks)
      if (&look != best)
        recipe.remarks.push_back(fmt::format("looked at {} bytes: {:.4g}", look.bytes, look.measured.value));
    return recipe;
  }

  [[noreturn]] void give_up(double last) const {
    throw Error(Exit::red_gate,
                {budget_.at_least->where,
                 fmt::format("no bits that the search found reach {} {}: the last had {:.4g}", metric_.name,
                             budget_.at_least->value, last),
                 "MLQ135",
                 "ask for less, give more or other samples to 'calibrate', or fix bits under 'layers'",
                 {}});
  }

  Recipe best() {
    const double limit = budget_.max_size->value;
    double room = limit;  // for the weights; what else the artifact holds shows when it is written
    for (int tries = 1; tries <= most_fits; ++tries) {
      const Chosen chosen = widths_within(widths_.layers, room);
      const std::vector<std::byte> artifact = artifact_of(chosen, *inputs_.calibration);
      if (static_cast<double>(artifact.size()) <= limit) return report(chosen, artifact);
      room = limit - (static_cast<double>(artifact.size()) - bytes_of(widths_.layers, chosen));
    }
    throw Error(Exit::red_gate, {budget_.max_size->where,
                                 fmt::format("no bits make the artifact as small as {:.0f} bytes", limit),
                                 "MLQ135",
                                 "ask for more room",
                                 {}});
  }

  Recipe report(const Chosen& chosen, const std::vector<std::byte>& artifact) const {
    Recipe recipe = recipe_of(chosen);
    recipe.remarks = {fmt::format("bits found for at most {:.0f} bytes", budget_.max_size->value)};
    if (!inputs_.samples) {
      recipe.remarks.push_back(fmt::format("{} bytes", artifact.size()));
      return recipe;
    }
    const Measured measured = measure_artifact(artifact, *inputs_.samples, "verifying");
    recipe.remarks.push_back(remark(figure(measured), artifact.size(), 1));
    return recipe;
  }

  const Manifest& manifest_;
  const Inputs& inputs_;
  Progress& progress_;
  const BudgetSection& budget_;
  const mlq::Graph& reference_;
  const Metric& metric_;
  const SampleParts parts_;
  NamedWidths widths_;
  double misses_ = 0, roots_ = 0;  // of all trials
  double asked_ = 0;               // the damage of the whole network to ask for
  double together_ = 1;            // what the layers' damages together do, to the sum of them
};

}  // namespace

Recipe tune(const Manifest& manifest, const Inputs& inputs, Progress& progress) {
  return Tuner(manifest, inputs, progress).run();
}

Manifest tuned(const Manifest& manifest, const Inputs& inputs, const std::filesystem::path& file,
               Progress& progress) {
  if (manifest.quantize.settings->bits != auto_bits) return manifest;
  const std::string key = recipe_key(manifest, inputs);
  if (!file.empty())
    if (std::optional<Manifest> known = with_recipe_file(manifest, file, key)) return *known;
  const Recipe recipe = tune(manifest, inputs, progress);
  if (!file.empty()) write_if_changed(file, recipe_text(manifest, recipe, key));
  return with_recipe(manifest, recipe);
}

}  // namespace mlqc
