// Operators that work in either form once their axes are renamed.
#pragma once

#include "compiler/graph/layout.h"

namespace mlqc {

// Appends the node on twins to the layout's nodes; false, with nothing appended, when it cannot work on them.
bool move_indifferent(mlq::Graph& graph, Layout& layout, const mlq::Node& node);

}  // namespace mlqc
