#include "compiler/driver/custom_layers.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "compiler/support/error.h"

namespace mlqc {

namespace {

std::shared_ptr<const mlq::CustomClass> find_code(std::span<const mlq::CustomClass> classes,
                                                  const std::string& name) {
  const auto found = std::ranges::find(classes, name, &mlq::CustomClass::name);
  return found == classes.end() ? nullptr : std::make_shared<const mlq::CustomClass>(*found);
}

CustomEntry entry_of(const CustomLayerSection& section, std::span<const mlq::CustomClass> classes) {
  CustomEntry entry;
  entry.layer_class = class_of(section);
  if (section.op) entry.op = section.op->value;
  for (const auto& [name, value] : section.parameters) entry.parameters[name] = value.value;
  entry.description = section.description;
  entry.quantize_weights = section.quantize_weights;
  entry.code = find_code(classes, entry.layer_class);
  return entry;
}

void collect(const mlq::Graph& graph, std::set<std::string>& classes) {
  for (const mlq::Node& node : graph.nodes) {
    if (node.op == mlq::custom_op) classes.insert(custom_class_of(node));
    for (const auto& [key, attribute] : node.attributes)
      if (const auto* inner = std::get_if<std::shared_ptr<const mlq::Graph>>(&attribute))
        collect(**inner, classes);
  }
}

}  // namespace

std::vector<CustomEntry> custom_entries(std::span<const mlq::CustomClass> classes) {
  std::vector<CustomEntry> entries;
  for (const mlq::CustomClass& one : classes)
    entries.push_back({one.name, "", {}, "", false, std::make_shared<const mlq::CustomClass>(one)});
  return entries;
}

std::vector<CustomEntry> custom_entries(const Manifest& manifest, std::span<const mlq::CustomClass> classes) {
  std::vector<CustomEntry> entries;
  for (const CustomLayerSection& section : manifest.custom_layers)
    entries.push_back(entry_of(section, classes));
  for (CustomEntry& entry : custom_entries(classes)) entries.push_back(std::move(entry));
  return entries;
}

void check_custom_layers(const Manifest& manifest, const mlq::Graph& graph) {
  std::set<std::string> used;
  collect(graph, used);
  for (const CustomLayerSection& section : manifest.custom_layers) {
    const std::string name = class_of(section);
    if (used.contains(name)) continue;
    const At<std::string>& word = section.op ? *section.op : *section.layer_class;
    const std::string meant = nearest(name, {used.begin(), used.end()});
    throw Error(Exit::usage, {word.where,
                              fmt::format("the model has no layer of {} {}",
                                          section.op ? "the operator" : "class", word.value),
                              "MLQ169",
                              meant.empty() ? "remove the entry" : "did you mean '" + meant + "'?",
                              {}});
  }
}

}  // namespace mlqc
