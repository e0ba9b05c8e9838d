#include "compiler/driver/key.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "compiler/driver/interface.h"
#include "compiler/driver/machine.h"
#include "compiler/support/bytes.h"

namespace mlqc {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

namespace {

// The same from whichever folder mlqc was called.
std::string text_of(const fs::path& path) { return fs::absolute(path).lexically_normal().string(); }

std::string text_of(const SamplesSection& s) {
  std::string text =
      fmt::format("images={} tensors={} random={} limit={} seed={}",
                  s.images ? text_of(s.images->value) : "-", s.tensors ? text_of(s.tensors->value) : "-",
                  s.random ? s.random->value : 0, s.limit ? s.limit->value : 0, s.seed.value);
  for (const auto& word : s.augment) text += " augment=" + word.value;
  return text;
}

std::string text_of(const QuantizeSection& quantize) {
  const QuantizeSettings& all = quantize.settings;
  std::string text =
      fmt::format("{} {} {} {} {} {} {} {}\n", all.algorithm, all.bits, all.step, all.granularity,
                  all.group_size, all.block_size, all.rounding, quantize.storage.value);
  if (quantize.function) text += "function " + quantize.function->value + "\n";
  if (const auto& budget = quantize.budget)
    text += fmt::format("budget {} {} {}\n", budget->metric.value,
                        budget->at_least ? budget->at_least->value : -1,
                        budget->max_size ? budget->max_size->value : 0);
  for (const LayerRule& rule : quantize.layers)
    text += fmt::format("{} {} {} {} {} {} {}\n", rule.match.value,
                        rule.algorithm ? rule.algorithm->value : "-", rule.bits ? rule.bits->value : 0,
                        rule.step ? rule.step->value : 0, rule.granularity ? rule.granularity->value : "-",
                        rule.group_size ? rule.group_size->value : 0,
                        rule.block_size ? rule.block_size->value : 0);
  return text;
}

std::string text_of(const CustomLayerSection& layer) {
  std::string text = fmt::format("custom {} {} {} {}\n", class_of(layer), layer.op ? layer.op->value : "-",
                                 layer.quantize_weights, layer.description);
  for (const auto& [name, value] : layer.parameters)
    text += fmt::format("{} {} {}\n", name, value->index(),
                        std::visit([](const auto& one) { return fmt::format("{}", one); }, value.value));
  return text;
}

Json read_json(const fs::path& file) {
  std::error_code error;
  if (!fs::is_regular_file(file, error)) return {};
  return Json::parse(read_text(file), nullptr, false);
}

}  // namespace

std::string settings_digest(const Manifest& manifest) {
  std::string text = text_of(manifest.quantize);
  for (const At<std::string>& word : manifest.emit) text += "emit " + word.value + "\n";
  text += interface_settings(manifest);
  for (const CustomLayerSection& layer : manifest.custom_layers) text += text_of(layer);
  for (const OwnMetricSection& metric : manifest.metrics)
    text += fmt::format("metric {} {} {}\n", metric.name.value, metric.higher_is_better, metric.over_samples);
  if (manifest.calibrate) text += "calibrate " + text_of(*manifest.calibrate) + "\n";
  if (manifest.labels) text += "labels " + text_of(manifest.labels->value) + "\n";
  if (manifest.samples) text += "samples " + text_of(*manifest.samples) + "\n";
  return sha256(text);
}

Key key_of(const Manifest& manifest, const Inputs& inputs, std::span<const fs::path> plugins) {
  std::string code;
  for (const fs::path& plugin : plugins) code += sha256(map_file(plugin).bytes);
  return {
      {"model", inputs.source.sha256},
      {"settings", settings_digest(manifest)},
      {"code", code},
      {"samples", inputs.samples ? inputs.samples->sha256 : ""},
      {"labels", inputs.samples ? sha256(fmt::format("{}", fmt::join(inputs.samples->labels, "\n"))) : ""},
      {"calibration", inputs.calibration ? inputs.calibration->sha256 : ""},
      {"tool", tool_digest()},
      {"isa", isa()}};
}

void write_key(const fs::path& file, const Key& key, const std::vector<fs::path>& outputs) {
  Json json = {{"key", key}, {"outputs", Json::object()}};
  for (const fs::path& output : outputs)
    json["outputs"][output.filename().string()] = sha256(map_file(output).bytes);
  write_if_changed(file, json.dump(2) + "\n");
}

bool is_current(const fs::path& file, const Key& key) {
  const Json json = read_json(file);
  if (!json.is_object() || !json.contains("key") || json["key"] != Json(key)) return false;
  if (!json.contains("outputs") || !json["outputs"].is_object()) return false;
  for (const auto& [name, digest] : json["outputs"].items()) {
    std::error_code error;
    const fs::path output = file.parent_path() / name;
    if (!fs::is_regular_file(output, error) || Json(sha256(map_file(output).bytes)) != digest) return false;
  }
  return true;
}

std::string settings_in(const fs::path& file) {
  const Json json = read_json(file);
  const Json digest = json.is_object() ? json.value("/key/settings"_json_pointer, Json()) : Json();
  return digest.is_string() ? digest.get<std::string>() : "";
}

}  // namespace mlqc
