// If and Loop: the two operators whose attributes are graphs. The executor runs them itself.
#pragma once

#include "runtime-stub/src/frame.h"

namespace mlq {

bool is_control_flow(const Node& node);

// Type and shape of the results; dimensions that a branch or an iteration decides are -1.
Result<std::vector<Value>> infer_control_flow(const Frame& frame, const Node& node, Constants& constants);

// Computes the results into the frame, whose operands have their values.
Status run_control_flow(Frame& frame, const Node& node, Constants& constants, void* threads);

// The linked subgraph of an attribute, or null.
const LinkedGraph* subgraph(const Frame& frame, const Node& node, std::string_view key);

// That body, operands and results are as many as belong together.
Status check_loop(const Node& node, const LinkedGraph* body);

}  // namespace mlq
