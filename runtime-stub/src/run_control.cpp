#include <algorithm>
#include <cstring>

#include "runtime-stub/src/control.h"
#include "runtime-stub/src/dynamic_executor.h"

namespace mlq {

namespace {

// A loop that never ends is refused after so many rounds of all loops: some seconds of the shortest ones.
constexpr std::int64_t most_rounds = std::int64_t{1} << 22;

// A value that outlives the frame it comes from.
struct Held {
  Value value;
  std::shared_ptr<const void> owner;
};

Held take(const Frame& frame, TensorId id) { return {frame.values[id], frame.owners[id]}; }

void put(Frame& frame, TensorId id, const Held& held) {
  if (id == no_tensor) return;
  frame.values[id] = held.value;
  frame.values[id].constant = false;
  frame.owners[id] = held.owner;
}

// A new scalar.
template <class T>
Result<Held> scalar(DataType type, T number) {
  auto buffer = Buffer::make(sizeof number, sizeof number);
  if (!buffer) return Failure{buffer.error()};
  std::memcpy((*buffer)->data(), &number, sizeof number);
  return Held{{type, {}, (*buffer)->data(), false}, *buffer};
}

// A scalar operand's number; nothing when the operand is of another type or size.
template <class T>
std::optional<T> read(const Value& value, DataType type) {
  if (value.type != type || element_count(value.shape) != 1 || !value.data) return std::nullopt;
  T number;
  std::memcpy(&number, value.data, sizeof number);
  return number;
}

Result<std::vector<Held>> run_subgraph(const Frame& outer, const LinkedGraph& linked,
                                       std::span<const Held> arguments, Constants& constants, void* threads) {
  auto frame = make_frame(linked, &outer, constants, Load::all);
  if (!frame) return Failure{frame.error()};
  for (std::size_t i = 0; i < arguments.size(); ++i)
    put(*frame, linked.graph->inputs[i].tensor, arguments[i]);
  if (Status status = run_frame(*frame, constants, {}, threads); !status) return Failure{status.error()};
  std::vector<Held> results;
  for (const Feature& feature : linked.graph->outputs) results.push_back(take(*frame, feature.tensor));
  return results;
}

Status run_if(Frame& frame, const Node& node, Constants& constants, void* threads) {
  const Value condition = node.inputs.empty() ? Value() : operands(frame, node)[0];
  const auto yes = read<std::uint8_t>(condition, DataType::boolean);
  if (!yes) return Failure{describe(node) + ": the condition is no single boolean"};
  const LinkedGraph* branch = subgraph(frame, node, *yes ? "then_branch" : "else_branch");
  if (!branch) return Failure{describe(node) + ": a branch is missing"};
  const auto results = run_subgraph(frame, *branch, {}, constants, threads);
  if (!results) return Failure{results.error()};
  if (results->size() != node.outputs.size())
    return Failure{describe(node) + ": its branch gives another number of results"};
  for (std::size_t i = 0; i < results->size(); ++i) put(frame, node.outputs[i], (*results)[i]);
  return {};
}

// The results of all rounds, one after the other along a new first axis.
Result<Held> stack(std::span<const Held> rounds, const Value& one, std::size_t limit) {
  Value whole{one.type, one.shape, nullptr, false};
  whole.shape.insert(whole.shape.begin(), static_cast<std::int64_t>(rounds.size()));
  const auto bytes = bytes_of(whole), step = bytes_of(one);
  if (!bytes || !step) return Failure{"its rounds give results of unknown shape"};
  auto buffer = Buffer::make(*bytes, limit);
  if (!buffer) return Failure{buffer.error()};
  whole.data = (*buffer)->data();
  std::byte* target = (*buffer)->data();
  for (const Held& round : rounds) {
    if (round.value.shape != one.shape || round.value.type != one.type)
      return Failure{"its rounds give results of different shapes"};
    if (*step > 0) std::memcpy(target, round.value.data, *step);
    target += *step;
  }
  return Held{whole, *buffer};
}

struct LoopState {
  std::int64_t rounds_left;
  std::uint8_t go_on = 1;
  std::vector<Held> carried;
  std::vector<std::vector<Held>> stacked;  // by result, then by round
  std::size_t stacked_bytes = 0;
};

Status keep(std::vector<Held>& rounds, const Held& result, LoopState& state, std::size_t limit) {
  state.stacked_bytes += sizeof(Held) + bytes_of(result.value).value_or(0);
  if (state.stacked_bytes > limit)
    return Failure{"its rounds' results need more bytes than the limit of " + std::to_string(limit)};
  rounds.push_back(result);
  return {};
}

Status run_round(Frame& frame, const LinkedGraph& body, std::int64_t round, LoopState& state,
                 Constants& constants, void* threads) {
  if (++*frame.rounds > most_rounds)
    return Failure{"after " + std::to_string(most_rounds) + " rounds of the model's loops it goes on"};
  auto index = scalar(DataType::int64, round);
  auto condition = scalar(DataType::boolean, state.go_on);
  if (!index || !condition) return Failure{index ? condition.error() : index.error()};
  std::vector<Held> arguments = {*index, *condition};
  arguments.insert(arguments.end(), state.carried.begin(), state.carried.end());
  auto results = run_subgraph(frame, body, arguments, constants, threads);
  if (!results) return Failure{results.error()};
  const auto go_on = read<std::uint8_t>((*results)[0].value, DataType::boolean);
  if (!go_on) return Failure{"its body's condition is no single boolean"};
  state.go_on = *go_on;
  const std::size_t carried = state.carried.size();
  for (std::size_t i = 0; i < carried; ++i) state.carried[i] = (*results)[i + 1];
  for (std::size_t i = 0; i < state.stacked.size(); ++i)
    if (Status status = keep(state.stacked[i], (*results)[i + 1 + carried], state, constants.memory_limit());
        !status)
      return status;
  return {};
}

Result<LoopState> start_loop(const Frame& frame, const Node& node) {
  LoopState state{INT64_MAX, 1, {}, {}};
  if (node.inputs[0] != no_tensor) {
    const auto rounds = read<std::int64_t>(frame.values[node.inputs[0]], DataType::int64);
    if (!rounds) return Failure{"its number of rounds is no single int64"};
    state.rounds_left = *rounds;
  }
  if (node.inputs[1] != no_tensor) {
    const auto condition = read<std::uint8_t>(frame.values[node.inputs[1]], DataType::boolean);
    if (!condition) return Failure{"its condition is no single boolean"};
    state.go_on = *condition;
  }
  for (std::size_t i = 2; i < node.inputs.size(); ++i) state.carried.push_back(take(frame, node.inputs[i]));
  state.stacked.resize(node.outputs.size() - state.carried.size());
  return state;
}

// What each round would give to result `i`, as far as that is known without running one.
Result<Value> shape_without_rounds(const Frame& frame, const Node& node, std::size_t i,
                                   Constants& constants) {
  auto inferred = infer_control_flow(frame, node, constants);
  if (!inferred) return Failure{inferred.error()};
  Value one = (*inferred)[i];
  one.shape.erase(one.shape.begin());
  for (std::int64_t& dimension : one.shape) dimension = std::max<std::int64_t>(dimension, 0);
  return one;
}

Status run_loop(Frame& frame, const Node& node, Constants& constants, void* threads) {
  const LinkedGraph* body = subgraph(frame, node, "body");
  if (Status status = check_loop(node, body); !status) return status;
  auto state = start_loop(frame, node);
  if (!state) return Failure{state.error()};
  for (std::int64_t round = 0; state->rounds_left > 0 && state->go_on; ++round, --state->rounds_left)
    if (Status status = run_round(frame, *body, round, *state, constants, threads); !status) return status;
  const std::size_t carried = state->carried.size();
  for (std::size_t i = 0; i < carried; ++i) put(frame, node.outputs[i], state->carried[i]);
  for (std::size_t i = 0; i < state->stacked.size(); ++i) {
    const auto& rounds = state->stacked[i];
    auto one = rounds.empty() ? shape_without_rounds(frame, node, carried + i, constants) : rounds[0].value;
    if (!one) return Failure{one.error()};
    auto whole = stack(rounds, *one, constants.memory_limit());
    if (!whole) return Failure{whole.error()};
    put(frame, node.outputs[carried + i], *whole);
  }
  return {};
}

}  // namespace

Status run_control_flow(Frame& frame, const Node& node, Constants& constants, void* threads) {
  if (node.op == "If") return run_if(frame, node, constants, threads);
  Status status = run_loop(frame, node, constants, threads);
  return status ? status : Failure{describe(node) + ": " + status.error()};
}

}  // namespace mlq
