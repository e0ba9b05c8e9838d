// A neural network as one model of a pipeline.
#include "compiler/frontends/coreml/model.pb.h"
#include "compiler/frontends/coreml/models/networks.h"
#include "compiler/frontends/coreml/models/stage.h"

namespace mlqc::coreml {

namespace {

Flow::Kind kind_of(const mlq::Feature& feature) {
  switch (feature.kind) {
    case mlq::FeatureKind::image:
      return Flow::picture;
    case mlq::FeatureKind::scores:
      return Flow::dictionary;
    case mlq::FeatureKind::label:
      return Flow::choice;
    default:
      return Flow::numbers;
  }
}

}  // namespace

void network(Stage& s) {
  Build& b = s.b;
  b.blobs.clear();
  b.given.clear();
  for (const FeatureDescription& input : s.description().input()) {
    const bool picture = s.flow(input.name()).kind == Flow::picture;
    b.given[input.name()] = picture ? s.flow(input.name()).feature.tensor : s.array(input.name());
  }
  lower_network(b, s.model);
  const Words labels{b.graph.labels, b.graph.integer_labels};
  for (mlq::Feature& output : b.graph.outputs) {
    Flow flow{kind_of(output), std::move(output), labels, false};
    s.flows.insert_or_assign(flow.feature.name, flow);
  }
  b.graph.outputs.clear();
  b.graph.labels.clear();
}

}  // namespace mlqc::coreml
