#include "mlq/model.h"

#include "runtime-stub/src/artifact.h"
#include "runtime-stub/src/bind_custom.h"
#include "runtime-stub/src/map_file.h"
#include "runtime-stub/src/state.h"

namespace mlq {

Result<Model> Model::open(const std::string& path, const LoadOptions& options) {
  auto file = map_file(path);
  if (!file) return Failure{file.error()};
  auto model = from_bytes(std::move(*file), options);
  return model ? model : Failure{"'" + path + "': " + model.error()};
}

Result<Model> Model::from_bytes(Data data, const LoadOptions& options) {
  auto content = read_artifact(data, options.memory_limit);
  if (!content) return Failure{content.error()};
  if (!options.expected_interface.empty() && content->interface_digest != options.expected_interface)
    return Failure{
        "the artifact has another interface than the one that this program was compiled for: "
        "compile the model and the program from the same manifest"};
  if (Status status = bind_custom(content->graph, options.custom_layers); !status)
    return Failure{status.error()};
  auto state = std::make_shared<State>(std::move(content->graph), options);
  state->interface_digest = std::move(content->interface_digest);
  state->source_sha256 = std::move(content->source_sha256);
  return Model(state);
}

Result<Model> Model::from_graph(Graph graph, const LoadOptions& options) {
  if (Status status = check(graph); !status) return Failure{status.error()};
  if (Status status = bind_custom(graph, options.custom_layers); !status) return Failure{status.error()};
  return Model(std::make_shared<State>(std::move(graph), options));
}

const Graph& Model::graph() const { return state_->graph; }

}  // namespace mlq
