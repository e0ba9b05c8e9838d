// A network as a page draws it: folded into groups, each laid out by Graphviz.
#pragma once

#include <string>

#include "mlq/graph.h"

namespace mlqc {

// [{label, nodes: [id], plain: Graphviz' layout, folded: {id: {label, count, drawing}}}] as JSON text. The
// first is the whole network; where it is large, groups of layers stand in it as one node, each with a
// drawing of its own. Layer i has the id "ni". `plain` is empty where Graphviz' `dot` is not installed.
std::string drawings(const mlq::Graph& graph);

}  // namespace mlqc
