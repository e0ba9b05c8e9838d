// scale * (x + shift), with one number for all elements or one for each.
#include "compiler/frontends/coreml/model.pb.h"
#include "compiler/frontends/coreml/models/stage.h"

namespace mlqc::coreml {

namespace {

TensorId factors(Stage& s, TensorId x, const google::protobuf::RepeatedField<double>& values) {
  s.b.require(values.size() == 1 || s.b.dimension(x, 0) < 0 || values.size() == s.b.dimension(x, 0),
              "has another number of values than its input");
  return constant(s.b, values);
}

}  // namespace

void scaler(Stage& s) {
  const Scaler& p = s.model.scaler();
  TensorId x = s.vector(s.only_input().name());
  if (p.shift_value_size()) x = s.b.add(x, factors(s, x, p.shift_value()));
  if (p.scale_value_size()) x = s.b.multiply(x, factors(s, x, p.scale_value()));
  s.give(s.only_output(), x);
}

}  // namespace mlqc::coreml
