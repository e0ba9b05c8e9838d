// The nodes of a file as one list: functions inlined, operands resolved.
#pragma once

#include <map>
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

struct Step {
  std::string name;              // unique
  const NodeDef* def = nullptr;  // null: hands its one operand on, as a function's argument or result does
  std::vector<Wire> inputs;
  std::vector<int> after;  // steps that only have to run before this one
};

struct Program {
  std::vector<Step> steps;
  // The main graph's nodes and calls: their first step, and how many one call's results are (0: no call).
  std::map<std::string, std::pair<int, int>, std::less<>> main;
};

// Throws Error: MLQ310 functions that call themselves or are not there, MLQ312 operands that are not there.
Program flatten(const Source& source, const GraphDef& graph);

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

}  // namespace mlqc::tensorflow
