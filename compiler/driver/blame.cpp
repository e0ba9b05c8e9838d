#include "compiler/driver/blame.h"

#include <algorithm>

#include "compiler/driver/class_importance.h"
#include "compiler/driver/compile_model.h"
#include "compiler/driver/cures.h"
#include "compiler/driver/steps.h"
#include "compiler/driver/tune.h"
#include "compiler/plugins/plugins.h"
#include "compiler/support/bytes.h"
#include "compiler/validate/gate.h"

namespace mlqc {

namespace {

// Two float networks and as many candidates are in memory at once.
constexpr std::size_t most_weights = std::size_t{256} << 20;

bool lacks_cures(const Check& check) {
  return !check.passed && !check.output.empty() && check.cures.layers.empty();
}

bool of_the_same_build(const Report& a, const Report& b) {
  return a.artifact_sha256 == b.artifact_sha256 && a.samples_sha256 == b.samples_sha256 &&
         a.version == b.version && a.isa == b.isa;
}

void renew_hints(Report& report) {
  for (Check& check : report.checks)
    if (!check.passed && !check.cures.layers.empty()) check.hint = hint_for(check, report);
}

void measure_cures(Report& judged, const Manifest& asked, const Options& options) {
  const Inputs inputs = read_inputs(asked, load_plugins(options.plugins));
  if (!inputs.samples) return;
  Progress progress(options.progress, output_name(options));
  const Manifest manifest = tuned(asked, inputs, output_file(options, ".recipe.yaml"), progress);
  progress.show("looking for the layers at fault");
  const mlq::Graph& reference = inputs.graph;
  const QuantizationPlan planned = weighed_plan(reference, manifest, calibration_of(inputs, progress));
  const mlq::Graph candidate = quantize_from(reference, inputs, reference, planned, progress).graph;
  find_cures({manifest.quantize, reference, candidate, planned, *inputs.samples,
              [&](const mlq::Graph& start, const QuantizationPlan& some) {
                return quantize_from(start, inputs, reference, some, progress).graph;
              }},
             judged);
}

void recall_cures(Report& judged, const Options& options) {
  const std::filesystem::path file = output_file(options, ".report.json");
  std::error_code error;
  if (std::ranges::none_of(judged.checks, lacks_cures) || !std::filesystem::exists(file, error)) return;
  try {
    const Report earlier = report_from_json(read_text(file));
    if (!of_the_same_build(earlier, judged)) return;
    for (Check& check : judged.checks)
      for (const Check& old : earlier.checks)
        if (lacks_cures(check) && old.output == check.output && old.metric == check.metric)
          check.cures = old.cures;
  } catch (const Error&) {
    return;  // another version's report
  }
  renew_hints(judged);
}

}  // namespace

void add_cures(Report& judged, const Manifest& manifest, const Options& options) {
  recall_cures(judged, options);
  if (std::ranges::none_of(judged.checks, lacks_cures)) return;
  std::string why;
  try {
    if (judged.source_bytes <= most_weights)
      measure_cures(judged, manifest, options);
    else
      why = "the layers at fault were not looked for: the model is larger than 256 MiB";
  } catch (const Error& error) {
    why = "the layers at fault could not be looked for: " + error.diagnostic().what;
  }
  for (Check& check : judged.checks)
    if (lacks_cures(check) && !why.empty()) check.notes.push_back(why);
  renew_hints(judged);
}

}  // namespace mlqc
