// Conditionals of TensorFlow 1: Switch sends its data one of two ways, Merge takes what arrives. What was
// written for training stays in many graphs behind a condition that is constant.
#include "compiler/frontends/tensorflow/graph.pb.h"
#include "compiler/frontends/tensorflow/program.h"

namespace mlqc::tensorflow {

namespace {

bool first_bool(const TensorProto& tensor) {
  if (!tensor.tensor_content().empty()) return tensor.tensor_content()[0] != 0;
  return tensor.bool_val_size() > 0 && tensor.bool_val(0);
}

constexpr int bool_type = 10;

bool is_bool(const NodeDef& node) {
  const auto type = node.attr().find("dtype");
  return type != node.attr().end() && type->second.type() == bool_type;
}

// How each step ends when steps before it do not run.
class Silence {
 public:
  explicit Silence(const Program& program)
      : program_(program), dead_(program.steps.size(), false), readers_(dead_.size()), silent_(dead_.size()) {
    for (std::size_t i = 0; i < dead_.size(); ++i) {
      for (const Wire wire : program.steps[i].inputs)
        readers_[static_cast<std::size_t>(wire.step)].push_back({static_cast<int>(i), wire.output});
      for (const int before : program.steps[i].after)
        readers_[static_cast<std::size_t>(before)].push_back({static_cast<int>(i), order_only});
    }
  }

  std::vector<bool> run() {
    for (std::size_t i = 0; i < dead_.size(); ++i) {
      const Step& step = program_.steps[i];
      if (op_of(step) != "Switch" || step.inputs.size() != 2) continue;
      const Condition condition = condition_of(program_, step.inputs[1]);
      if (condition == Condition::unknown) continue;
      for (const Wire reader : readers_[i])
        if (reader.output == (condition == Condition::yes ? 0 : 1)) silence(reader);
    }
    while (!waiting_.empty()) {
      const std::size_t step = static_cast<std::size_t>(waiting_.back());
      waiting_.pop_back();
      for (const Wire reader : readers_[step]) silence(reader);
    }
    return std::move(dead_);
  }

 private:
  static constexpr int order_only = -1;

  // A Merge runs as long as one operand comes.
  void silence(Wire reader) {
    const auto i = static_cast<std::size_t>(reader.step);
    const Step& step = program_.steps[i];
    if (op_of(step) == "Merge" && (reader.output == order_only || ++silent_[i] < step.inputs.size())) return;
    if (!dead_[i]) waiting_.push_back(reader.step);
    dead_[i] = true;
  }

  const Program& program_;
  std::vector<bool> dead_;
  std::vector<std::vector<Wire>> readers_;  // and which output they read
  std::vector<std::size_t> silent_;         // operands that do not come
  std::vector<int> waiting_;
};

}  // namespace

Condition condition_of(const Program& program, Wire wire) {
  bool turned = false;
  for (int hops = 0; hops < 1000; ++hops) {
    wire = source_of(program, wire);
    const Step& step = program.steps[static_cast<std::size_t>(wire.step)];
    if (!step.def) return Condition::unknown;
    const std::string& op = step.def->op();
    const auto value = step.def->attr().find("value");
    bool yes = false;
    if (op == "LogicalNot" && !step.inputs.empty()) {
      turned = !turned;
      wire = step.inputs[0];
      continue;
    }
    if (op == "Switch" && !step.inputs.empty()) {  // Switch(p, p) names the two ways
      wire = step.inputs[0];
      continue;
    }
    if (op == "PlaceholderWithDefault" && !step.inputs.empty()) {
      wire = step.inputs[0];
      continue;
    }
    if (op == "Const" && is_bool(*step.def) && value != step.def->attr().end())
      yes = first_bool(value->second.tensor());
    else if (op != "Placeholder" || !is_bool(*step.def))
      return Condition::unknown;
    return yes != turned ? Condition::yes : Condition::no;
  }
  return Condition::unknown;
}

bool comes(const Program& program, const std::vector<bool>& dead, Wire wire) {
  if (dead[static_cast<std::size_t>(wire.step)]) return false;
  const Step& step = program.steps[static_cast<std::size_t>(wire.step)];
  if (op_of(step) != "Switch" || step.inputs.size() != 2) return true;
  const Condition condition = condition_of(program, step.inputs[1]);
  return condition == Condition::unknown || (condition == Condition::yes) == (wire.output == 1);
}

std::vector<bool> dead_steps(const Program& program) { return Silence(program).run(); }

}  // namespace mlqc::tensorflow
