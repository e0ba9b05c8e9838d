#include "compiler/frontends/tensorflow/operators.h"

#include <map>

#include "compiler/frontends/custom.h"
#include "compiler/frontends/tensorflow/graph.pb.h"
#include "compiler/graph/edit.h"
#include "compiler/support/error.h"

namespace mlqc::tensorflow {

namespace {

using Family = std::span<const Row> (*)();
constexpr Family families[] = {arithmetic_rows, array_rows, audio_rows, crop_rows,
                               dense_rows,      list_rows,  slice_rows, spatial_rows};

const AttrValue* attribute(const Step& step, const char* key) {
  const auto found = step.def->attr().find(key);
  return found == step.def->attr().end() ? nullptr : &found->second;
}

constexpr std::size_t most_lowered = 1 << 18;

// Depth first, without recursion; a step is open while those that it reads are visited.
class Order {
 public:
  explicit Order(const Net& net) : net_(net), state_(net.program.steps.size(), unseen) {}

  void visit(int root) {
    stack_.push_back({root, 0});
    while (!stack_.empty()) {
      Frame& frame = stack_.back();
      const auto i = static_cast<std::size_t>(frame.step);
      const Step& step = net_.program.steps[i];
      if (frame.operand == 0 && state_[i] != unseen) {
        stack_.pop_back();
        continue;
      }
      state_[i] = open;
      if (frame.operand == step.inputs.size() || net_.knows(frame.step)) {
        state_[i] = done;
        steps.push_back(frame.step);
        stack_.pop_back();
        continue;
      }
      const int next = step.inputs[frame.operand++].step;
      const auto n = static_cast<std::size_t>(next);
      if (net_.dead[n] && op_of(step) == "Merge") continue;
      if (state_[n] == open && cycle.empty()) cycle = step.name;
      if (state_[n] == unseen) stack_.push_back({next, 0});
    }
  }

  std::vector<int> steps;
  std::string cycle;  // a node that reads what follows from it

