// The choice among an object detector's boxes: confidence [N, C] and coordinates [N, 4], best first. Rows of
// zeros fill up to the number that the description states, if it does. Thresholds that an app may pass are
// taken from the model where the input for them is optional.
#include "compiler/frontends/coreml/model.pb.h"
#include "compiler/frontends/coreml/models/stage.h"
#include "compiler/frontends/coreml/suppression.h"

namespace mlqc::coreml {

namespace {

TensorId threshold(Stage& s, const std::string& input, double otherwise) {
  if (!input.empty() && s.flows.count(input)) return s.b.reshape(s.vector(input), {1});
  return constant(s.b, std::vector<double>{otherwise});
}

// [1, N, k]
TensorId rows(Stage& s, const std::string& name, std::int64_t width) {
  const TensorId x = s.array(name);
  const int rank = s.b.rank(x);
  s.b.require(rank >= 2 && (width < 0 || s.b.dimension(x, -1) == width),
              "needs boxes [N, 4] and scores [N, C]");
  return s.b.reshape(x, {1, -1, s.b.dimension(x, -1)});
}

std::int64_t stated_rows(const ModelDescription& description) {
  for (const FeatureDescription& output : description.output())
    if (output.type().multi_array_type().shape_size() == 2 && output.type().multi_array_type().shape(0) > 0)
      return output.type().multi_array_type().shape(0);
  return -1;
}

}  // namespace

void non_maximum_suppression(Stage& s) {
  Build& b = s.b;
  const NonMaximumSuppressionModel& p = s.model.non_maximum_suppression();
  const Suppression what{rows(s, p.coordinates_input_feature_name(), 4),
                         rows(s, p.confidence_input_feature_name(), -1),
                         threshold(s, p.iou_threshold_input_feature_name(), p.iou_threshold()),
                         threshold(s, p.confidence_threshold_input_feature_name(), p.confidence_threshold()),
                         p.pick_top().per_class()};
  const Survivors kept = suppress(b, what, false);
  const std::int64_t stated = stated_rows(s.description());
  const TensorId count = stated > 0 ? b.ints({stated}) : b.indices(kept.count);
  const auto cut = [&](TensorId list) {
    TensorId all = b.node("Squeeze", {list, b.ints({0})});
    if (stated > 0) all = b.node("Pad", {all, b.ints({0, 0, stated, 0}), b.number(0)});
    return b.node("Slice", {all, b.ints({0}), count, b.ints({0})});
  };
  for (const FeatureDescription& output : s.description().output()) {
    const bool scores = output.name() == p.confidence_output_feature_name();
    if (!scores && output.name() != p.coordinates_output_feature_name())
      b.fail("has the output '" + output.name() + "', which is neither confidence nor coordinates");
    s.give(output, cut(scores ? kept.scores : kept.boxes));
  }
}

}  // namespace mlqc::coreml
