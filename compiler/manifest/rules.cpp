#include "compiler/manifest/rules.h"

#include <fmt/format.h>

#include <algorithm>

#include "compiler/manifest/fail.h"
#include "compiler/manifest/fields.h"

namespace mlqc {

namespace {

constexpr int most_small_bits = 8;  // above it, weights are floats and need no algorithm

void check_settings(const Place& where, const std::string& algorithm, int bits) {
  if (algorithm == "none" && bits <= most_small_bits)
    fail(where, "MLQ109",
         bits == auto_bits ? "'bits: auto' needs an algorithm"
                           : fmt::format("{} bits need an algorithm", bits),
         "give 'algorithm', for example kmeans_lut");
}

void check_function(const Place& where, const std::string& algorithm, const QuantizeSection& section) {
  if (algorithm == "custom_lut" && !section.function)
    fail(where, "MLQ104", "'algorithm: custom_lut' needs 'function'",
         "name the C++ function under 'quantize', and the 'header' that declares it");
}

void check_quantize(const QuantizeSection& section) {
  if (section.function && !section.header)
    fail(section.function->where, "MLQ104", "'function' needs 'header'", "name the header that declares it");
  const QuantizeSettings& settings = section.settings;
  const bool has_bits = section.bits.line != 0 || has_step(settings.algorithm);
  if (settings.algorithm != "none" && !has_bits)
    fail(section.algorithm, "MLQ104", fmt::format("'algorithm: {}' needs 'bits'", settings.algorithm),
         "give for example 'bits: 8'");
  check_settings(section.bits, settings.algorithm, settings.bits);
  check_function(section.algorithm, settings.algorithm, section);
  for (const LayerRule& rule : section.layers) {
    const std::string algorithm = rule.algorithm ? rule.algorithm->value : settings.algorithm;
    const int bits = rule.bits ? rule.bits->value : settings.bits;
    if (rule.algorithm) check_function(rule.algorithm->where, algorithm, section);
    if (rule.bits) check_settings(rule.bits->where, algorithm, bits);
    if (rule.algorithm && algorithm != "none" && !has_step(algorithm) && !rule.bits && section.bits.line == 0)
      fail(rule.algorithm->where, "MLQ104", fmt::format("'algorithm: {}' needs 'bits'", algorithm),
           "give 'bits' in this entry or for all layers");
  }
}

void check_budget(const Manifest& manifest) {
  const QuantizeSection& section = manifest.quantize;
  const bool automatic = section.settings->bits == auto_bits;
  if (section.budget && !automatic)
    fail(section.budget->where, "MLQ109", "'budget' is what 'bits: auto' has to reach",
         "say 'bits: auto', or remove it");
  if (!automatic) return;
  if (!section.budget)
    fail(section.bits, "MLQ109", "'bits: auto' needs a budget",
         "add 'budget: { at_least: 0.98 }' or 'budget: { max_size: 1 MB }'");
  if (!manifest.calibrate)
    fail(section.bits, "MLQ109", "'bits: auto' needs calibration samples",
         "add 'calibrate: { images: FOLDER }', with other samples than those of 'validate'");
  if (section.budget->at_least && !manifest.samples)
    fail(section.budget->at_least->where, "MLQ109", "'at_least' needs samples to be judged by",
         "add 'validate: { samples: { images: FOLDER } }'");
}

void check_calibration(const Manifest& manifest) {
  if (manifest.calibrate) return;
  const QuantizeSection& section = manifest.quantize;
  const auto need = [](const Place& where, const std::string& what) {
    fail(where, "MLQ109", fmt::format("'{}' needs calibration samples", what),
         "add 'calibrate: { images: FOLDER }', with other samples than those of 'validate'");
  };
  if (section.settings->rounding == "compensated") need(section.rounding, "rounding: compensated");
  if (section.settings->granularity == "per_class") need(section.granularity, "granularity: per_class");
  for (const LayerRule& rule : section.layers)
    if (rule.granularity && rule.granularity->value == "per_class")
      need(rule.granularity->where, "granularity: per_class");
}

const Field& field_of(const Field& section, const std::string& key) {
  return *std::ranges::find(section.fields, key, &Field::key);
}

// Those that mlq has, then those of the manifest, each once.
std::vector<std::string> metric_names(const Manifest& manifest) {
  std::vector<std::string> names = field_of(field_of(manifest_fields(), "gate"), "metric").words;
  for (const OwnMetricSection& metric : manifest.metrics) {
    if (std::ranges::find(names, metric.name.value) != names.end())
      fail(metric.name.where, "MLQ102", fmt::format("there is a metric '{}' already", metric.name.value),
           "give it another name");
    names.push_back(metric.name.value);
  }
  return names;
}

void check_metric(const At<std::string>& metric, const std::vector<std::string>& names) {
  if (std::ranges::find(names, metric.value) != names.end()) return;
  const std::string meant = nearest(metric.value, names);
  fail(metric.where, "MLQ105", fmt::format("'{}' is no value of 'metric'", metric.value),
       meant.empty() ? fmt::format("one of {}", fmt::join(names, ", ")) : "did you mean '" + meant + "'?");
}

void check_limit(const GateSection& limit, const Manifest& manifest) {
  if (limit.at_least && limit.at_most && limit.at_least->value > limit.at_most->value)
    fail(limit.at_most->where, "MLQ109",
         fmt::format("nothing is at least {} and at most {}", limit.at_least->value, limit.at_most->value));
  if (limit.max_drop && !manifest.baseline)
    fail(limit.max_drop->where, "MLQ109", "'max_drop' compares with a baseline, but the manifest names none",
         "add 'baseline: baselines/NAME.json' and run 'mlqc accept'");
  if (limit.metric.value == "size") {
    if (!limit.output.value.empty())
      fail(limit.output.where, "MLQ109", "'size' is of the whole artifact, not of an output",
           "remove 'output'");
  } else if (!manifest.samples) {
    fail(limit.metric.where, "MLQ109", fmt::format("'{}' needs samples", limit.metric.value),
         "add 'validate: { samples: { images: FOLDER } }'");
  }
}

void check_samples(const SamplesSection& samples) {
  if (samples.random && samples.limit)
    fail(samples.limit->where, "MLQ109", "'limit' has no use with 'random'",
         "give the number to 'random' alone");
  if (!samples.augment.empty() && !samples.images)
    fail(samples.augment[0].where, "MLQ109", fmt::format("to '{}' is for pictures", samples.augment[0].value),
         "give 'images', or remove 'augment'");
}

template <class T>
void needs_image(const std::optional<At<T>>& value, const char* key) {
  if (value) fail(value->where, "MLQ109", fmt::format("'{}' is of an image", key), "add 'as: image'");
}

void check_picture(const PictureSection& picture) {
  if (!picture.as) {
    needs_image(picture.color, "color");
    needs_image(picture.layout, "layout");
    needs_image(picture.scale, "scale");
    needs_image(picture.bias, "bias");
  }
  if (!picture.color || picture.color->value != "gray") return;
  for (const auto* numbers : {&picture.scale, &picture.bias})
    if (*numbers && (*numbers)->value.size() > 1)
      fail((*numbers)->where, "MLQ109", "an image of 'color: gray' has one channel", "give one number");
}

}  // namespace

void check_rules(const Manifest& manifest) {
  check_quantize(manifest.quantize);
  check_budget(manifest);
  check_calibration(manifest);
  if (manifest.calibrate) check_samples(*manifest.calibrate);
  if (manifest.samples) check_samples(*manifest.samples);
  for (const auto& [name, input] : manifest.interface.inputs) check_picture(input->picture);
  const std::vector<std::string> metrics = metric_names(manifest);
  for (const GateSection& limit : manifest.gate) {
    check_metric(limit.metric, metrics);
    check_limit(limit, manifest);
  }
}

}  // namespace mlqc
