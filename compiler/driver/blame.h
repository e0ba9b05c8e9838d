// The layers that a red gate is due to, beside its verdict.
#pragma once

#include "compiler/driver/options.h"
#include "compiler/manifest/manifest.h"
#include "compiler/validate/report.h"

namespace mlqc {

// Fills in the cures of red checks: those that an earlier gate over the same artifact and samples has left in
// NAME.report.json, else reads model and samples again, quantizes and measures. What goes wrong here is no
// error: the verdict stands without cures, and a note says why.
void add_cures(Report& judged, const Manifest& manifest, const Options& options);

}  // namespace mlqc
