#include "runtime-stub/src/control.h"

#include "runtime-stub/src/shapes.h"

namespace mlq {

namespace {

using Values = std::vector<Value>;

Values results_of(const Frame& frame) {
  Values values;
  for (const Feature& feature : frame.graph().outputs) values.push_back(frame.values[feature.tensor]);
  return values;
}

// Results of a subgraph for arguments of which type and shape are known.
Result<Values> infer_subgraph(const Frame& outer, const LinkedGraph& linked, const Values& arguments,
                              Constants& constants) {
  auto frame = make_frame(linked, &outer, constants, Load::for_shapes);
  if (!frame) return Failure{frame.error()};
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    Value& value = frame->values[linked.graph->inputs[i].tensor];
    value = {arguments[i].type, arguments[i].shape, nullptr, false};
  }
  if (Status status = infer_frame(*frame, constants); !status) return Failure{status.error()};
  return results_of(*frame);
}

Failure fails(const Node& node, const std::string& why) { return {describe(node) + ": " + why}; }

Result<Values> infer_if(const Frame& frame, const Node& node, Constants& constants) {
  const LinkedGraph* then_branch = subgraph(frame, node, "then_branch");
  const LinkedGraph* else_branch = subgraph(frame, node, "else_branch");
  if (!then_branch || !else_branch) return fails(node, "a branch is missing");
  auto results = infer_subgraph(frame, *then_branch, {}, constants);
  const auto others = infer_subgraph(frame, *else_branch, {}, constants);
  if (!results || !others) return Failure{results ? others.error() : results.error()};
  if (results->size() != node.outputs.size() || others->size() != node.outputs.size())
    return fails(node, "its branches give another number of results");
  for (std::size_t i = 0; i < results->size(); ++i)
    if (Status status = merge((*results)[i], (*others)[i]); !status) return fails(node, status.error());
  return results;
}

// Operands: the number of rounds, the first condition, then the carried values.
Result<Values> infer_loop(const Frame& frame, const Node& node, Constants& constants) {
  const LinkedGraph* body = subgraph(frame, node, "body");
  if (Status status = check_loop(node, body); !status) return fails(node, status.error());
  const Values given = operands(frame, node);
  Values arguments = {{DataType::int64, {}}, {DataType::boolean, {}}};
  arguments.insert(arguments.end(), given.begin() + 2, given.end());
  // A dimension that the first round changes is unknown in all of them; the second look settles the rest.
  Result<Values> results = Values();
  for (int look = 0; look < 2; ++look) {
    results = infer_subgraph(frame, *body, arguments, constants);
    if (!results) return results;
    for (std::size_t i = 2; i < arguments.size(); ++i)
      if (Status status = merge(arguments[i], (*results)[i - 1]); !status) return fails(node, status.error());
  }
  Values outputs(arguments.begin() + 2, arguments.end());
  for (std::size_t i = outputs.size(); i < node.outputs.size(); ++i) {
    Value rounds = (*results)[i + 1];
    rounds.shape.insert(rounds.shape.begin(), -1);
    outputs.push_back(rounds);
  }
  for (Value& value : outputs) value.data = nullptr, value.constant = false;
  return outputs;
}

}  // namespace

const LinkedGraph* subgraph(const Frame& frame, const Node& node, std::string_view key) {
  const auto found = node.attributes.find(key);
  if (found == node.attributes.end()) return nullptr;
  const auto* graph = std::get_if<std::shared_ptr<const Graph>>(&found->second);
  return graph ? frame.linked.subgraphs.at(graph->get()).get() : nullptr;
}

bool is_control_flow(const Node& node) { return node.op == "If" || node.op == "Loop"; }

Status check_loop(const Node& node, const LinkedGraph* body) {
  if (!body) return Failure{"it has no body"};
  if (node.inputs.size() < 2) return Failure{"it needs at least two operands"};
  const std::size_t carried = node.inputs.size() - 2;
  for (std::size_t i = 2; i < node.inputs.size(); ++i)
    if (node.inputs[i] == no_tensor) return Failure{"a carried value is not given"};
  if (body->graph->inputs.size() != carried + 2 || body->graph->outputs.size() != node.outputs.size() + 1 ||
      node.outputs.size() < carried)
    return Failure{"its body takes or gives another number of values"};
  return {};
}

Result<Values> infer_control_flow(const Frame& frame, const Node& node, Constants& constants) {
  return node.op == "If" ? infer_if(frame, node, constants) : infer_loop(frame, node, constants);
}

}  // namespace mlq
