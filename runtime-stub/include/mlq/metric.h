// A metric of one's own: how far the quantized model's output is from the float model's, as only its user can
// say. Write a function, name it in the manifest (`validate: { metrics: ... }`), give its source to
// mlq_add_model(... METRICS file.cpp), and put it under `gate:` like any other.
#pragma once

#include <span>

#include "mlq/graph.h"

namespace mlq {

// One sample. The output's numbers as its user gets them, row-major, both spans of the same length and in the
// output's unit: those of an image are whole, 0 to 255. Returns the sample's figure; over all samples the
// manifest's `over_samples` makes one figure of them. NaN holds no limit. Called for every output but labels,
// from several threads at once; what it throws, a crash and a call without end are reported as its own.
using MetricFunction = double(const Feature& output, std::span<const double> reference,
                              std::span<const double> candidate);

}  // namespace mlq
