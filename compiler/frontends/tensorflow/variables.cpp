#include "compiler/frontends/tensorflow/variables.h"

#include "compiler/frontends/tensorflow/graph.pb.h"

namespace mlqc::tensorflow {

namespace {

const Step& at(const Program& program, int step) { return program.steps[static_cast<std::size_t>(step)]; }

// What the variable calls itself: TensorFlow 1 saves under this name.
std::string own_name(const Step& step) {
  const auto shared = step.def->attr().find("shared_name");
  return shared != step.def->attr().end() && !shared->second.s().empty() ? shared->second.s()
                                                                         : step.def->name();
}

// RestoreV2(file, names, slices) gives the values of `names` in this order.
const std::string* restored_name(const Program& program, Wire value) {
  const Wire from = source_of(program, value);
  const Step& restore = at(program, from.step);
  if (op_of(restore) != "RestoreV2" || restore.inputs.size() < 2) return nullptr;
  const Step& names = at(program, source_of(program, restore.inputs[1]).step);
  if (op_of(names) != "Const") return nullptr;
  const auto tensor = names.def->attr().find("value");
  if (tensor == names.def->attr().end()) return nullptr;
  const auto& list = tensor->second.tensor().string_val();
  return from.output >= 0 && from.output < list.size() ? &list[from.output] : nullptr;
}

}  // namespace

bool is_variable(const Step& step) {
  const std::string& op = op_of(step);
  return op == "VarHandleOp" || op == "VariableV2" || op == "Variable";
}

std::map<int, std::string> names_in_checkpoint(const Program& program) {
  std::map<int, std::string> names;
  for (std::size_t i = 0; i < program.steps.size(); ++i)
    if (is_variable(program.steps[i])) names[static_cast<int>(i)] = own_name(program.steps[i]);
  for (const Step& step : program.steps) {
    const std::string& op = op_of(step);
    if ((op != "AssignVariableOp" && op != "Assign") || step.inputs.size() != 2) continue;
    const int variable = source_of(program, step.inputs[0]).step;
    const std::string* name = restored_name(program, step.inputs[1]);
    if (name && names.contains(variable)) names[variable] = *name;
  }
  return names;
}

}  // namespace mlqc::tensorflow
