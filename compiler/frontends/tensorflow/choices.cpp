// Conditionals of TensorFlow 1: Switches send what a branch reads one of two ways, Merges take what arrives.
// The Merges of one condition become the results of one step, and what stands between them and the Switches
// is its branches.
#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>

#include "compiler/frontends/tensorflow/graph.pb.h"
#include "compiler/frontends/tensorflow/program.h"

namespace mlqc::tensorflow {

namespace {

constexpr std::size_t most_conditions = 64;  // on which one value depends
constexpr std::size_t most_marks = 1 << 18;  // of all values together

using Place = std::pair<int, int>;  // a wire, to compare

// On which side of which condition a value is known only.
struct Mark {
  Place condition;
  bool yes;
  bool operator<(const Mark& other) const {
    return std::pair(condition, yes) < std::pair(other.condition, other.yes);
  }
};
using Marks = std::set<Mark>;

// The conditionals of a condition that lie behind a value: one that reads another's result is the next one.
using Rounds = std::map<Place, int>;

class Choices {
 public:
  explicit Choices(Program& program)
      : program_(program),
        dead_(dead_steps(program)),
        marks_(program.steps.size()),
        rounds_(program.steps.size()) {}

  void run() {
    for (const int step : in_order()) {
      note(step);
      if (op_of(at(step)) == "Merge" && at(step).inputs.size() == 2) resolve(step);
    }
  }

 private:
  Step& at(int step) { return program_.steps[static_cast<std::size_t>(step)]; }
  Marks& marks(int step) { return marks_[static_cast<std::size_t>(step)]; }
  Rounds& rounds(int step) { return rounds_[static_cast<std::size_t>(step)]; }

  bool is_switch(int step) {
    return op_of(at(step)) == "Switch" && at(step).inputs.size() == 2 &&
           condition_of(program_, at(step).inputs[1]) == Condition::unknown;
  }
  Place condition(int step) {
    const Wire wire = source_of(program_, at(step).inputs[1]);
    return {wire.step, wire.output};
  }

  Marks marks_of(Wire wire) {
    Marks all = marks(wire.step);
    if (is_switch(wire.step)) all.insert({condition(wire.step), wire.output == 1});
    return all;
  }

  // Files that go beyond the bounds are refused, as their Merges stay or go round in a circle.
  void join(Marks& into, const Marks& from) {
    if (into.size() >= most_conditions || noted_ > most_marks) return;
    into.insert(from.begin(), from.end());
    noted_ += from.size();
  }
  void join(Rounds& into, const Rounds& from) {
    if (into.size() + from.size() > most_conditions || noted_ > most_marks) return;
    for (const auto& [condition, round] : from) into[condition] = std::max(into[condition], round);
    noted_ += from.size();
  }

  std::vector<int> in_order() {
    std::vector<std::vector<int>> readers(program_.steps.size());
    std::vector<std::size_t> missing(program_.steps.size());
    std::vector<int> order;
    for (std::size_t i = 0; i < program_.steps.size(); ++i) {
      const Step& step = program_.steps[i];
      for (const Wire wire : step.inputs)
        readers[static_cast<std::size_t>(wire.step)].push_back(static_cast<int>(i));
      for (const int before : step.after)
        readers[static_cast<std::size_t>(before)].push_back(static_cast<int>(i));
      missing[i] = step.inputs.size() + step.after.size();
      if (missing[i] == 0) order.push_back(static_cast<int>(i));
    }
    for (std::size_t next = 0; next < order.size(); ++next)
      for (const int reader : readers[static_cast<std::size_t>(order[next])])
        if (--missing[static_cast<std::size_t>(reader)] == 0) order.push_back(reader);
    return order;
  }

  void note(int step) {
    for (const Wire wire : at(step).inputs) {
      join(marks(step), marks_of(wire));
      join(rounds(step), rounds(wire.step));
    }
    for (const int before : at(step).after) join(marks(step), marks(before));
  }

  // The condition on whose sides the two are, and whether the first one's is yes. Where an optimizer cut a
  // constant loose, the other side says it, if it knows one condition.
  std::optional<Mark> opposite(Wire a, Wire b) {
    const Marks ours = marks_of(a), theirs = marks_of(b);
    std::optional<Mark> found;
    for (const Mark& mark : ours) {
      const Mark other{mark.condition, !mark.yes};
      if (theirs.contains(other) && !ours.contains(other) && !theirs.contains(mark)) found = mark;
    }
    if (!found && ours.empty() && theirs.size() == 1)
      return Mark{theirs.begin()->condition, !theirs.begin()->yes};
    if (!found && theirs.empty() && ours.size() == 1) return *ours.begin();
    return found;
  }

  void resolve(int merge) {
    const std::array<Wire, 2> sides{at(merge).inputs[0], at(merge).inputs[1]};
    for (const Wire side : sides)
      if (!comes(program_, dead_, side)) return;
    const std::optional<Mark> first = opposite(sides[0], sides[1]);
    if (!first) return;
    const Place place = first->condition;
    const int choice = choice_for(place, rounds(merge)[place], at(merge).name);
    Control& control = *at(choice).control;
    const Wire yes = sides[first->yes ? 0 : 1], no = sides[first->yes ? 1 : 0];
    add_captures(choice, yes, {place, true});
    add_captures(choice, no, {place, false});
    at(merge).def = nullptr;
    at(merge).inputs = {{choice, static_cast<int>(control.first.results.size())}};
    control.first.results.push_back(yes);
    control.second.results.push_back(no);
    for (const bool side : {true, false}) marks(merge).erase({place, side});
    join(marks(choice), marks(merge));
    ++rounds(merge)[place];
    rounds(choice) = rounds(merge);
  }

  int choice_for(Place place, int round, const std::string& merge) {
    const auto [found, is_new] =
        choices_.try_emplace({place, round}, static_cast<int>(program_.steps.size()));
    if (is_new) {
      Step choice{merge.substr(0, merge.rfind("/Merge")),
                  nullptr,
                  {{place.first, place.second}},
                  {},
                  std::make_shared<Control>()};
      program_.steps.push_back(std::move(choice));
      marks_.emplace_back();
      rounds_.emplace_back();
      dead_.push_back(false);
    }
    return found->second;
  }

  // What a branch reads: through its Switches, or of what does not depend on the condition.
  void add_captures(int choice, Wire result, const Mark& side) {
    std::vector<Wire> waiting{result};
    std::set<int>& seen = seen_[{choice, side.yes}];
    while (!waiting.empty()) {
      const Wire wire = waiting.back();
      waiting.pop_back();
      if (is_switch(wire.step) && condition(wire.step) == side.condition) {
        if (seen.insert(wire.step).second) at(choice).inputs.push_back(at(wire.step).inputs[0]);
      } else if (marks(wire.step).contains(side)) {
        const std::vector<Wire>& inputs = at(wire.step).inputs;
        if (seen.insert(wire.step).second) waiting.insert(waiting.end(), inputs.begin(), inputs.end());
      } else if (op_of(at(wire.step)) != "Const") {
        at(choice).inputs.push_back(wire);
      }
    }
  }

  Program& program_;
  std::vector<bool> dead_;
  std::vector<Marks> marks_;    // by step
  std::vector<Rounds> rounds_;  // by step
  std::size_t noted_ = 0;
  std::map<std::pair<Place, int>, int> choices_;
  std::map<std::pair<int, bool>, std::set<int>> seen_;  // by choice and side
};

}  // namespace

void find_choices(Program& program) { Choices(program).run(); }

}  // namespace mlqc::tensorflow
