// The manifest's own metrics with the plugins' functions.
#pragma once

#include <span>

#include "compiler/manifest/manifest.h"
#include "mlq/plugin.h"

namespace mlqc {

// From here on they are metrics like the others (validate/metric.h). Throws Error (Exit::usage) on one
// without a function.
void use_own_metrics(const Manifest& manifest, std::span<const mlq::PluginMetric> functions);
// What the gate needs to judge figures that are measured already: no functions.
void use_own_metrics(const Manifest& manifest);

}  // namespace mlqc
