#include "mlq/model.h"

#include "runtime-stub/src/state.h"

namespace mlq {

Result<Model> Model::from_graph(Graph graph, const LoadOptions& options) {
  if (Status status = check(graph); !status) return Failure{status.error()};
  auto state = std::make_shared<State>(options);
  state->graph = std::move(graph);
  state->linked = link(state->graph);
  return Model(state);
}

const Graph& Model::graph() const { return state_->graph; }

}  // namespace mlq
