// Conditionals and loops as If and Loop. An array that a loop writes, one element a round, is what Loop
// stacks; one whose elements are joined, which may differ in length, is carried as far as it has come.
#include <algorithm>

#include "compiler/frontends/tensorflow/graph.pb.h"
#include "compiler/frontends/tensorflow/lists.h"
#include "compiler/frontends/tensorflow/operators.h"
#include "compiler/graph/edit.h"

namespace mlqc::tensorflow {

namespace {

using mlq::DataType;
using mlq::Tensor;
using Kinds = std::vector<Tensor>;  // type and shape

Tensor kind_of(const nhwc::Build& b, TensorId id) {
  const Tensor& tensor = b.tensor(id);
  return {"", tensor.type == DataType::float16 ? DataType::float32 : tensor.type, tensor.shape, {}, {}};
}

// Dimensions in which the two differ are not known.
void merge(const nhwc::Build& b, Tensor& kind, const Tensor& other) {
  b.require(kind.type == other.type, "gives values of different types");
  b.require(kind.shape.size() == other.shape.size(), "gives tensors of different ranks");
  for (std::size_t d = 0; d < kind.shape.size(); ++d)
    if (kind.shape[d] != other.shape[d]) kind.shape[d] = -1;
}

void give_arguments(Net& inner, const Region& region, const Ids& ids) {
  inner.b.require(region.arguments.size() == ids.size(), "takes another number of values than it is given");
  for (std::size_t i = 0; i < ids.size(); ++i) inner.set(region.arguments[i], {ids[i]});
}

Ids lower_wires(Net& inner, const std::vector<Wire>& wires) {
  lower_steps(inner, needed_steps(inner, wires));
  Ids ids;
  for (const Wire wire : wires) ids.push_back(inner.value(wire));
  return ids;
}

Ids captured(nhwc::Build& build, const Ids& ids) {
  Ids mine;
  for (const TensorId id : ids) mine.push_back(id == mlq::no_tensor ? id : build.capture(id));
  return mine;
}

// What is not computed, as the handle of an array is not, stays so.
Ids given(const Net& net, const std::vector<Wire>& wires) {
  Ids ids;
  for (const Wire wire : wires) ids.push_back(net.maybe(wire));
  return ids;
}

struct Branch {
  std::shared_ptr<const mlq::Graph> graph;
  Kinds results;
};

Branch lower_branch(Net& net, const Region& region, const Ids& arguments) {
  nhwc::Build build(net.b);
  Net inner = net.inside(build);
  if (!region.arguments.empty()) give_arguments(inner, region, captured(build, arguments));
  Branch branch;
  for (const TensorId id : lower_wires(inner, region.results)) {
    branch.results.push_back(kind_of(build, id));
    build.result(id);
  }
  branch.graph = build.finish();
  return branch;
}

void choose(Net& net, const Control& control) {
  const TensorId condition = net.b.cast(net.in(0), DataType::boolean);
  const Ids arguments = given(net, control.values);
  const TensorId number = net.b.cast(condition, DataType::int64);
  if (const auto known = integers_of(net.b.graph, number); known && known->size() == 1) {
    const Region& region = known->front() ? control.first : control.second;
    Net inner = net.inside(net.b);
    if (!region.arguments.empty()) give_arguments(inner, region, arguments);
    return net.outs(lower_wires(inner, region.results));
  }
  Branch yes = lower_branch(net, control.first, arguments), no = lower_branch(net, control.second, arguments);
  net.b.require(yes.results.size() == no.results.size(), "has branches of another number of results");
  for (std::size_t i = 0; i < no.results.size(); ++i) merge(net.b, yes.results[i], no.results[i]);
  net.outs(
      net.b.stated("If", {condition}, {{"then_branch", yes.graph}, {"else_branch", no.graph}}, yes.results));
}

// How a value gets from one round to the next.
enum class Role { carried, same, stacked, joined };

class Loop {
 public:
  Loop(Net& net, const Control& control)
      : net_(net),
        control_(control),
        start_(given(net, control.values)),
        roles_(start_.size(), Role::carried) {
    const bool fits = control.first.arguments.size() == start_.size() &&
                      control.second.arguments.size() == start_.size() &&
                      control.second.results.size() == start_.size() && control.first.results.size() == 1;
    net.b.require(fits, "has a body that takes or gives another number of values");
    for (std::size_t i = 0; i < start_.size(); ++i) assign_role(i);
  }

