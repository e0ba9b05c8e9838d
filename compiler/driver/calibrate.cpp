#include "compiler/driver/calibrate.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "compiler/support/bytes.h"
#include "compiler/support/error.h"
#include "compiler/support/parallel.h"

namespace mlqc {

namespace {

// By content; a random sample by what it is drawn from, an unreadable file by its name.
std::string identity(const Samples& samples, const Samples::Item& item) {
  std::string text = item.files.empty() ? fmt::format("{} {}", item.name, samples.seed) : "";
  for (const std::string& file : item.files) {
    try {
      text += sha256(map_file(file).bytes);
    } catch (const Error&) {
      text += file;
    }
  }
  return text;
}

std::vector<std::string> identities(const Samples& samples) {
  std::vector<std::string> all(samples.items.size());
  parallel_for(all.size(), [&](std::size_t i) { all[i] = identity(samples, samples.items[i]); });
  return all;
}

}  // namespace

bool needs_calibration(const Manifest& manifest) {
  const QuantizeSettings& settings = manifest.quantize.settings;
  const auto per_class = [](const LayerRule& rule) {
    return rule.granularity && rule.granularity->value == "per_class";
  };
  return settings.rounding == "compensated" || settings.bits == auto_bits ||
         settings.granularity == "per_class" || std::ranges::any_of(manifest.quantize.layers, per_class);
}

void check_apart(const Manifest& manifest, const Samples& calibration, const Samples& judging) {
  std::map<std::string, std::string> names;
  const std::vector<std::string> theirs = identities(judging), ours = identities(calibration);
  for (std::size_t i = 0; i < theirs.size(); ++i) names.emplace(theirs[i], judging.items[i].name);
  for (std::size_t i = 0; i < ours.size(); ++i)
    if (const auto found = names.find(ours[i]); found != names.end())
      throw Error(Exit::usage,
                  {manifest.calibrate->where,
                   fmt::format("the calibration sample '{}' is also the sample '{}' of 'validate'",
                               calibration.items[i].name, found->second),
                   "MLQ406",
                   "calibrate with other samples: those that judge must not have steered",
                   {}});
}

Calibration calibration_of(const Samples& samples, const mlq::Graph& graph, Progress& progress) {
  Calibration calibration;
  calibration.count = samples.items.size();
  calibration.sample = [&samples, &graph](std::size_t i) {
    mlq::Result<std::vector<mlq::Array>> arrays = load_sample(samples, i, graph);
    if (!arrays)
      throw Error(
          Exit::usage,
          {{}, fmt::format("a calibration sample cannot be used: {}", arrays.error()), "MLQ405", "", {}});
    return std::move(*arrays);
  };
  calibration.progress = [&progress](std::size_t done, std::size_t total) {
    progress.show("compensating", done, total);
  };
  return calibration;
}

}  // namespace mlqc
