// What enters and leaves the network.
#pragma once

#include <optional>

#include "compiler/frontends/tensorflow/operators.h"

namespace mlqc::tensorflow {

// Under the name that users see.
struct Port {
  std::string name;
  Wire wire;
  std::optional<Shape> shape = {};  // where somebody else than the node says it
};

// Of a graph without signatures: what nobody reads and depends on an input, in the order of the file.
std::vector<Port> loose_ends(const Program& program, const std::vector<bool>& dead);
// The Placeholders among the steps, under their own names, in the order of the file.
std::vector<Port> placeholders(const Program& program);
// By step: one of the outputs needs it.
std::vector<bool> needed_by(const Net& net, const std::vector<Port>& outputs);

// A network of which nothing is lowered yet. `owner` keeps what `program` refers to. Stays where it is.
struct Lowering {
  Lowering(const Source& source, const Program& program, std::shared_ptr<const void> owner);
  Lowering(const Lowering&) = delete;
  Lowering& operator=(const Lowering&) = delete;

  nhwc::Build build;
  std::vector<bool> dead;
  Limits limits;
  Net net;
};
// All of it, from the inputs that are needed to the outputs. Scalars of bool are false and are no inputs.
void lower(Net& net, const std::vector<Port>& inputs, const std::vector<Port>& outputs);

}  // namespace mlqc::tensorflow
