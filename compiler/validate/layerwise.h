// Two networks layer by layer: where their values part.
#pragma once

#include <string>
#include <vector>

#include "compiler/validate/samples.h"

namespace mlqc {

struct LayerDifference {
  std::string name, op;
  double snr_db = 200;  // of what it computes, over all samples; 200: equal
  double lost = 0;      // decibels below the worst of what it reads: what this layer adds itself
};

// The layers that both graphs have by name, with results of the same size, in the reference's order; over the
// first `most` samples. Both graphs are as their front ends made them, so that layers are the maker's. Throws
// Error (Exit::model) where one cannot run.
std::vector<LayerDifference> compare_layers(const mlq::Graph& reference, const mlq::Graph& candidate,
                                            const Samples& samples, std::size_t most);

}  // namespace mlqc
