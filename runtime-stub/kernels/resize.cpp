// Resize and Upsample: each axis in turn as a weighted sum of source positions, so any layout will do.
#include <algorithm>
#include <cmath>
#include <vector>

#include "runtime-stub/kernels/families.h"
#include "runtime-stub/kernels/resize_taps.h"
#include "runtime-stub/kernels/support.h"

namespace mlq::kernels {
namespace {

struct Target {
  Shape shape;
  std::vector<float> scales;  // result / operand, per axis
};

// Operands: X, roi, scales, sizes (Resize) or X, scales (Upsample); scales may be an attribute.
std::vector<float> scales_of(const Call& call, std::size_t i) {
  if (!call.given(i) || product(call.inputs[i].shape) == 0) return call.node.get_floats("scales");
  if (!call.inputs[i].data) return {};
  const float* p = call.inputs[i].floats();
  return std::vector<float>(p, p + product(call.inputs[i].shape));
}

Result<Target> target_of(const Call& call) {
  const Shape& x = call.inputs[0].shape;
  bool upsample = call.node.op == "Upsample";
  std::size_t at = upsample ? 1 : 2;
  if (call.given(at) && call.inputs[at].type != DataType::float32)
    return fail(call, "scales must be float32");
  Target t{Shape(x.size(), unknown), scales_of(call, at)};
  auto sizes = upsample ? std::vector<std::int64_t>{} : integers(call, 3, call.node.get_ints("sizes"));
  if (sizes && !sizes->empty()) {
    if (sizes->size() != x.size()) return fail(call, "one size per axis is needed");
    t.shape = *sizes;
    const bool given = t.scales.size() == x.size();  // sizes may come from rounding what the scales say
    if (!given) t.scales.clear();
    for (std::size_t i = 0; i < x.size(); ++i) {
      if (t.shape[i] < 0) return fail(call, "negative size");
      if (given && !(t.scales[i] > 0.0f)) return fail(call, "scale out of range");
      if (!given)
        t.scales.push_back(x[i] > 0 ? static_cast<float>(t.shape[i]) / static_cast<float>(x[i]) : 1.0f);
    }
    return t;
  }
  if (t.scales.empty()) return t;
  if (t.scales.size() != x.size()) return fail(call, "one scale per axis is needed");
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (!(t.scales[i] > 0.0f) || t.scales[i] > 1e6f) return fail(call, "scale out of range");
    // Dimensions beyond 2^40 are refused here so that the product cannot leave 64 bits.
    if (x[i] > std::int64_t{1} << 40) return fail(call, "dimension out of range");
    if (x[i] >= 0) t.shape[i] = static_cast<std::int64_t>(std::floor(static_cast<float>(x[i]) * t.scales[i]));
  }
  return t;
}

Status infer_resize(Call& call) {
  if (!has_operands(call, 1)) return fail(call, "needs an operand");
  if (call.inputs[0].type != DataType::float32) return fail(call, "is for float32 only");
  ResizeRule rule;
  if (!read_rule(call.node, rule)) return fail(call, "unknown mode or coordinate transformation");
  auto t = target_of(call);
  if (!t) return t.status();
  for (std::size_t i = 0; i < t->shape.size(); ++i)
    if (call.inputs[0].shape[i] == 0 && t->shape[i] > 0)
      return fail(call, "cannot enlarge an empty dimension");
  set_output(call, 0, DataType::float32, t->shape);
  return {};
}

// Resizes the axis in the middle of [outer, from, inner].
void resize_axis(const Taps& taps, std::int64_t outer, std::int64_t from, std::int64_t inner, const float* x,
                 float* y) {
  std::int64_t to = taps.positions();
  for (std::int64_t o = 0; o < outer; ++o)
    for (std::int64_t i = 0; i < to; ++i) {
      float* line = y + (o * to + i) * inner;
      for (std::int64_t k = 0; k < taps.width; ++k) {
        float weight = taps.weights[i * taps.width + k];
        const float* source = x + (o * from + taps.cells[i * taps.width + k]) * inner;
        if (k == 0)
          for (std::int64_t j = 0; j < inner; ++j) line[j] = weight == 1.0f ? source[j] : weight * source[j];
        else if (weight != 0.0f)
          for (std::int64_t j = 0; j < inner; ++j) line[j] += weight * source[j];
      }
    }
}

Status evaluate_resize(const Call& call) {
  auto t = target_of(call);
  if (!t) return t.status();
  Shape now = call.inputs[0].shape;
  if (product(t->shape) == 0) return {};
  ResizeRule rule;
  read_rule(call.node, rule);
  const float* x = in<float>(call, 0);
  std::vector<float> buffers[2];
  int turn = 0;
  for (std::int64_t axis = rank(now); axis-- > 0;) {
    Region region;
    if (rule.crops && call.given(1) && product(call.inputs[1].shape) == 2 * rank(now))
      region = {in<float>(call, 1)[axis], in<float>(call, 1)[rank(now) + axis]};
    Taps taps = make_taps(rule, now[axis], t->shape[axis], t->scales[axis], region);
    if (taps.identity) continue;
    Shape next = now;
    next[axis] = t->shape[axis];
    buffers[turn].resize(product(next));
    resize_axis(taps, product(now, 0, axis), now[axis], product(now, axis + 1, rank(now)), x,
                buffers[turn].data());
    x = buffers[turn].data();
    now = next;
    turn = 1 - turn;
  }
  std::copy_n(x, product(now), out<float>(call));
  return {};
}

constexpr Kernel rows[] = {{"Resize", infer_resize, evaluate_resize},
                           {"Upsample", infer_resize, evaluate_resize}};

}  // namespace

std::span<const Kernel> resize_kernels() { return rows; }

}  // namespace mlq::kernels
