// Which layers a red gate is due to, and what curing each would cost: measured, not guessed from weights.
#pragma once

#include <functional>

#include "compiler/quantize/quantize.h"
#include "compiler/validate/report.h"
#include "compiler/validate/samples.h"

namespace mlqc {

// The reference and the candidate that was judged, with the same tensors.
struct CureTask {
  const QuantizeSection& section;
  const mlq::Graph& reference;
  const mlq::Graph& candidate;
  const QuantizationPlan& plan;
  const Samples& samples;
  // `start` with these tensors quantized anew, as the manifest's rounding asks for.
  std::function<mlq::Graph(const mlq::Graph& start, const QuantizationPlan& some)> quantize;
};

// Fills in `cures` of the red checks that have a metric: the three layers whose quantization alone disturbs
// the outputs most, each with the fewest more bits, one or two, that give something back.
//
// Layers are ranked by the noise that each alone puts on the outputs of those checks, on a few samples; only
// the 32 whose weights lost most are tried. Cures are measured on three eighths of the samples: of shares of
// hits half of them are samples that missed, each sample counts as much as those that it stands for, and the
// gain has an error. In all about twice as many predictions as the validation; the same result at any number
// of threads.
void find_cures(const CureTask& task, Report& report);

}  // namespace mlqc
