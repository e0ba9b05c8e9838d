#include "compiler/frontends/tensorflow/features.h"

#include <algorithm>
#include <array>

#include "compiler/frontends/tensorflow/graph.pb.h"
#include "compiler/frontends/tensorflow/lists.h"

namespace mlqc::tensorflow {

namespace {

// What ends in nothing without being a result: constants, effects, what training and saving left.
bool has_no_result(const std::string& op) {
  constexpr std::string_view none[] = {"",         "Assert",      "Const",      "Enter",
                                       "NoOp",     "Placeholder", "Print",      "PrintV2",
                                       "Variable", "VariableV2",  "VarHandleOp"};
  constexpr std::string_view begins[] = {"Assign", "Save",  "Restore",  "MergeV2",      "ShardedFilename",
                                         "Write",  "Apply", "Resource", "Merge_summary"};
  return std::find(std::begin(none), std::end(none), op) != std::end(none) || op.ends_with("Summary") ||
         std::any_of(std::begin(begins), std::end(begins), [&](auto text) { return op.starts_with(text); });
}

bool is_placeholder(const Step& step) {
  return op_of(step) == "Placeholder" || op_of(step) == "PlaceholderV2";
}

// By step: follows from one of these, which are marked.
std::vector<bool> follow(const Program& program, std::vector<bool> marked) {
  std::vector<std::vector<int>> readers(program.steps.size());
  std::vector<int> waiting;
  for (std::size_t i = 0; i < program.steps.size(); ++i) {
    for (const Wire wire : program.steps[i].inputs)
      readers[static_cast<std::size_t>(wire.step)].push_back(static_cast<int>(i));
    if (marked[i]) waiting.push_back(static_cast<int>(i));
  }
  while (!waiting.empty()) {
    const auto at = static_cast<std::size_t>(waiting.back());
    waiting.pop_back();
    for (const int reader : readers[at])
      if (!marked[static_cast<std::size_t>(reader)]) {
        marked[static_cast<std::size_t>(reader)] = true;
        waiting.push_back(reader);
      }
  }
  return marked;
}

std::vector<bool> fed(const Program& program) {
  std::vector<bool> inputs;
  for (const Step& step : program.steps) inputs.push_back(is_placeholder(step));
  return follow(program, std::move(inputs));
}

// Steps that have a value in a round or branch only.
std::vector<bool> in_regions(const Program& program) {
  std::vector<bool> arguments(program.steps.size(), false);
  for (const Step& step : program.steps)
    if (step.control)
      for (const Region* region : {&step.control->first, &step.control->second})
        for (const int argument : region->arguments) arguments[static_cast<std::size_t>(argument)] = true;
  return follow(program, std::move(arguments));
}

// A loop's result that nobody reads is one of the network only if the network has no other: it is a counter.
void drop_counters(const Program& program, std::vector<Port>& ports) {
  const auto exits = [&](const Port& port) {
    return op_of(program.steps[static_cast<std::size_t>(port.wire.step)]) == "Exit";
  };
  if (!std::all_of(ports.begin(), ports.end(), exits)) std::erase_if(ports, exits);
}

constexpr int bool_type = 10;

// A picture that its readers make a batch of one has no axis of a batch itself.
bool becomes_batch(const Program& program, int input) {
  bool read = false;
  for (const Step& step : program.steps)
    for (std::size_t i = 0; i < step.inputs.size(); ++i) {
      if (step.inputs[i].step != input) continue;
      if (op_of(step) != "ExpandDims" || i != 0 || step.inputs.size() != 2 ||
          constant_number(program, step.inputs[1]) != 0)
        return false;
      read = true;
    }
  return read;
}

Shape shape_of(Net& net) {
  const auto& attributes = net.step().def->attr();
  auto found = attributes.find("shape");
  const bool said =
      found != attributes.end() && found->second.has_shape() && !found->second.shape().unknown_rank();
  const TensorShapeProto* proto = said ? &found->second.shape() : nullptr;
  // TensorFlow 1 writes a shape that it does not know as that of a scalar, and guesses better beside it.
  found = attributes.find("_output_shapes");
  if ((!proto || proto->dim_size() == 0) && found != attributes.end() &&
      found->second.list().shape_size() > 0)
    proto = &found->second.list().shape(0);
  if (!proto || proto->unknown_rank())
    net.b.fail("is an input without a shape; give it one when the model is exported");
  net.b.require(proto->dim_size() <= 8, "is an input of too many dimensions");
  Shape shape;
  for (const auto& dim : proto->dim()) shape.push_back(dim.size() < 0 ? -1 : dim.size());
  return shape;
}

}  // namespace

std::vector<Port> loose_ends(const Program& program, const std::vector<bool>& dead) {
  std::vector<bool> read(program.steps.size(), false);
  const auto mark = [&](const std::vector<Wire>& wires) {
    for (const Wire wire : wires) read[static_cast<std::size_t>(wire.step)] = true;
  };
  for (std::size_t i = 0; i < program.steps.size(); ++i) {
    const Step& step = program.steps[i];
    if (dead[i] || (step.def && has_no_result(op_of(step)))) continue;
    mark(step.inputs);
    if (!step.control) continue;
    mark(step.control->first.results), mark(step.control->second.results);
  }
  const std::vector<bool> from_input = fed(program), inside = in_regions(program);
  std::vector<Port> ports;
  for (std::size_t i = 0; i < program.steps.size(); ++i) {
    const Step& step = program.steps[i];
    const bool result = step.def ? !has_no_result(step.def->op()) : program.main.contains(step.name);
    // What only one branch has (its pivot, in most graphs) is no result.
    const bool of_branch =
        op_of(program.steps[static_cast<std::size_t>(source_of(program, {static_cast<int>(i), 0}).step)]) ==
        "Switch";
    if (!read[i] && !dead[i] && from_input[i] && !inside[i] && result && !of_branch)
      ports.push_back({step.name, {static_cast<int>(i), 0}});
  }
  drop_counters(program, ports);
  return ports;
}

std::vector<Port> placeholders(const Program& program) {
  std::vector<Port> ports;
  for (std::size_t i = 0; i < program.steps.size(); ++i)
    if (is_placeholder(program.steps[i])) ports.push_back({program.steps[i].name, {static_cast<int>(i), 0}});
  return ports;
}

std::vector<bool> needed_by(const Net& net, const std::vector<Port>& outputs) {
  std::vector<Wire> wires;
  for (const Port& port : outputs) wires.push_back(port.wire);
  return reachable(net.program, wires, net.dead);
}

namespace {

void add_inputs(Net& net, const std::vector<Port>& inputs, const std::vector<Port>& outputs) {
  const std::vector<bool> wanted = needed_by(net, outputs);
  for (const Port& port : inputs) {
    net.at = port.wire.step;
    if (!wanted[static_cast<std::size_t>(net.at)] || !net.step().def) continue;
    net.b.begin(net.step().name, net.step().def->op());
    const int type = net.type("dtype");
    if (is_string(type)) {  // whoever reads it makes the input
      net.out(mlq::no_tensor);
      continue;
    }
    const Shape shape = port.shape ? *port.shape : shape_of(net);
    if (type == bool_type && shape.empty())
      net.out(net.b.cast(net.b.scalar(0), mlq::DataType::boolean));
    else
      net.out(net.b.input(port.name, data_type(net, type), shape, !becomes_batch(net.program, net.at)));
  }
}

void add_outputs(Net& net, const std::vector<Port>& outputs) {
  for (const Port& port : outputs) {
    net.b.begin(port.name, "result");
    net.b.output(port.name, net.value(port.wire));
  }
  net.b.begin("", "");
  net.b.require(!net.b.graph.inputs.empty(), "has no inputs");
}

}  // namespace

Lowering::Lowering(const Source& source, const Program& program, std::shared_ptr<const void> owner)
    : build(source), dead(dead_steps(program)), net{build, program, std::move(owner), dead, limits} {}

void lower(Net& net, const std::vector<Port>& inputs, const std::vector<Port>& outputs) {
  add_inputs(net, inputs, outputs);
  std::vector<Wire> wires;
  for (const Port& port : outputs) wires.push_back(port.wire);
  lower_steps(net, needed_steps(net, wires));
  add_outputs(net, outputs);
}

}  // namespace mlqc::tensorflow
