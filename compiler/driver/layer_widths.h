// What each layer costs and harms at each width: what `bits: auto` chooses from.
#pragma once

#include <string>
#include <vector>

#include "compiler/driver/compile_model.h"
#include "compiler/driver/progress.h"
#include "compiler/quantize/auto_bits.h"
#include "compiler/quantize/quantize.h"
#include "compiler/validate/measure.h"

namespace mlqc {

// Layers whose bits are to be found, by name, and their choices.
struct NamedWidths {
  std::vector<QuantizeSettings> settings;  // of each choice: bits of the manifest's algorithm, or coded grids
  std::vector<std::string> names;
  std::vector<LayerWidths> layers;
  std::string class_layer;  // the one that makes the scores: its grids have a step for each class
};

// Samples that steer, and those that tell what came of it: a layer fits the samples it was rounded for better
// than others, and one of many weights the more so.
struct Steering {
  Calibration calibration;
  const Samples& held;
};

// `reference` is the float network. A layer's damage is measured with all other layers float, at some
// widths, on a few samples; between them it is interpolated. Where weights are to be coded,
// bytes are those after coding.
NamedWidths measure_widths(const Manifest& manifest, const Steering& steering, const mlq::Graph& reference,
                           Progress& progress);

// How far outputs are from the float network's: divergence in nats of those that are scores, the ratio of
// noise to signal of others; summed over outputs.
double damage_of(const Measured& measured);

}  // namespace mlqc
