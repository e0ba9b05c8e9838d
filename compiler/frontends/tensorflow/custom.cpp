// Operators that the user's own code computes.
#include "compiler/frontends/custom.h"

#include <algorithm>

#include "compiler/frontends/tensorflow/graph.pb.h"
#include "compiler/frontends/tensorflow/operators.h"

namespace mlqc::tensorflow {

namespace {

// Single numbers, truth values and texts of the node; names that begin with an underscore are the makers'
// own.
mlq::Parameters parameters_of(const NodeDef& node) {
  mlq::Parameters parameters;
  for (const auto& [name, value] : node.attr()) {
    if (name.empty() || name[0] == '_') continue;
    if (value.has_i()) parameters[name] = std::int64_t{value.i()};
    if (value.has_f()) parameters[name] = double{value.f()};
    if (value.has_b()) parameters[name] = value.b();
    if (value.has_s()) parameters[name] = std::string(value.s());
  }
  return parameters;
}

// A graph does not say how many results an operator has: as many as something reads.
std::size_t results_read(const Net& net) {
  int most = 0;
  for (const Step& step : net.program.steps)
    for (const Wire wire : step.inputs)
      if (wire.step == net.at) most = std::max(most, wire.output);
  net.b.require(most < 64, "has too many results");
  return static_cast<std::size_t>(most) + 1;
}

}  // namespace

void lower_custom(Net& net, const CustomEntry& entry) {
  Ids operands, weights;
  for (const TensorId id : net.ins()) {
    const bool weight = net.b.is_constant(id) && net.b.tensor(id).type == mlq::DataType::float32;
    (weight ? weights : operands).push_back(id);
  }
  mlq::Node node = custom_node(net.b.source, entry, {net.b.name(), "", "", parameters_of(*net.step().def)},
                               std::move(operands), std::move(weights));
  net.outs(append_custom(net.b.source, net.b.graph, std::move(node), results_read(net)));
}

}  // namespace mlqc::tensorflow
