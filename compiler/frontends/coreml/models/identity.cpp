// Outputs are the inputs of the same places.
#include "compiler/frontends/coreml/model.pb.h"
#include "compiler/frontends/coreml/models/stage.h"

namespace mlqc::coreml {

void identity(Stage& s) {
  const ModelDescription& d = s.description();
  s.b.require(d.input_size() == d.output_size(), "has another number of inputs than of outputs");
  for (int i = 0; i < d.input_size(); ++i) {
    Flow flow = s.flow(d.input(i).name());
    if (flow.open) s.b.fail("passes on '" + d.input(i).name() + "', whose words it does not know");
    // A node of its own, since an output may not be an input.
    flow.feature.tensor = s.b.node("Identity", {flow.feature.tensor});
    flow.feature.name = d.output(i).name();
    s.flows.insert_or_assign(d.output(i).name(), flow);
  }
}

}  // namespace mlqc::coreml
