// Functions are inlined call by call. Arguments and results become steps of their own, so that operands can
// be resolved in any order of the nodes.
#include "compiler/frontends/tensorflow/program.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "compiler/frontends/tensorflow/graph.pb.h"
#include "compiler/support/error.h"

namespace mlqc::tensorflow {

namespace {

// Functions that call each other twice grow without bound in few bytes.
constexpr std::size_t most_steps = 1 << 17;
constexpr int deepest_call = 64, most_results = 1 << 12;

using Nodes = google::protobuf::RepeatedPtrField<NodeDef>;

// Results in a function are "node:result:index"; the flat index of the first of each name, where an operator
// has several names.
struct ResultNames {
  std::string_view op;
  std::array<std::string_view, 7> names;
};
constexpr ResultNames result_names[] = {
    {"Switch", {"output_false", "output_true"}},
    {"Merge", {"output", "value_index"}},
    {"TopKV2", {"values", "indices"}},
    {"TopK", {"values", "indices"}},
    {"FusedBatchNorm", {"y", "batch_mean", "batch_variance"}},
    {"FusedBatchNormV2", {"y", "batch_mean", "batch_variance"}},
    {"FusedBatchNormV3", {"y", "batch_mean", "batch_variance"}},
    {"Unique", {"y", "idx"}},
    {"MaxPoolWithArgmax", {"output", "argmax"}},
    {"NonMaxSuppressionV4", {"selected_indices", "valid_outputs"}},
    {"NonMaxSuppressionV5", {"selected_indices", "selected_scores", "valid_outputs"}},
    {"DecodeWav", {"audio", "sample_rate"}},
    {"TensorListPopBack", {"output_handle", "tensor"}},
};

int first_of(std::string_view op, std::string_view name) {
  if (name.empty()) return 0;
  for (const ResultNames& row : result_names) {
    if (row.op != op) continue;
    const auto found = std::find(row.names.begin(), row.names.end(), name);
    if (found != row.names.end()) return static_cast<int>(found - row.names.begin());
  }
  return 0;
}

struct Reference {
  std::string_view node, result;
  int index = 0;
};

int number(std::string_view text) {
  int value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

Reference parse(std::string_view text) {
  Reference r;
  const auto first = text.find(':');
  r.node = text.substr(0, first);
  if (first == std::string_view::npos) return r;
  const std::string_view rest = text.substr(first + 1);
  const auto second = rest.find(':');
  if (second == std::string_view::npos) {
    r.index = number(rest);
  } else {
    r.result = rest.substr(0, second);
    r.index = number(rest.substr(second + 1));
  }
  return r;
}

// A node in its graph or function: its own step, or the steps that hand out a call's results.
struct Place {
  int step = -1;
  int results = 0;  // of a call
  bool call = false;
  std::string_view op;
};
using Scope = std::map<std::string_view, Place>;

struct Call {
  Place place;
  std::vector<int> arguments;  // their steps
};

class Inliner {
 public:
  Inliner(const Source& source, const GraphDef& graph) : source_(source) {
    for (const FunctionDef& function : graph.library().function())
      functions_[function.signature().name()] = &function;
    const Scope scope = add(graph.node(), {}, "", 0);
    for (const auto& [name, place] : scope)
      program_.main[std::string(name)] = {place.step, place.call ? place.results : 0};
  }

  Program take() { return std::move(program_); }

 private:
  [[noreturn]] void refuse(std::string what, const char* code) const {
    throw Error(Exit::model, {{source_.path.string()}, std::move(what), code, "", {}});
  }

  const FunctionDef& function_of(const NodeDef& node, const char* attribute) const {
    const auto f = node.attr().find(attribute);
    const std::string name = f == node.attr().end() ? "" : f->second.func().name();
    const auto found = functions_.find(name);
    if (found == functions_.end()) refuse("the function '" + name + "' is not in the file", "MLQ310");
    return *found->second;
  }

  const FunctionDef* called(const NodeDef& node) const {
    if (node.op() == "PartitionedCall" || node.op() == "StatefulPartitionedCall")
      return &function_of(node, "f");
    const auto found = functions_.find(node.op());
    return found == functions_.end() ? nullptr : found->second;
  }

  int new_step(const std::string& name, const std::string& prefix, const NodeDef* def) {
    if (program_.steps.size() >= most_steps) refuse("the network has too many nodes", "MLQ310");
    // Names of functions' nodes are those that their maker gave, as long as they are unique.
    std::string unique = names_.contains(name) ? prefix + name : name;
    while (names_.contains(unique)) unique = prefix + name + "_" + std::to_string(++names_[prefix + name]);
    names_[unique] = 0;
    program_.steps.push_back({std::move(unique), def, {}, {}, nullptr});
    return static_cast<int>(program_.steps.size()) - 1;
  }

  // Steps of the function's arguments come first, then those of its body, then those of its results.
  Call inline_call(const NodeDef& node, const FunctionDef& function, const std::string& prefix, int depth) {
    if (depth > deepest_call) refuse("functions call each other without end", "MLQ310");
    const std::string inner = prefix + node.name() + "/";
    Scope arguments;
    Call call{{-1, function.signature().output_arg_size(), true, ""}, {}};
    for (const auto& arg : function.signature().input_arg()) {
      const int step = new_step(inner + arg.name(), inner, nullptr);
      arguments[arg.name()] = {step, 0, false, ""};
      call.arguments.push_back(step);
    }
    const Scope scope = add(function.node_def(), std::move(arguments), inner, depth + 1);
    for (const auto& result : function.signature().output_arg()) {
      const auto from = function.ret().find(result.name());
      if (from == function.ret().end()) refuse("a function's result is not made", "MLQ310");
      const Wire wire = resolve(scope, from->second);
      const int step = new_step(inner + result.name(), inner, nullptr);
      program_.steps[static_cast<std::size_t>(step)].inputs = {wire};
      if (call.place.step < 0) call.place.step = step;
    }
    return call;
  }

  Region region(const NodeDef& node, const char* attribute, const std::string& prefix, int depth) {
    const FunctionDef& function = function_of(node, attribute);
    const Call call = inline_call(node, function, prefix, depth);
    Region region{call.arguments, {}};
    for (int i = 0; i < function.signature().output_arg_size(); ++i)
      region.results.push_back({call.place.step + i, 0});
    return region;
  }

  // If and While of version 2: functions that run when the node says so.
  std::shared_ptr<Control> control_of(const NodeDef& node, const std::string& prefix, int depth) {
    const bool choice = node.op() == "If" || node.op() == "StatelessIf";
    if (!choice && node.op() != "While" && node.op() != "StatelessWhile") return nullptr;
    auto control = std::make_shared<Control>();
    control->kind = choice ? Control::Kind::choice : Control::Kind::loop;
    control->first = region(node, choice ? "then_branch" : "cond", prefix, depth);
    control->second = region(node, choice ? "else_branch" : "body", prefix, depth);
    return control;
  }

  Wire resolve(const Scope& scope, std::string_view text) const {
    const Reference r = parse(text);
    const auto found = scope.find(r.node);
    if (found == scope.end())
      refuse("a node reads '" + std::string(text) + "', which is not there", "MLQ312");
    const Place& place = found->second;
    if (r.index < 0 || r.index > most_results)
      refuse("a node reads '" + std::string(text) + "', which is not there", "MLQ312");
    if (!place.call) return {place.step, first_of(place.op, r.result) + r.index};
    if (r.index >= place.results)
      refuse("a node reads '" + std::string(text) + "', which its function does not give", "MLQ312");
    return {place.step + r.index, 0};
  }

  void connect(const Scope& scope, const NodeDef& node, const std::vector<int>& arguments) {
    std::size_t operand = 0;
    const Place place = scope.at(node.name());
    for (const std::string& input : node.input()) {
      if (input.starts_with("^")) {
        const auto before = scope.find(std::string_view(input).substr(1));
        if (before != scope.end() && before->second.step >= 0 && !place.call)
          program_.steps[static_cast<std::size_t>(place.step)].after.push_back(before->second.step);
        continue;
      }
      const Wire wire = resolve(scope, input);
      if (!place.call)
        program_.steps[static_cast<std::size_t>(place.step)].inputs.push_back(wire);
      else if (operand < arguments.size())
        program_.steps[static_cast<std::size_t>(arguments[operand])].inputs = {wire};
      ++operand;
    }
  }

  static void give_values(Step& step) {
    if (!step.control) return;
    const bool choice = step.control->kind == Control::Kind::choice;
    step.control->values.assign(step.inputs.begin() + (choice && !step.inputs.empty()), step.inputs.end());
  }

  Scope add(const Nodes& nodes, Scope scope, const std::string& prefix, int depth) {
    std::vector<Call> calls;
    for (const NodeDef& node : nodes) {
      if (scope.contains(node.name())) refuse("two nodes are named '" + node.name() + "'", "MLQ312");
      const FunctionDef* function = called(node);
      calls.push_back(function ? inline_call(node, *function, prefix, depth)
                               : Call{{new_step(node.name(), prefix, &node), 0, false, node.op()}, {}});
      scope[node.name()] = calls.back().place;
      if (function) continue;
      auto control = control_of(node, prefix, depth);  // adds steps
      program_.steps[static_cast<std::size_t>(calls.back().place.step)].control = std::move(control);
    }
    for (int i = 0; i < nodes.size(); ++i) {
      connect(scope, nodes[i], calls[static_cast<std::size_t>(i)].arguments);
      const Place place = calls[static_cast<std::size_t>(i)].place;
      if (!place.call) give_values(program_.steps[static_cast<std::size_t>(place.step)]);
    }
    return scope;
  }

  const Source& source_;
  Program program_;
  std::map<std::string, const FunctionDef*, std::less<>> functions_;
  std::map<std::string, int, std::less<>> names_;
};

}  // namespace

Program flatten(const Source& source, const GraphDef& graph) {
  Program program = Inliner(source, graph).take();
  find_loops(program);
  find_choices(program);
  return program;
}

Wire find_wire(const Source& source, const Program& program, const std::string& name) {
  const Reference r = parse(name);
  const auto found = program.main.find(r.node);
  const bool there = found != program.main.end() && found->second.first >= 0 && r.index >= 0 &&
                     r.index < (found->second.second > 0 ? found->second.second : most_results);
  if (!there)
    throw Error(
        Exit::model,
        {{source.path.string()}, "the signature names '" + name + "', which is not there", "MLQ312", "", {}});
  const auto [step, results] = found->second;
  return results > 0 ? Wire{step + r.index, 0} : Wire{step, r.index};
}

const std::string& op_of(const Step& step) {
  static const std::string none;
  return step.def ? step.def->op() : none;
}

Wire source_of(const Program& program, Wire wire) {
  for (int hops = 0; hops < 1000; ++hops) {  // none when they go round
    const Step& at = program.steps[static_cast<std::size_t>(wire.step)];
    const bool hands_on = !at.def || at.def->op() == "Identity" || at.def->op() == "StopGradient" ||
                          at.def->op() == "Enter" || at.def->op() == "Exit" ||
                          at.def->op() == "NextIteration";
    if (!hands_on || at.control || at.inputs.empty()) return wire;
    wire = at.inputs[0];
  }
  return wire;
}

std::vector<bool> reachable(const Program& program, const std::vector<Wire>& outputs,
                            const std::vector<bool>& dead) {
  std::vector<bool> needed(program.steps.size(), false);
  std::vector<int> waiting;
  const auto want = [&](const std::vector<Wire>& wires) {
    for (const Wire wire : wires) {
      const auto i = static_cast<std::size_t>(wire.step);
      if (!needed[i] && !dead[i]) waiting.push_back(wire.step);
      needed[i] = needed[i] || !dead[i];
    }
  };
  want(outputs);
  while (!waiting.empty()) {
    const Step& step = program.steps[static_cast<std::size_t>(waiting.back())];
    waiting.pop_back();
    want(step.inputs);
    if (!step.control) continue;
    want(step.control->first.results);
    want(step.control->second.results);
  }
  return needed;
}

}  // namespace mlqc::tensorflow
