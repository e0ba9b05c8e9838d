// The nodes of a file as one list: functions inlined, operands resolved.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "compiler/frontends/frontend.h"

namespace mlqc::tensorflow {

class GraphDef;
class NodeDef;

// One result of one step.
struct Wire {
  int step = -1;
  int output = 0;
};

// Steps that run when the step that has them says so.
struct Region {
  std::vector<int> arguments;  // steps that get their values from it
  std::vector<Wire> results;
};

// A conditional or a loop.
struct Control {
  enum class Kind { choice, loop };
  Kind kind = Kind::choice;
  Region first, second;           // what runs if so and if not; the condition and the body
  std::vector<Wire> values = {};  // of a loop: the first ones of what it carries; of a choice: its arguments
};

struct Step {
  std::string name;              // unique
  const NodeDef* def = nullptr;  // null: hands its one operand on, as a function's argument or result does
  std::vector<Wire> inputs;
  std::vector<int> after;  // steps that only have to run before this one
  // Its inputs then are all that its regions read of what is around them; of a choice, the condition first.
  std::shared_ptr<Control> control;
};

struct Program {
  std::vector<Step> steps;
  // The main graph's nodes and calls: their first step, and how many one call's results are (0: no call).
  std::map<std::string, std::pair<int, int>, std::less<>> main;
};

// Throws Error: MLQ310 functions that call themselves or are not there, MLQ312 operands that are not there.
Program flatten(const Source& source, const GraphDef& graph);

// Loops of version 1 (Enter, Merge, Switch, NextIteration, Exit) as steps that have a body. Those of another
// form stay as they are, and are refused as a circle.
void find_loops(Program& program);
// Conditionals of version 1 (Switch, Merge) as steps that have branches, after the loops. What a constant
// condition decides stays.
void find_choices(Program& program);
// All steps that these need, those of regions included.
std::vector<bool> reachable(const Program& program, const std::vector<Wire>& outputs,
                            const std::vector<bool>& dead);

// Of the main graph: "node" or "node:2". Throws Error MLQ312.
Wire find_wire(const Source& source, const Program& program, const std::string& name);

// "Conv2D"; empty for steps without a definition.
const std::string& op_of(const Step& step);
// What stands behind identities, arguments and results.
Wire source_of(const Program& program, Wire wire);

// By step: what cannot run, because a Switch with a constant condition sends its data the other way.
std::vector<bool> dead_steps(const Program& program);
// The condition where it is known when the model is compiled.
enum class Condition { unknown, no, yes };
Condition condition_of(const Program& program, Wire wire);

// False where a Switch with a constant condition sends its data the other way.
bool comes(const Program& program, const std::vector<bool>& dead, Wire wire);

}  // namespace mlqc::tensorflow
