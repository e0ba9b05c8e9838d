#include "compiler/graph/edit.h"
#include "compiler/graph/rewrite.h"

namespace mlqc {

mlq::Graph simplify(mlq::Graph graph) {
  remove_identities(graph);
  fold_constants(graph);
  channels_first(graph);
  fold_normalization(graph);
  remove_dead(graph);
  return graph;
}

mlq::Graph prepare_for_runtime(mlq::Graph graph) {
  // A graph whose shapes cannot be inferred keeps those it has; loading it will say why.
  static_cast<void>(mlq::infer_shapes(graph).ok());
  fold_normalization(graph);
  fuse(graph);
  remove_dead(graph);
  channels_last(graph);
  join_convolutions(graph);
  remove_dead(graph);
  return graph;
}

}  // namespace mlqc
