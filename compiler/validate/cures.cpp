// The cures of a red check in words.
#include <fmt/format.h>

#include "compiler/validate/limits.h"
#include "compiler/validate/report.h"

namespace mlqc {

namespace {

bool is_share(const std::string& metric) {
  const Metric* known = find_metric(metric);
  return known && (known->summary == Summary::hits || known->summary == Summary::worst_class);
}

std::string gain_text(const std::string& metric, double gain, double error) {
  if (is_share(metric) && error > 0)
    return fmt::format("{:.1f} points (give or take {:.1f})", 100 * gain, 100 * error);
  if (is_share(metric)) return fmt::format("{:.{}f} points", 100 * gain, gain < 0.001 ? 3 : 1);
  return metric.ends_with("_db") ? fmt::format("{:.2f} dB", gain) : fmt::format("{:.3g}", gain);
}

std::string bytes_text(std::size_t bytes) {
  const double kib = static_cast<double>(bytes) / 1024;
  if (kib < 1) return fmt::format("{} bytes", bytes);
  return kib < 1024 ? fmt::format("{:.{}f} KiB", kib, kib < 10 ? 1 : 0)
                    : fmt::format("{:.1f} MiB", kib / 1024);
}

}  // namespace

std::vector<std::string> all_notes(const Check& check) {
  std::vector<std::string> notes = check.notes;
  const std::size_t layers = check.cures.layers.size();
  std::size_t useful = 0;
  for (const Cure& cure : check.cures.layers) {
    const std::string step = fmt::format("{}: {} to {} bits", cure.layer, cure.bits, cure.better_bits);
    if (cure.rule.empty()) {
      notes.push_back(
          fmt::format("{} restores nothing on these samples, for {}", step, bytes_text(cure.bytes)));
      continue;
    }
    ++useful;
    notes.push_back(fmt::format("{} restores {} for {}: {}", step,
                                gain_text(check.metric, cure.gain, cure.error), bytes_text(cure.bytes),
                                cure.rule));
  }
  if (layers > 1 && check.cures.together > 0)
    notes.push_back(fmt::format("all {} together restore {} for {}", layers,
                                gain_text(check.metric, check.cures.together, check.cures.error),
                                bytes_text(check.cures.bytes)));
  if (layers && useful == 0 && check.cures.together <= 0)
    notes.push_back("no single layer is at fault: raise `bits` for all");
  if (!check.cures.basis.empty()) notes.push_back(check.cures.basis);
  return notes;
}

}  // namespace mlqc
