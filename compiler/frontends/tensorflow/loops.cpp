// Loops of TensorFlow 1. Each carried value goes Enter -> Merge -> Switch -> body -> NextIteration -> Merge,
// and leaves through Switch and Exit; LoopCond steers the Switches. What the body only reads comes through an
// Enter of its own.
#include <map>
#include <set>

#include "compiler/frontends/tensorflow/graph.pb.h"
#include "compiler/frontends/tensorflow/program.h"

namespace mlqc::tensorflow {

namespace {

constexpr int deepest_loop = 32;

struct Variable {
  int merge, next, gate;
  Wire start;
};

class Loops {
 public:
  explicit Loops(Program& program) : program_(program) {}

  void run() {
    find();
    for (const auto& [condition, variables] : by_condition_) build(condition, variables);
    for (Step& step : program_.steps)
      for (Wire& wire : step.inputs) redirect(wire);
    for (const int loop : loops_)
      for (Wire& wire : at(loop).control->second.results) redirect(wire);
    for (const int loop : loops_) add_captures(loop, 0);
  }

 private:
  Step& at(int step) { return program_.steps[static_cast<std::size_t>(step)]; }

  void find() {
    for (std::size_t i = 0; i < program_.steps.size(); ++i) {
      const Step& gate = program_.steps[i];
      if (op_of(gate) != "Switch" || gate.inputs.size() != 2) continue;
      const int condition = source_of(program_, gate.inputs[1]).step, merge = gate.inputs[0].step;
      const Step& joins = at(merge);
      if (op_of(at(condition)) != "LoopCond" || op_of(joins) != "Merge" || joins.inputs.size() != 2) continue;
      const bool enters_first = op_of(at(joins.inputs[0].step)) == "Enter";
      const Step& enter = at(joins.inputs[enters_first ? 0 : 1].step);
      const int next = joins.inputs[enters_first ? 1 : 0].step;
      if (op_of(enter) != "Enter" || enter.inputs.size() != 1 || op_of(at(next)) != "NextIteration") continue;
      by_condition_[condition].push_back({merge, next, static_cast<int>(i), enter.inputs[0]});
    }
  }

  void build(int condition, const std::vector<Variable>& variables) {
    const std::string name = at(condition).name;
    Step loop{name.substr(0, name.rfind("/LoopCond")), nullptr, {}, {}, std::make_shared<Control>()};
    Control& control = *loop.control;
    control.kind = Control::Kind::loop;
    control.first.results = {{condition, 0}};
    const int place = static_cast<int>(program_.steps.size());
    for (const Variable& v : variables) {
      control.first.arguments.push_back(v.merge);
      control.second.results.push_back({v.next, 0});
      control.values.push_back(v.start);
      moved_[{v.gate, 0}] = {place, static_cast<int>(control.values.size()) - 1};
      moved_[{v.gate, 1}] = {v.merge, 0};
      for (const int step : {v.merge, v.gate}) {
        at(step).def = nullptr;
        at(step).inputs.clear(), at(step).after.clear();
      }
    }
    control.second.arguments = control.first.arguments;
    loop.inputs = control.values;
    program_.steps.push_back(std::move(loop));
    loops_.push_back(place);
  }

  void redirect(Wire& wire) {
    if (const auto found = moved_.find({wire.step, wire.output}); found != moved_.end()) wire = found->second;
  }

  // What comes through Enters, of inner loops first. A start may be another loop's result.
  void add_captures(int loop, int depth) {
    if (depth > deepest_loop || !done_.insert(loop).second) return;
    for (Wire& wire : at(loop).control->values) redirect(wire);
    std::vector<Wire> waiting = at(loop).control->second.results;
    waiting.push_back(at(loop).control->first.results[0]);
    std::set<int> seen;
    while (!waiting.empty()) {
      const int step = waiting.back().step;
      waiting.pop_back();
      if (!seen.insert(step).second) continue;
      if (at(step).control && at(step).control->kind == Control::Kind::loop) add_captures(step, depth + 1);
      std::vector<Wire>& onward = op_of(at(step)) == "Enter" ? at(loop).inputs : waiting;
      const std::vector<Wire> inputs = at(step).inputs;
      onward.insert(onward.end(), inputs.begin(), inputs.end());
    }
  }

  Program& program_;
  std::map<int, std::vector<Variable>> by_condition_;
  std::map<std::pair<int, int>, Wire> moved_;
  std::vector<int> loops_;
  std::set<int> done_;
};

}  // namespace

void find_loops(Program& program) { Loops(program).run(); }

}  // namespace mlqc::tensorflow
