// Other numbers in the place of missing ones: of NaN, or of the number that stands for "missing".
#include <cmath>

#include "compiler/frontends/coreml/model.pb.h"
#include "compiler/frontends/coreml/models/stage.h"

namespace mlqc::coreml {

namespace {

std::vector<float> imputed(const Stage& s, const Imputer& p) {
  switch (p.imputed_case()) {
    case Imputer::kImputedDoubleValue:
      return {static_cast<float>(p.imputed_double_value())};
    case Imputer::kImputedInt64Value:
      return {static_cast<float>(p.imputed_int64_value())};
    case Imputer::kImputedDoubleArray:
      return {p.imputed_double_array().vector().begin(), p.imputed_double_array().vector().end()};
    case Imputer::kImputedInt64Array:
      return {p.imputed_int64_array().vector().begin(), p.imputed_int64_array().vector().end()};
    default:
      s.b.fail("puts texts or dictionaries in the place of missing ones, which mlq does not");
  }
}

}  // namespace

void imputer(Stage& s) {
  Build& b = s.b;
  const Imputer& p = s.model.imputer();
  const TensorId x = s.vector(s.only_input().name());
  const std::vector<float> values = imputed(s, p);
  b.require(values.size() == 1 || b.dimension(x, 0) == static_cast<std::int64_t>(values.size()),
            "has another number of values than its input");
  TensorId missing = mlq::no_tensor;
  if (p.replace_case() == Imputer::kReplaceInt64Value)
    missing = b.node("Equal", {x, b.number(static_cast<float>(p.replace_int64_value()))});
  else if (p.replace_case() == Imputer::kReplaceDoubleValue && !std::isnan(p.replace_double_value()))
    missing = b.node("Equal", {x, b.number(static_cast<float>(p.replace_double_value()))});
  else
    missing = b.node("IsNaN", {x});
  s.give(s.only_output(), b.node("Where", {missing, constant(b, values), x}));
}

}  // namespace mlqc::coreml