  void lower() {
    const std::string name = net_.b.name();
    Net before = net_.inside(net_.b);
    give_arguments(before, control_.first, start_);
    const TensorId go_on = net_.b.cast(lower_wires(before, control_.first.results)[0], DataType::boolean);
    rounds_ = rounds_of(before, control_.first.results[0], 0);
    net_.b.begin(name, "loop");
    for (std::size_t i = 0; i < start_.size(); ++i)
      if (carries(i)) kinds_.push_back(kind_of(net_.b, start_[i]));
    settle();
    Ids inputs{mlq::no_tensor, go_on};
    if (rounds_) inputs = {net_.b.scalar(*rounds_), mlq::no_tensor};
    for (std::size_t i = 0; i < start_.size(); ++i)
      if (carries(i)) inputs.push_back(start_[i]);
    Kinds results = kinds_;
    for (Tensor kind : stacked_) {
      kind.shape.insert(kind.shape.begin(), rounds_.value_or(-1));
      results.push_back(kind);
    }
    hand_out(net_.b.stated("Loop", inputs, {{"body", body_}}, results));
  }

 private:
  bool carries(std::size_t i) const { return roles_[i] == Role::carried || roles_[i] == Role::joined; }
  Wire argument(std::size_t i) const { return {control_.second.arguments[i], 0}; }

  void assign_role(std::size_t i) {
    const Program& program = net_.program;
    const Wire result = source_of(program, control_.second.results[i]);
    if (result.step == argument(i).step && result.output == 0) {
      roles_[i] = Role::same;
      return;
    }
    if (!is_fresh_list(program, control_.values[i])) {
      net_.value(control_.values[i]);  // says what it is when there is none
      return;
    }
    const std::optional<ListWrite> write = list_write(program, result, argument(i));
    net_.b.require(write && (!write->index || counts_from_zero(*write->index)),
                   "writes to an array in another order than one element a round");
    items_[i] = write->item;
    roles_[i] = is_joined(program, {net_.at, static_cast<int>(i)}) ? Role::joined : Role::stacked;
    if (roles_[i] == Role::joined) start_[i] = empty_list(net_, control_.values[i]);
  }

  // The argument that the wire is, if it grows by one each round.
  std::optional<std::size_t> counter(Wire wire) const {
    const Wire from = source_of(net_.program, wire);
    for (std::size_t i = 0; i < start_.size(); ++i) {
      if (from.step != argument(i).step && from.step != control_.first.arguments[i]) continue;
      const Wire next = source_of(net_.program, control_.second.results[i]);
      const Step& add = net_.program.steps[static_cast<std::size_t>(next.step)];
      if ((op_of(add) != "Add" && op_of(add) != "AddV2") || add.inputs.size() != 2) return {};
      const bool first = source_of(net_.program, add.inputs[0]).step == argument(i).step;
      const Wire other = add.inputs[first ? 1 : 0], own = add.inputs[first ? 0 : 1];
      if (source_of(net_.program, own).step == argument(i).step && constant_number(net_.program, other) == 1)
        return i;
      return {};
    }
    return {};
  }

  std::optional<std::int64_t> known(TensorId id) const {
    if (id == mlq::no_tensor) return {};
    const auto numbers = integers_of(net_.b.graph, id);
    return numbers && numbers->size() == 1 ? std::optional(numbers->front()) : std::nullopt;
  }

  bool counts_from_zero(Wire index) const {
    const auto i = counter(index);
    return i && known(start_[*i]) == 0;
  }

  // Whether all rounds find the same in the wire of the condition.
  bool is_fixed(Wire wire) const {
    const Wire from = source_of(net_.program, wire);
    for (std::size_t i = 0; i < start_.size(); ++i)
      if (from.step == control_.first.arguments[i]) return roles_[i] == Role::same;
    return net_.knows(from.step) || op_of(net_.program.steps[static_cast<std::size_t>(from.step)]) == "Const";
  }

