// Which of two models' inputs and outputs belong together.
#pragma once

#include <cstddef>
#include <vector>

#include "mlq/graph.h"

namespace mlqc {

struct OutputPair {
  std::size_t reference, candidate;
};

// For each of the candidate's inputs the place of the reference's input that feeds it: by name, the rest by
// position. Throws Error (Exit::usage) when their numbers differ.
std::vector<std::size_t> match_inputs(const mlq::Graph& reference, const mlq::Graph& candidate);

// The outputs that can be compared, in the reference's order: by name, the rest by position, labels with
// labels only. A label without a counterpart is left out (it repeats the scores); any other output without
// one is an Error (Exit::usage).
std::vector<OutputPair> match_outputs(const mlq::Graph& reference, const mlq::Graph& candidate);

}  // namespace mlqc
