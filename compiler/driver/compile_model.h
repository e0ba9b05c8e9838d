// The line of DESIGN.md: from a model file to artifact bytes and a report.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "compiler/driver/progress.h"
#include "compiler/frontends/frontend.h"
#include "compiler/manifest/manifest.h"
#include "compiler/plugins/plugins.h"
#include "compiler/quantize/compensated.h"
#include "compiler/validate/report.h"
#include "compiler/validate/samples.h"

namespace mlqc {

// Everything that is read.
struct Inputs {
  Source source;
  mlq::Graph graph;  // simplified (rewrite.h)
  std::optional<Samples> samples;
  std::optional<Samples> calibration;     // where the manifest's rounding asks for it
  std::vector<mlq::CustomClass> classes;  // of the plugins
  double seconds = 0;                     // that reading took
};
// The metrics of `manifest` are in use from here on (own_metrics.h).
Inputs read_inputs(const Manifest& manifest, const Plugins& plugins = {});

// Their calibration samples, perhaps none. `inputs` must outlive it.
Calibration calibration_of(const Inputs& inputs, Progress& progress);

// The plan over the reference, with the rounding that the manifest asks for. `start` holds what the plan does
// not say: other layers as they are already, which those of the plan are compensated for.
CompensatedGraph quantize_from(mlq::Graph start, const Inputs& inputs, const mlq::Graph& reference,
                               const QuantizationPlan& planned, Progress& progress);

// Everything that is made, still in memory.
struct Compiled {
  std::map<std::string, std::vector<std::byte>> files;  // by extension, ".mlq" among them
  Report report;
  std::string details;  // JSON, for pages only
};
Compiled compile_model(const Manifest& manifest, const Inputs& inputs, const std::string& name,
                       Progress& progress);

// The artifact in the storage that the manifest asks for. Throws Error (Exit::usage) where this mlqc was
// built without it.
std::vector<std::byte> write_artifact(const Manifest& manifest, const Source& source,
                                      const mlq::Graph& graph);

}  // namespace mlqc