  // How many rounds there will be, when the condition compares counters to numbers that are known.
  std::optional<std::int64_t> rounds_of(const Net& before, Wire condition, int depth) const {
    const Wire from = source_of(net_.program, condition);
    const Step& step = net_.program.steps[static_cast<std::size_t>(from.step)];
    if (step.inputs.empty() || depth > 16) return {};
    if (op_of(step) == "LoopCond") return rounds_of(before, step.inputs[0], depth + 1);
    if (step.inputs.size() != 2) return {};
    if (op_of(step) == "LogicalAnd") {
      const auto a = rounds_of(before, step.inputs[0], depth + 1);
      const auto b = rounds_of(before, step.inputs[1], depth + 1);
      return a && b ? std::optional(std::min(*a, *b)) : std::nullopt;
    }
    const auto i = counter(step.inputs[0]);
    if (op_of(step) != "Less" || !i || !is_fixed(step.inputs[1])) return {};
    const auto first = known(start_[*i]), limit = known(before.maybe(step.inputs[1]));
    if (!first || !limit || *limit > INT32_MAX || *first < INT32_MIN) return {};
    return std::max<std::int64_t>(0, *limit - *first);
  }

  // A dimension that a round changes is not known, and each look may find more of them.
  void settle() {
    const auto names = net_.b.names();
    for (int look = 0;; ++look) {
      net_.b.require(look < 8, "changes the shapes of what it carries without end");
      net_.b.forget_names_since(names);
      nhwc::Build build(net_.b);
      Kinds after = lower_body(build), merged = kinds_;
      stacked_.assign(after.begin() + static_cast<std::ptrdiff_t>(kinds_.size()), after.end());
      for (std::size_t i = 0; i < merged.size(); ++i) merge(net_.b, merged[i], after[i]);
      const bool same = std::equal(merged.begin(), merged.end(), kinds_.begin(),
                                   [](const Tensor& a, const Tensor& b) { return a.shape == b.shape; });
      if (same) {
        body_ = build.finish();
        return;
      }
      kinds_ = std::move(merged);
    }
  }

  // Gives back the kinds of what the body carries on, then of what is stacked.
  Kinds lower_body(nhwc::Build& build) {
    Net inner = net_.inside(build), again = net_.inside(build);
    build.argument("round", DataType::int64, {});
    const TensorId go_on = build.argument("go_on", DataType::boolean, {});
    Ids arguments = captured(build, start_);
    std::size_t next = 0;
    for (std::size_t i = 0; i < start_.size(); ++i)
      if (carries(i)) arguments[i] = build.argument("carried", kinds_[next].type, kinds_[next].shape), ++next;
    give_arguments(inner, control_.second, arguments);
    std::vector<Wire> wires;
    for (std::size_t i = 0; i < start_.size(); ++i)
      if (roles_[i] != Role::same)
        wires.push_back(items_.contains(i) ? items_.at(i) : control_.second.results[i]);
    const Ids made = lower_wires(inner, wires);
    Ids on, stacked, values = arguments;
    for (std::size_t i = 0, k = 0; i < start_.size(); ++i) {
      if (roles_[i] == Role::same) continue;
      TensorId id = made[k++];
      if (roles_[i] == Role::joined)
        id = build.node("Concat", {arguments[i], id}, {{"axis", std::int64_t{0}}});
      values[i] = roles_[i] == Role::stacked ? mlq::no_tensor : id;
      (roles_[i] == Role::stacked ? stacked : on).push_back(id);
    }
    give_arguments(again, control_.first, values);
    // Where the number of rounds is known, nothing is asked.
    build.result(rounds_ ? go_on
                         : build.cast(lower_wires(again, control_.first.results)[0], DataType::boolean));
    on.insert(on.end(), stacked.begin(), stacked.end());
    Kinds kinds;
    for (const TensorId id : on) {
      kinds.push_back(kind_of(build, id));
      build.result(id);
    }
    return kinds;
  }

  void hand_out(const Ids& results) {
    std::size_t carried = 0, stacked = kinds_.size();
    for (std::size_t i = 0; i < start_.size(); ++i)
      net_.out(roles_[i] == Role::same ? start_[i] : results[carries(i) ? carried++ : stacked++], i);
  }

  Net& net_;
  const Control& control_;
  Ids start_;
  std::vector<Role> roles_;
  std::map<std::size_t, Wire> items_;  // by value: what a round writes to the array
  Kinds kinds_, stacked_;              // of what is carried, in order, and of what is stacked
  std::shared_ptr<const mlq::Graph> body_;
  std::optional<std::int64_t> rounds_;  // when they are known
};

}  // namespace

void lower_control(Net& net) {
  const Control& control = *net.step().control;
  constexpr int deepest = 64;
  if (++net.limits.depth > deepest) net.b.fail("stands in loops that are nested too deeply");
  if (control.kind == Control::Kind::choice)
    choose(net, control);
  else
    Loop(net, control).lower();
  --net.limits.depth;
}

}  // namespace mlqc::tensorflow
