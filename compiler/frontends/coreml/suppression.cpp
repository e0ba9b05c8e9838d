#include "compiler/frontends/coreml/suppression.h"

#include <limits>

namespace mlqc::coreml {

namespace {

constexpr float nothing = -std::numeric_limits<float>::infinity();

TensorId where(Build& b, TensorId condition, TensorId yes, TensorId no) {
  return b.node("Where", {condition, yes, no});
}

TensorId places(Build& b, const Shape& shape) {
  std::vector<float> values(static_cast<std::size_t>(mlq::element_count(shape).value_or(0)));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i);
  return b.floats(shape, values);
}

// [B, K, N]: what the operator takes for the scores of K classes; a box counts in one of them at most.
TensorId by_class(Build& b, const Suppression& s, TensorId best) {
  const TensorId row = b.node("Unsqueeze", {best, b.ints({1})});
  if (!s.per_class) return row;
  TensorId which = b.node("ArgMax", {s.scores}, {{"axis", std::int64_t{2}}, {"keepdims", std::int64_t{0}}});
  which = b.node("Unsqueeze", {b.cast(which, mlq::DataType::float32), b.ints({1})});
  const TensorId own = b.node("Equal", {which, places(b, {1, b.dimension(s.scores, 2), 1})});
  return where(b, own, row, b.number(nothing));
}

// [B, N]: 1 where the box survives.
TensorId survives(Build& b, const Suppression& s, TensorId best) {
  const TensorId chosen = b.node("NonMaxSuppression",
                                 {s.boxes, by_class(b, s, best), b.ints({b.dimension(s.boxes, 1)}), s.iou,
                                  b.floats({1}, std::vector<float>{nothing})},
                                 {{"center_point_box", std::int64_t{1}}});
  const TensorId at = b.node("Gather", {chosen, b.ints({0, 2})}, {{"axis", std::int64_t{1}}});
  const TensorId rows = b.node("Gather", {b.node("Shape", {at}), b.ints({0})}, {{"axis", std::int64_t{0}}});
  const TensorId none = b.node("ConstantOfShape", {b.shape_of(best)});
  return b.node("ScatterND", {none, at, b.node("Expand", {b.number(1), rows})});
}

// Rows of [B, N, K] in the order of [B, N] places; zeros where not `valid`.
TensorId pick(Build& b, TensorId rows, TensorId order, TensorId valid) {
  const TensorId at = b.node("Expand", {b.node("Unsqueeze", {order, b.ints({2})}), b.shape_of(rows)});
  const TensorId sorted = b.node("GatherElements", {rows, at}, {{"axis", std::int64_t{1}}});
  return where(b, b.node("Unsqueeze", {valid, b.ints({2})}), sorted, b.number(0));
}

}  // namespace

Survivors suppress(Build& b, const Suppression& s, bool at_least_one) {
  const bool fits = b.rank(s.boxes) == 3 && b.rank(s.scores) == 3 && b.dimension(s.boxes, 2) == 4 &&
                    mlq::element_count(b.shape(s.boxes)) && mlq::element_count(b.shape(s.scores));
  b.require(fits, "needs boxes [B, N, 4] and scores [B, N, C] of known sizes");
  const std::int64_t n = b.dimension(s.boxes, 1);
  const TensorId all =
      b.node("ReduceMax", {s.scores, b.ints({2})}, {{"keepdims", std::int64_t{0}}});  // [B, N]
  const TensorId best = where(b, b.node("GreaterOrEqual", {all, s.least}), all, b.number(nothing));
  const TensorId kept = survives(b, s, best);
  const TensorId axis = b.ints({1});
  TensorId count = b.node("ReduceSum", {kept, axis});  // [B, 1]
  TensorId ranked = where(b, b.truth(kept), all, b.number(nothing));
  if (at_least_one) {
    const TensorId any = b.truth(count);
    ranked = where(b, any, ranked, all);
    count = b.node("Max", {count, b.number(1)});
  }
  const TensorId order =
      b.nodes("TopK", {ranked, b.ints({n})}, 2, {{"axis", std::int64_t{1}}, {"largest", std::int64_t{1}}})[1];
  const TensorId valid = b.node("Less", {places(b, {1, n}), count});
  return {pick(b, s.boxes, order, valid), pick(b, s.scores, order, valid),
          where(b, valid, order, b.scalar(-1)), b.reshape(count, {-1})};
}

}  // namespace mlqc::coreml
