// Operators that work in either layout once their axes are renamed.
#pragma once

#include "compiler/graph/layout.h"

namespace mlqc {

// Appends the node in its channels-last form to the layout's nodes; false, with nothing appended, when it has
// none.
bool move_indifferent(mlq::Graph& graph, Layout& layout, const mlq::Node& node);

}  // namespace mlqc
