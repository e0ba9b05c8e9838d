// What only a page shows: histograms and pictures. Kept beside the measured figures, as JSON text.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "compiler/driver/output_picture.h"
#include "compiler/quantize/quantize.h"
#include "compiler/validate/report.h"
#include "compiler/validate/samples.h"

namespace mlqc {

// [{low, high, before: [counts], after: [counts], levels: [values]}], one per tensor of the plan.
std::string layer_details(const QuantizationPlan& plan, const mlq::Graph& reference,
                          const mlq::Graph& candidate);

// {sample: picture} of the samples that flipped.
std::string picture_details(const Report& report, const Samples& samples);

// [{output, sample, reference, candidate, difference}] of outputs that are pictures, for the first samples.
std::string output_details(const mlq::Graph& reference, const std::vector<std::byte>& artifact,
                           const Samples& samples, std::span<const mlq::CustomClass> classes);

// What a model draws from the first sample, small enough for a page; "" where it fails. `range` is found by
// the first model, the reference, and holds for those after it.
std::string first_picture(const mlq::Model& model, const Samples& samples,
                          std::optional<PictureRange>& range);

}  // namespace mlqc
