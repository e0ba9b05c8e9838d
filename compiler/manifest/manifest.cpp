#include "compiler/manifest/manifest.h"

#include "compiler/manifest/check.h"
#include "compiler/manifest/fail.h"
#include "compiler/manifest/rules.h"
#include "compiler/manifest/scalars.h"
#include "compiler/manifest/yaml.h"
#include "compiler/support/bytes.h"

namespace mlqc {

namespace fs = std::filesystem;

namespace {

// Values that check() has passed, as what they stand for. `map` may be null: then nothing was given.
struct Section {
  const Yaml* map;
  const fs::path& folder;  // what paths are relative to

  const Yaml* at(std::string_view key) const { return map ? map->find(key) : nullptr; }
  Section inner(std::string_view key) const { return {at(key), folder}; }
  Place place(std::string_view key) const { return at(key) ? at(key)->where : Place{}; }
};

template <class T>
T convert(const Yaml& value, const fs::path& folder);
template <>
std::string convert(const Yaml& value, const fs::path&) {
  return value.text;
}
template <>
int convert(const Yaml& value, const fs::path&) {
  return value.text == "auto" ? auto_bits : static_cast<int>(*to_whole(value.text));
}
template <>
double convert(const Yaml& value, const fs::path&) {
  return *to_size(value.text);
}
template <>
fs::path convert(const Yaml& value, const fs::path& folder) {
  return (folder / value.text).lexically_normal();
}

template <>
bool convert(const Yaml& value, const fs::path&) {
  return value.text == "true";
}
template <>
std::vector<float> convert(const Yaml& value, const fs::path&) {
  std::vector<float> numbers;
  for (const Yaml& item : value.items) numbers.push_back(static_cast<float>(*to_number(item.text)));
  if (value.kind == Yaml::Kind::scalar) numbers.push_back(static_cast<float>(*to_number(value.text)));
  return numbers;
}

template <class T>
void set(std::optional<At<T>>& target, const Section& section, std::string_view key) {
  if (const Yaml* value = section.at(key); value && value->kind != Yaml::Kind::null)
    target = At<T>{convert<T>(*value, section.folder), value->where};
}
template <class T>
void set(At<T>& target, const Section& section, std::string_view key) {
  if (const Yaml* value = section.at(key)) target = {convert<T>(*value, section.folder), value->where};
}
template <class T>
void set(T& target, const Section& section, std::string_view key) {
  if (const Yaml* value = section.at(key)) target = convert<T>(*value, section.folder);
}

const std::vector<Yaml>& entries(const Section& section, std::string_view key) {
  static const std::vector<Yaml> none;
  const Yaml* list = section.at(key);
  return list ? list->items : none;
}

std::map<std::string, At<FeatureSection>> read_features(const Section& features) {
  std::map<std::string, At<FeatureSection>> all;
  if (!features.map) return all;
  for (const YamlEntry& entry : features.map->entries) {
    const Section section{&entry.value, features.folder};
    At<FeatureSection> feature{{}, entry.where};
    set(feature.value.rename, section, "rename");
    set(feature.value.top_k, section, "top_k");
    set(feature.value.shapes, section, "shapes");
    PictureSection& picture = feature.value.picture;
    set(picture.as, section, "as");
    set(picture.color, section, "color");
    set(picture.layout, section, "layout");
    set(picture.scale, section, "scale");
    set(picture.bias, section, "bias");
    set(feature.value.classifier.labels, section, "labels");
    set(feature.value.classifier.softmax, section, "softmax");
    all[entry.key] = feature;
  }
  return all;
}

InterfaceSection read_interface(const Section& section) {
  InterfaceSection interface;
  set(interface.name_space, section, "namespace");
  set(interface.class_name, section, "class");
  interface.inputs = read_features(section.inner("inputs"));
  interface.outputs = read_features(section.inner("outputs"));
  return interface;
}

LayerRule read_rule(const Section& section) {
  LayerRule rule;
  set(rule.match, section, "match");
  set(rule.algorithm, section, "algorithm");
  set(rule.bits, section, "bits");
  set(rule.step, section, "step");
  set(rule.granularity, section, "granularity");
  set(rule.group_size, section, "group_size");
  set(rule.block_size, section, "block_size");
  set(rule.reason, section, "reason");
  return rule;
}

std::optional<BudgetSection> read_budget(const Section& section) {
  if (!section.map) return {};
  BudgetSection budget;
  budget.where = section.map->where;
  set(budget.metric, section, "metric");
  set(budget.at_least, section, "at_least");
  set(budget.max_size, section, "max_size");
  return budget;
}

QuantizeSection read_quantize(const Section& section) {
  QuantizeSection quantize;
  QuantizeSettings& settings = quantize.settings.value;
  if (section.map) quantize.settings.where = section.map->where;
  set(settings.algorithm, section, "algorithm");
  set(settings.bits, section, "bits");
  set(settings.step, section, "step");
  // Some have a step instead; the number says that weights become small.
  if (has_step(settings.algorithm) && !section.at("bits")) settings.bits = 8;
  set(settings.granularity, section, "granularity");
  set(settings.group_size, section, "group_size");
  set(settings.block_size, section, "block_size");
  set(quantize.function, section, "function");
  set(quantize.header, section, "header");
  set(settings.rounding, section, "rounding");
  set(quantize.storage, section, "storage");
  quantize.budget = read_budget(section.inner("budget"));
  quantize.algorithm = section.place("algorithm");
  quantize.bits = section.place("bits");
  quantize.step = section.place("step");
  quantize.granularity = section.place("granularity");
  quantize.group_size = section.place("group_size");
  quantize.block_size = section.place("block_size");
  quantize.rounding = section.place("rounding");
  for (const Yaml& entry : entries(section, "layers"))
    quantize.layers.push_back(read_rule({&entry, section.folder}));
  return quantize;
}

CustomLayerSection::Parameter read_parameter(const Yaml& value) {
  if (!value.quoted) {
    if (const auto whole = to_whole(value.text)) return *whole;
    if (const auto number = to_number(value.text)) return *number;
    if (value.text == "true" || value.text == "false") return value.text == "true";
  }
  return value.text;
}

CustomLayerSection read_custom_layer(const Section& section) {
  CustomLayerSection layer;
  layer.where = section.map->where;
  set(layer.layer_class, section, "class");
  set(layer.op, section, "op");
  set(layer.type, section, "type");
  set(layer.header, section, "header");
  set(layer.description, section, "description");
  if (const Yaml* parameters = section.at("parameters"))
    for (const YamlEntry& entry : parameters->entries)
      layer.parameters[entry.key] = {read_parameter(entry.value), entry.value.where};
  if (const Yaml* weights = section.at("weights")) layer.quantize_weights = weights->text == "quantize";
  return layer;
}

OwnMetricSection read_metric(const Section& section) {
  OwnMetricSection metric;
  metric.where = section.map->where;
  set(metric.name, section, "name");
  set(metric.function, section, "function");
  set(metric.header, section, "header");
  metric.higher_is_better = section.at("better")->text == "higher";
  set(metric.over_samples, section, "over_samples");
  return metric;
}

std::optional<SamplesSection> read_samples(const Section& section) {
  if (!section.map) return {};
  SamplesSection samples;
  samples.where = section.map->where;
  set(samples.images, section, "images");
  set(samples.tensors, section, "tensors");
  set(samples.random, section, "random");
  set(samples.limit, section, "limit");
  set(samples.seed, section, "seed");
  for (const Yaml& word : entries(section, "augment")) samples.augment.push_back({word.text, word.where});
  return samples;
}

GateSection read_limit(const Section& section) {
  GateSection limit;
  limit.where = section.map->where;
  set(limit.output, section, "output");
  set(limit.metric, section, "metric");
  set(limit.at_least, section, "at_least");
  set(limit.at_most, section, "at_most");
  set(limit.max_drop, section, "max_drop");
  set(limit.confidence, section, "confidence");
  // Only here is the written form known.
  for (const char* key : {"at_least", "at_most", "max_drop"})
    if (const Yaml* value = section.at(key); value && limit.metric.value != "size" && !to_number(value->text))
      fail(value->where, "MLQ109",
           "'" + value->text + "' is a size, but the metric is '" + limit.metric.value + "'",
           "give a number without a unit");
  return limit;
}

std::vector<At<std::string>> read_emit(const Section& section) {
  std::vector<At<std::string>> emit = {{"mlq", {}}};
  for (const Yaml& word : entries(section, "emit"))
    if (word.text == "mlq")
      emit[0].where = word.where;
    else
      emit.push_back({word.text, word.where});
  return emit;
}

}  // namespace

std::string class_of(const CustomLayerSection& section) {
  if (section.layer_class) return section.layer_class->value;
  return section.type->substr(section.type->rfind(':') + 1);  // npos + 1 is the beginning
}

Manifest parse_manifest(const fs::path& file, const std::string& text) {
  const Yaml root = parse_yaml(file.string(), text);
  if (root.kind == Yaml::Kind::null)
    fail({file.string(), 1, 1}, "MLQ104", "the manifest is empty",
         "'mlqc init MODEL' writes one to begin with");
  check(root, manifest_fields(), root.where);

  const fs::path folder = file.parent_path();
  const Section section{&root, folder};
  Manifest manifest;
  manifest.file = file;
  manifest.text = text;
  set(manifest.model.file, section.inner("model"), "file");
  set(manifest.model.sha256, section.inner("model"), "sha256");
  manifest.interface = read_interface(section.inner("interface"));
  manifest.quantize = read_quantize(section.inner("quantize"));
  for (const Yaml& entry : entries(section, "custom_layers"))
    manifest.custom_layers.push_back(read_custom_layer({&entry, folder}));
  manifest.calibrate = read_samples(section.inner("calibrate"));
  manifest.samples = read_samples(section.inner("validate").inner("samples"));
  set(manifest.labels, section.inner("validate"), "labels");
  for (const Yaml& entry : entries(section.inner("validate"), "metrics"))
    manifest.metrics.push_back(read_metric({&entry, folder}));
  for (const Yaml& entry : entries(section, "gate")) manifest.gate.push_back(read_limit({&entry, folder}));
  set(manifest.baseline, section, "baseline");
  manifest.emit = read_emit(section);
  check_rules(manifest);
  return manifest;
}

Manifest parse_manifest(const fs::path& file) {
  std::string text;
  try {
    text = read_text(file);
  } catch (const Error& error) {
    // To the reader of any other file it would be a model that cannot be read.
    const std::string hint = "name a manifest; 'mlqc init MODEL' writes one";
    fail(error.diagnostic().where, "MLQ111", error.diagnostic().what, hint);
  }
  return parse_manifest(file, text);
}

}  // namespace mlqc
