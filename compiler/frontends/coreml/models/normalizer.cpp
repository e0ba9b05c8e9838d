// A vector divided by its norm; one of norm zero stays as it is.
#include "compiler/frontends/coreml/model.pb.h"
#include "compiler/frontends/coreml/models/stage.h"

namespace mlqc::coreml {

void normalizer(Stage& s) {
  Build& b = s.b;
  const TensorId x = s.vector(s.only_input().name());
  const auto type = s.model.normalizer().norm_type();
  b.require(type >= Normalizer::LMAX && type <= Normalizer::L2, "has an unknown norm");
  constexpr const char* norms[] = {"ReduceMax", "ReduceL1", "ReduceL2"};
  const TensorId norm = b.node(norms[type], {x}, {{"keepdims", std::int64_t{1}}});
  const TensorId divisor = b.node("Where", {b.truth(norm), norm, b.number(1)});
  s.give(s.only_output(), b.divide(x, divisor));
}

}  // namespace mlqc::coreml
