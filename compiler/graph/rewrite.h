// Graph to equal graph. Each rewrite is one file; lists here are applied in the order written.
#pragma once

#include <string>

#include "mlq/graph.h"

namespace mlqc {

// What the network means stays; names and bytes of weights stay. Removes what no output needs, folds what
// only depends on constants (up to a size), turns normalization with constant statistics into scale and
// shift.
mlq::Graph simplify(mlq::Graph graph);

// For the runtime: fuses normalization, bias and activation into convolution and dense nodes, and moves
// spatial operators to channels-last operators (op names with the suffix Nhwc), with as few transpositions as
// it takes. Results equal the input graph's up to rounding. Needs inferred shapes.
mlq::Graph prepare_for_runtime(mlq::Graph graph);

// One line per node and tensor, stable: for tests and `mlqc inspect`.
std::string dump(const mlq::Graph& graph);

}  // namespace mlqc
