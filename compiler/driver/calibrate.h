// The samples of `calibrate:`.
#pragma once

#include "compiler/driver/progress.h"
#include "compiler/manifest/manifest.h"
#include "compiler/quantize/calibration.h"
#include "compiler/validate/samples.h"

namespace mlqc {

// What activations of all samples between two layers may take.
inline constexpr std::size_t calibration_memory = std::size_t{256} << 20;

bool needs_calibration(const Manifest& manifest);

// Throws Error (Exit::usage, MLQ406) where a calibration sample is also one of those that judge: a model fits
// the samples it was rounded for better than others.
void check_apart(const Manifest& manifest, const Samples& calibration, const Samples& judging);

// `samples` and `graph` must outlive the result. A sample that cannot be read is an Error.
Calibration calibration_of(const Samples& samples, const mlq::Graph& graph, Progress& progress);

}  // namespace mlqc
