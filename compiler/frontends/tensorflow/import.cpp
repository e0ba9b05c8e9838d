#include "compiler/frontends/tensorflow/import.h"

#include "compiler/frontends/tensorflow/features.h"
#include "compiler/frontends/tensorflow/graph.pb.h"
#include "compiler/frontends/tensorflow/parse.h"
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
  if (graph->node_size() == 0) refuse(source, "MLQ310", "the file holds no network", "");
  return graph;
}

// Weights that are not in the file have to be frozen into it.
void refuse_variables(const Source& source, const Program& program) {
  for (const Step& step : program.steps)
    for (const char* op : {"VarHandleOp", "VariableV2", "Variable"})
      if (op_of(step) == op)
        refuse(source, "MLQ310",
               "the graph reads variables ('" + step.name + "'), whose values are not in the file",
               "give the SavedModel folder, or a graph whose variables were made constants");
}

}  // namespace

mlq::Graph import(const Source& source) {
  const auto graph = read_graph(source);
  const Program program = flatten(source, *graph);
  Net net{nhwc::Build(source), program, graph};
  net.values.resize(program.steps.size());
  net.sides.resize(program.steps.size());
  net.dead = dead_steps(program);
  const std::vector<Port> outputs = loose_ends(program, net.dead);
  if (outputs.empty()) {
    refuse_variables(source, program);
    refuse(source, "MLQ310", "no node of the graph is a result that depends on an input", "");
  }
  add_inputs(net, placeholders(program), outputs);
  std::vector<Wire> wires;
  for (const Port& port : outputs) wires.push_back(port.wire);
  lower_steps(net, needed_steps(net, wires));
  add_outputs(net, outputs);
  return std::move(net.b.graph);
}

}  // namespace mlqc::tensorflow
