// What enters and leaves the network.
#pragma once

#include "compiler/frontends/tensorflow/operators.h"

namespace mlqc::tensorflow {

// Under the name that users see.
struct Port {
  std::string name;
  Wire wire;
};

// Of a graph without signatures: what nobody reads and depends on an input, in the order of the file.
std::vector<Port> loose_ends(const Program& program, const std::vector<bool>& dead);
// The Placeholders among the steps, under their own names, in the order of the file.
std::vector<Port> placeholders(const Program& program);
// Of those that `outputs` need: values of inputs. Scalars of bool are false and are no inputs.
void add_inputs(Net& net, const std::vector<Port>& inputs, const std::vector<Port>& outputs);
void add_outputs(Net& net, const std::vector<Port>& outputs);

}  // namespace mlqc::tensorflow
