#include "compiler/driver/recipe.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "compiler/driver/key.h"
#include "compiler/driver/machine.h"
#include "compiler/support/bytes.h"

namespace mlqc {

namespace fs = std::filesystem;

namespace {

// What `auto` leaves to no rule: tensors that come into being later.
constexpr int otherwise = 8;

// A glob that matches this name alone.
std::string literal(const std::string& name) {
  std::string glob;
  for (const char c : name) {
    if (std::string_view("*?[]\\").find(c) != std::string_view::npos) glob += '\\';
    glob += c;
  }
  return glob;
}

// JSON's strings are YAML's.
std::string quoted(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string rule_text(const LayerRule& rule) {
  std::string text = "    - { match: " + quoted(rule.match);
  if (rule.algorithm) text += ", algorithm: " + rule.algorithm->value;
  if (rule.bits) text += fmt::format(", bits: {}", rule.bits->value);
  if (rule.step) text += fmt::format(", step: {}", rule.step->value);
  if (rule.granularity) text += ", granularity: " + rule.granularity->value;
  if (rule.group_size) text += fmt::format(", group_size: {}", rule.group_size->value);
  if (rule.block_size) text += fmt::format(", block_size: {}", rule.block_size->value);
  if (!rule.reason.empty()) text += ", reason: " + quoted(rule.reason);
  return text + " }\n";
}

constexpr std::string_view key_line = "# key ";

}  // namespace

Manifest with_recipe(Manifest manifest, const Recipe& recipe) {
  manifest.quantize.settings.value.bits = otherwise;
  manifest.quantize.budget.reset();
  for (const Recipe::Layer& layer : recipe.layers) {
    LayerRule rule;
    rule.match = {literal(layer.name), {}};
    if (layer.step == 0) rule.bits = At<int>{layer.bits, {}};
    if (layer.step != 0) rule.step = At<double>{layer.step, {}};
    // Among layers that have another algorithm, one that has the manifest's says so, too.
    if (!layer.algorithm.empty()) rule.algorithm = At<std::string>{layer.algorithm, {}};
    if (!layer.algorithm.empty() || layer.step != 0)
      rule.granularity = At<std::string>{layer.granularity, {}};
    manifest.quantize.layers.push_back(std::move(rule));
  }
  return manifest;
}

std::string recipe_text(const Manifest& manifest, const Recipe& recipe, const std::string& key) {
  const QuantizeSection section = with_recipe(manifest, recipe).quantize;
  const QuantizeSettings& settings = section.settings;
  std::string text = std::string(key_line) + key + "\n";
  for (const std::string& remark : recipe.remarks) text += "# " + remark + "\n";
  text += fmt::format("quantize:\n  algorithm: {}\n  bits: {}\n", settings.algorithm, settings.bits);
  if (settings.step != 0) text += fmt::format("  step: {}\n", settings.step);
  if (!settings.granularity.empty()) text += fmt::format("  granularity: {}\n", settings.granularity);
  if (settings.group_size != 0) text += fmt::format("  group_size: {}\n", settings.group_size);
  if (settings.block_size != 0) text += fmt::format("  block_size: {}\n", settings.block_size);
  if (section.function && section.header)
    text +=
        fmt::format("  function: {}\n  header: {}\n", section.function->value, quoted(section.header->value));
  text += fmt::format("  rounding: {}\n  storage: {}\n  layers:\n", settings.rounding, section.storage.value);
  for (const LayerRule& rule : section.layers) text += rule_text(rule);
  return text;
}

std::string recipe_key(const Manifest& manifest, const Inputs& inputs) {
  Manifest relevant = manifest;
  relevant.labels.reset();  // they judge, but they do not steer
  Key key = key_of(relevant, inputs);
  key.erase("labels");
  std::string text;
  for (const auto& [name, digest] : key) text += name + " " + digest + "\n";
  return sha256(text);
}

std::optional<Manifest> with_recipe_file(const Manifest& manifest, const fs::path& file,
                                         const std::string& key) {
  std::error_code error;
  if (!fs::is_regular_file(file, error)) return {};
  try {
    const std::string text = read_text(file);
    if (!text.starts_with(std::string(key_line) + key + "\n")) return {};
    // The rest of a manifest, so that the section can be read by itself.
    const Manifest read =
        parse_manifest(file, text + "schema: 1\nmodel: { file: any }\ncalibrate: { random: 1 }\n");
    Manifest result = manifest;
    result.quantize = read.quantize;
    return result;
  } catch (const Error&) {
    return {};  // damaged: then it is found anew
  }
}

}  // namespace mlqc
