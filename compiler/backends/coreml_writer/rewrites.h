// What a graph becomes before it is written: operators that the format has no layer for, of operators that it
// has.
#pragma once

#include "mlq/graph.h"

namespace mlqc::coreml_writer {

// GRUs that reset after the recurrent product (linear_before_reset), of a known number of steps, as loops.
// Others stay, and are refused when they are written.
void loop_late_resets(mlq::Graph& graph);

}  // namespace mlqc::coreml_writer
