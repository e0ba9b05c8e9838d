// The report as a terminal shows it, in 100 columns.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "compiler/validate/limits.h"
#include "compiler/validate/report.h"

namespace mlqc {

namespace {

constexpr std::size_t most_failures = 5, most_groups = 12;

// 1234567 as "1,234,567".
std::string grouped(std::size_t number) {
  std::string text = fmt::format("{}", number);
  for (std::size_t i = text.size(); i > 3; i -= 3) text.insert(i - 3, 1, ',');
  return text;
}

// Columns, not bytes: names may hold any letters. Cut names end in "...".
std::string fitted(const std::string& name, std::size_t width) {
  std::size_t columns = 0, cut = 0;
  for (std::size_t i = 0; i < name.size(); ++i) {
    if ((static_cast<unsigned char>(name[i]) & 0xC0) == 0x80) continue;
    if (columns == width - 3) cut = i;
    ++columns;
  }
  if (columns > width) return name.substr(0, cut) + "...";
  return name + std::string(width - columns, ' ');
}

std::string bytes_text(const Report& report) {
  std::string text =
      fmt::format("  {:<12}{:>16}\n  {:<12}{:>16}", "before", grouped(report.source_bytes) + " B", "after",
                  grouped(report.artifact_bytes) + " B");
  if (report.source_bytes && report.artifact_bytes)
    text +=
        fmt::format("   {:.1f} %, {:.2f} times smaller", 100.0 * report.artifact_bytes / report.source_bytes,
                    static_cast<double>(report.source_bytes) / report.artifact_bytes);
  return text + fmt::format("\n  {:<12}{:>16}\n", "of weights", grouped(report.weight_bytes) + " B");
}

std::string samples_text(const Report& report) {
  if (report.sample_count == 0 && report.failed.empty()) return "";
  std::string text =
      fmt::format("\nsamples      {} measured, {} failed\n", report.sample_count, report.failed.size());
  for (std::size_t i = 0; i < std::min(most_failures, report.failed.size()); ++i)
    text += fmt::format("  FAILED {}: {}\n", report.failed[i].name, report.failed[i].why);
  if (report.failed.size() > most_failures)
    text += fmt::format("  and {} more, all of them in the report\n", report.failed.size() - most_failures);
  return text;
}

std::string outputs_text(const Report& report) {
  std::string text;
  for (const auto& [output, figures] : report.outputs)
    for (const auto& [metric, measured] : figures) {
      const bool interval = measured.lower != measured.upper;
      text += fmt::format("  {} {:<16}{:>12}  {}\n", fitted(output, 30), metric,
                          figure_text(metric, measured.value),
                          interval ? fmt::format("[{}, {}]", figure_text(metric, measured.lower),
                                                 figure_text(metric, measured.upper))
                                   : "");
    }
  if (text.empty()) return "";
  return fmt::format("\n  {:<30} {:<16}{:>12}  {}\n{}", "output", "metric", "value", "95 % interval", text);
}

// Layers that were treated alike and follow each other, as one line.
struct Group {
  const LayerReport *first, *last;
  std::size_t layers = 0, elements = 0, bytes = 0;
  double lowest_snr = 0;
};

std::vector<Group> group_layers(const std::vector<LayerReport>& layers, bool by_algorithm_only) {
  std::vector<Group> groups;
  for (const LayerReport& layer : layers) {
    const auto alike = [&](const Group& group) {
      return group.first->bits == layer.bits && group.first->algorithm == layer.algorithm &&
             group.first->granularity == layer.granularity;
    };
    auto group = by_algorithm_only ? std::ranges::find_if(groups, alike) : groups.end();
    if (!by_algorithm_only && !groups.empty() && alike(groups.back())) group = groups.end() - 1;
    if (group == groups.end()) group = groups.insert(groups.end(), {&layer, &layer, 0, 0, 0, layer.snr_db});
    group->last = &layer;
    ++group->layers;
    group->elements += layer.elements;
    group->bytes += layer.bytes;
    group->lowest_snr = std::min(group->lowest_snr, layer.snr_db);
  }
  return groups;
}

std::string layers_text(const Report& report) {
  if (report.layers.empty()) return "";
  // Runs of neighbours tell more; where that would be a long list, one line for each treatment.
  std::vector<Group> groups = group_layers(report.layers, false);
  const bool merged = groups.size() > most_groups;
  if (merged) groups = group_layers(report.layers, true);
  std::string text = fmt::format("\n  {:<38} {:>4} {:<17}{:>12}{:>12}{:>11}\n", "layers", "bits", "algorithm",
                                 "elements", "bytes", "lowest SNR");
  for (const Group& group : groups) {
    const bool one = group.layers == 1;
    const std::string name =
        one      ? group.first->name
        : merged ? fmt::format("{} layers", group.layers)
                 : fmt::format("{} .. {} ({})", group.first->name, group.last->name, group.layers);
    text +=
        fmt::format("  {} {:>4} {:<17}{:>12}{:>12}{:>11}\n", fitted(name, 38), group.first->bits,
                    group.first->bits == 32 ? "keep" : group.first->algorithm, grouped(group.elements),
                    grouped(group.bytes),
                    std::isfinite(group.lowest_snr) ? fmt::format("{:.1f} dB", group.lowest_snr) : "exact");
  }
  return text;
}

std::string checks_text(const Report& report) {
  std::string text;
  for (const Check& check : report.checks) {
    text +=
        fmt::format("  {:<6} {} {:<16}{:>14}  {}", check.passed ? "ok" : "FAILED", fitted(check.output, 26),
                    check.metric, figure_text(check.metric, check.value), check.limit);
    if (check.baseline) text += fmt::format(" from {}", figure_text(check.metric, *check.baseline));
    text += '\n';
    if (!check.passed) text += fmt::format("         {}\n         {}\n", check.sentence, check.hint);
    for (const std::string& note : all_notes(check)) text += fmt::format("         note: {}\n", note);
  }
  if (text.empty()) return "";
  return fmt::format("\n  {:<6} {:<26} {:<16}{:>14}  {}\n{}", "gate", "output", "metric", "value", "limit",
                     text);
}

}  // namespace

std::string to_text(const Report& report) {
  return fmt::format("{}\n", report.model) + bytes_text(report) + samples_text(report) +
         outputs_text(report) + layers_text(report) + checks_text(report) +
         (report.passed ? "" : "\nFAILED\n");
}

}  // namespace mlqc
