// What is known of a graph's values before it runs.
#pragma once

#include "runtime-stub/src/frame.h"

namespace mlq {

// Type and shape of one node's results, from what the frame knows of its operands.
Result<std::vector<Value>> infer_node(const Frame& frame, const Node& node, Constants& constants);

// The same for every node, into the frame.
Status infer_frame(Frame& frame, Constants& constants);

// infer_frame, and computes small results that depend on nothing but constants and known shapes, so that
// a graph that calculates its own shapes has static ones. Such results are marked constant.
Status infer_and_fold(Frame& frame, Constants& constants);

// The result of If and Loop from the results of their subgraphs: shapes where they agree, else unknown.
Status merge(Value& value, const Value& other);

}  // namespace mlq
