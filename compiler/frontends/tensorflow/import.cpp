#include "compiler/frontends/tensorflow/import.h"

#include "compiler/frontends/tensorflow/features.h"
#include "compiler/frontends/tensorflow/graph.pb.h"
#include "compiler/frontends/tensorflow/parse.h"
#include "compiler/frontends/tensorflow/variables.h"
#include "compiler/support/error.h"

namespace mlqc::tensorflow {

namespace {

[[noreturn]] void refuse(const Source& source, const char* code, std::string what, std::string hint) {
  throw Error(Exit::model, {{source.path.string()}, std::move(what), code, std::move(hint), {}});
}

std::shared_ptr<const GraphDef> read_graph(const Source& source) {
  auto graph = std::make_shared<GraphDef>();
  if (!parse(source.bytes.bytes, *graph))
    refuse(source, "MLQ306", "this is not a TensorFlow graph, or it is truncated or damaged",
           "compare its size and checksum with the original's");
  if (graph->node_size() == 0)
    refuse(source, "MLQ310", "the file holds no network",
           "the graph of a SavedModel is read when the manifest names its folder");
  return graph;
}

// Weights that are not in the file have to be frozen into it.
void refuse_variables(const Source& source, const Program& program, const std::vector<bool>& needed) {
  for (std::size_t i = 0; i < program.steps.size(); ++i)
    if (needed[i] && is_variable(program.steps[i]))
      refuse(source, "MLQ310",
             "the graph reads variables ('" + program.steps[i].name + "'), whose values are not in the file",
             "give the SavedModel folder, or a graph whose variables were made constants");
}

}  // namespace

mlq::Graph import(const Source& source) {
  const auto graph = read_graph(source);
  const Program program = flatten(source, *graph);
  Lowering lowering(source, program, graph);
  Net& net = lowering.net;
  const std::vector<Port> outputs = loose_ends(program, net.dead);
  if (outputs.empty())
    refuse(source, "MLQ310", "no node of the graph is a result that depends on an input", "");
  refuse_variables(source, program, needed_by(net, outputs));
  lower(net, placeholders(program), outputs);
  return std::move(net.b.graph);
}

}  // namespace mlqc::tensorflow
