// Some of an array's elements, by their places in row-major order.
#include "compiler/frontends/coreml/model.pb.h"
#include "compiler/frontends/coreml/models/stage.h"

namespace mlqc::coreml {

void array_feature_extractor(Stage& s) {
  const TensorId x = s.vector(s.only_input().name());
  const Ints places = sizes(s.b, s.model.array_feature_extractor().extract_index());
  for (const std::int64_t place : places)
    s.b.require(s.b.dimension(x, 0) < 0 || place < s.b.dimension(x, 0),
                "extracts a place behind the array's end");
  s.give(s.only_output(), s.b.node("Gather", {x, s.b.ints(places)}, {{"axis", std::int64_t{0}}}));
}

}  // namespace mlqc::coreml