 private:
  enum State : char { unseen, open, done };
  struct Frame {
    int step;
    std::size_t operand;
  };
  const Net& net_;
  std::vector<char> state_;
  std::vector<Frame> stack_;
};

// All that the outputs need, so that what is inside of branches and bodies is named as well.
void check_supported(const Net& net, const std::vector<Wire>& outputs) {
  std::map<std::string, std::pair<std::string, int>> missing;  // by kind: the first layer, and how many
  const std::vector<bool> needed = reachable(net.program, outputs, net.dead);
  for (std::size_t i = 0; i < needed.size(); ++i) {
    const Step& step = net.program.steps[i];
    if (!needed[i] || !step.def || step.control || net.knows(static_cast<int>(i))) continue;
    if (find_row(op_of(step)) || find_op(net.b.source, op_of(step))) continue;
    auto& [first, count] = missing[op_of(step)];
    if (count++ == 0) first = step.name;
  }
  if (missing.empty()) return;
  Diagnostic diagnostic{{net.b.source.path.string()},
                        "",
                        "MLQ311",
                        "convert the model without these operators, or compute them yourself:",
                        {}};
  for (const auto& [kind, found] : missing) {
    std::string text = "layer '" + found.first + "' of kind " + kind + " is not supported";
    if (found.second > 1) text += " (and " + std::to_string(found.second - 1) + " more of its kind)";
    if (diagnostic.what.empty())
      diagnostic.what = std::move(text);
    else
      diagnostic.notes.push_back(std::move(text));
    diagnostic.hint += "\n" + custom_layers_line("op", kind, kind);
  }
  throw Error(Exit::model, std::move(diagnostic));
}

}  // namespace

TensorId Net::maybe(Wire wire) const {
  const auto found = values.find(wire.step);
  if (found == values.end()) {
    const TensorId around = outer ? outer->maybe(wire) : mlq::no_tensor;
    return around == mlq::no_tensor || &outer->b == &b ? around : b.capture(around);
  }
  const auto output = static_cast<std::size_t>(wire.output);
  return wire.output < 0 || output >= found->second.size() ? mlq::no_tensor : found->second[output];
}

TensorId Net::value(Wire wire) const {
  const TensorId id = maybe(wire);
  if (id == mlq::no_tensor)
    b.fail("reads a result of '" + program.steps[static_cast<std::size_t>(wire.step)].name +
           "' that mlq does not compute");
  return id;
}

TensorId Net::in(std::size_t i) const {
  if (i >= inputs()) b.fail("has no input number " + std::to_string(i));
  return value(step().inputs[i]);
}

Ids Net::ins(std::size_t first) const {
  Ids ids;
  for (std::size_t i = first; i < inputs(); ++i) ids.push_back(in(i));
  return ids;
}

void Net::out(TensorId id, std::size_t i) {
  Ids& mine = values[at];
  if (mine.size() <= i) mine.resize(i + 1, mlq::no_tensor);
  mine[i] = id;
}

void Net::outs(const Ids& ids) {
  for (std::size_t i = 0; i < ids.size(); ++i) out(ids[i], i);
}

std::int64_t Net::integer(const char* key, std::int64_t otherwise) const {
  const AttrValue* value = attribute(step(), key);
  return value && value->has_i() ? value->i() : otherwise;
}

float Net::real(const char* key, float otherwise) const {
  const AttrValue* value = attribute(step(), key);
  return value && value->has_f() ? value->f() : otherwise;
}

bool Net::flag(const char* key, bool otherwise) const {
  const AttrValue* value = attribute(step(), key);
  return value && value->has_b() ? value->b() : otherwise;
}

std::string Net::text(const char* key, const char* otherwise) const {
  const AttrValue* value = attribute(step(), key);
  return value && value->has_s() ? value->s() : otherwise;
}

Ints Net::integers(const char* key) const {
  const AttrValue* value = attribute(step(), key);
  return value && value->has_list() ? Ints(value->list().i().begin(), value->list().i().end()) : Ints{};
}

int Net::type(const char* key) const {
  const AttrValue* value = attribute(step(), key);
  return value && value->has_type() ? value->type() : 0;
}

const TensorProto& Net::tensor(const char* key) const {
  const AttrValue* value = attribute(step(), key);
  b.require(value && value->has_tensor(), "has no value");
  return value->tensor();
}

std::int64_t Net::one(TensorId id, const char* what) const {
  const Ints values = b.constant_ints(id, what);
  b.require(values.size() == 1, "needs one number where it has several");
  return values[0];
}

float Net::one_float(TensorId id, const char* what) const {
  const auto values = floats_of(b.graph, id, 1);
  if (!values || values->size() != 1)
    b.fail(std::string("needs ") + what + " that is known when it is compiled");
  return (*values)[0];
}

const Row* find_row(std::string_view op) {
  for (const Family family : families)
    for (const Row& row : family())
      if (row.name == op) return &row;
  return nullptr;
}

std::vector<int> needed_steps(const Net& net, const std::vector<Wire>& outputs) {
  Order order(net);
  for (const Wire output : outputs) order.visit(output.step);
  if (!net.outer) check_supported(net, outputs);
  if (!order.cycle.empty()) net.b.fail("goes round in a circle at '" + order.cycle + "'");
  return std::move(order.steps);
}

void lower_steps(Net& net, const std::vector<int>& steps) {
  for (const int i : steps) {
    net.at = i;
    const Step& step = net.step();
    net.b.begin(step.name, op_of(step));
    if (net.knows(i)) continue;
    if (++net.limits.lowered > most_lowered) net.b.fail("stands in loops that are nested too deeply");
    if (step.control) {
      lower_control(net);
      continue;
    }
    if (!step.def) {
      if (step.inputs.empty()) net.b.fail("gets no value");
      net.out(net.maybe(step.inputs[0]));
      continue;
    }
    if (const CustomEntry* entry = find_op(net.b.source, op_of(step))) {
      lower_custom(net, *entry);
      continue;
    }
    const Row& row = *find_row(step.def->op());
    row.lower(net, row.op);
  }
}

}  // namespace mlqc::tensorflow
