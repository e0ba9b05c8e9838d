// How much each class's score matters: what `granularity: per_class` sizes its steps by.
#pragma once

#include <vector>

#include "compiler/driver/progress.h"
#include "compiler/manifest/manifest.h"
#include "compiler/quantize/calibration.h"
#include "compiler/quantize/quantize.h"

namespace mlqc {

// Of each class, with mean 1. A small error d of a score with probability p adds p (1 - p) d^2 / 2 to the
// divergence KL(float || ours); this is p (1 - p) over the samples. Half of the mean is added for every
// class, so that one that the samples never show still counts. Empty where the network has no layer that
// makes the scores (classes.h).
std::vector<float> class_importance(const mlq::Graph& reference, const Calibration& calibration);

// Into those entries of the plan that ask for it.
void set_importance(QuantizationPlan& plan, const std::vector<float>& importance);

// The manifest's plan over the reference, with the importance of classes where it asks for that.
QuantizationPlan weighed_plan(const mlq::Graph& reference, const Manifest& manifest,
                              const Calibration& calibration);

}  // namespace mlqc
