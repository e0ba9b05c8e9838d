#include "runtime-stub/src/schedule.h"

#include <algorithm>
#include <numeric>

#include "runtime-stub/src/control.h"
#include "runtime-stub/src/plan.h"
#include "runtime-stub/src/shapes.h"

namespace mlq {

namespace {

constexpr int before_all = -1;

class Scheduler {
 public:
  Scheduler(const Graph& graph, Schedule& schedule, std::span<const TensorId> kept)
      : graph_(graph), schedule_(schedule), kept_(graph.tensors.size()) {
    for (const TensorId id : kept) kept_[id] = true;
    for (const Feature& feature : graph.outputs) kept_[feature.tensor] = true;
  }

  Status run(std::size_t limit) {
    choose_steps();
    find_lifetimes();
    share_homes();
    return place_homes(limit);
  }

 private:
  // Known before the first step: no memory of the arena.
  bool is_known(TensorId id) const { return schedule_.values[id].constant; }

  // Nodes that something kept depends on and that are not computed already, in their order.
  void choose_steps() {
    std::vector<bool> needed = kept_;
    for (std::size_t i = graph_.nodes.size(); i-- > 0;) {
      const Node& node = graph_.nodes[i];
      const bool used = std::any_of(node.outputs.begin(), node.outputs.end(), [&](TensorId id) {
        return id != no_tensor && needed[id] && !is_known(id);
      });
      if (!used) continue;
      schedule_.steps.push_back(&node);
      for (const TensorId id : node.inputs)
        if (id != no_tensor) needed[id] = true;
    }
    std::reverse(schedule_.steps.begin(), schedule_.steps.end());
  }

  void find_lifetimes() {
    const std::size_t tensors = graph_.tensors.size();
    first_.assign(tensors, before_all);
    last_.assign(tensors, before_all);
    in_arena_.assign(tensors, false);
    for (const Feature& feature : graph_.inputs) in_arena_[feature.tensor] = true;
    for (int step = 0; step < steps(); ++step) {
      for (const TensorId id : schedule_.steps[step]->inputs)
        if (id != no_tensor) last_[id] = step;
      for (const TensorId id : schedule_.steps[step]->outputs) {
        if (id == no_tensor || is_known(id)) continue;
        first_[id] = last_[id] = step;
        in_arena_[id] = true;
      }
    }
    for (std::size_t id = 0; id < tensors; ++id)
      if (kept_[id]) last_[id] = steps();
  }

  // A result may take over the memory of an operand that nobody reads afterwards.
  void share_homes() {
    home_.resize(graph_.tensors.size());
    std::iota(home_.begin(), home_.end(), TensorId{0});
    for (int step = 0; step < steps(); ++step) {
      const Node& node = *schedule_.steps[step];
      const Kernel* kernel = find_kernel(node.op);
      if (!kernel->in_place || node.outputs.size() != 1) continue;
      const TensorId out = node.outputs[0];
      for (const TensorId in : node.inputs) {
        if (in == no_tensor || !in_arena_[in] || last_[home_[in]] != step) continue;
        if (bytes_of(schedule_.values[in]) != bytes_of(schedule_.values[out])) continue;
        home_[out] = home_[in];
        last_[home_[in]] = last_[out];
        break;
      }
    }
  }

  Status place_homes(std::size_t limit) {
    std::vector<TensorId> ids;
    std::vector<Interval> intervals;
    for (std::size_t id = 0; id < graph_.tensors.size(); ++id) {
      if (!in_arena_[id] || home_[id] != static_cast<TensorId>(id)) continue;
      ids.push_back(static_cast<TensorId>(id));
      intervals.push_back({*bytes_of(schedule_.values[id]), first_[id], last_[id]});
    }
    const auto placement = place(intervals, limit);
    if (!placement) return Failure{"the network cannot run: " + placement.error()};
    schedule_.arena_bytes = placement->bytes;
    schedule_.offsets.resize(graph_.tensors.size());
    for (std::size_t i = 0; i < ids.size(); ++i) schedule_.offsets[ids[i]] = placement->offsets[i];
    for (std::size_t id = 0; id < graph_.tensors.size(); ++id)
      schedule_.offsets[id] = schedule_.offsets[home_[id]];
    return {};
  }

  int steps() const { return static_cast<int>(schedule_.steps.size()); }

  const Graph& graph_;
  Schedule& schedule_;
  std::vector<bool> kept_, in_arena_;
  std::vector<int> first_, last_;  // steps, by tensor
  std::vector<TensorId> home_;     // whose memory a tensor uses
};

bool all_known(const Frame& frame) {
  for (const Node& node : frame.graph().nodes) {
    if (is_control_flow(node)) return false;
    for (const TensorId id : node.outputs)
      if (id != no_tensor && !bytes_of(frame.values[id])) return false;
  }
  return true;
}

}  // namespace

Result<Schedule> make_schedule(const LinkedGraph& linked, Constants& constants,
                               std::span<const Shape> input_shapes, std::span<const TensorId> kept) {
  const Graph& graph = *linked.graph;
  auto frame = make_frame(linked, nullptr, constants, Load::for_shapes);
  if (!frame) return Failure{frame.error()};
  for (std::size_t i = 0; i < input_shapes.size(); ++i)
    frame->values[graph.inputs[i].tensor].shape = input_shapes[i];
  if (Status status = infer_and_fold(*frame, constants); !status) return Failure{status.error()};
  Schedule schedule;
  schedule.is_static = all_known(*frame);
  if (!schedule.is_static) return schedule;
  schedule.values = std::move(frame->values);
  schedule.owners = std::move(frame->owners);
  if (Status status = Scheduler(graph, schedule, kept).run(constants.memory_limit()); !status)
    return Failure{status.error()};
  return schedule;
}

}  // namespace mlq
