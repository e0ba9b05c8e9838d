// Slice with steps of either sign; Expand and Tile, which repeat instead.
#include <algorithm>
#include <limits>

#include "runtime-stub/kernels/families.h"
#include "runtime-stub/kernels/loops.h"
#include "runtime-stub/kernels/support.h"

namespace mlq::kernels {
namespace {

struct Cut {
  Shape shape;   // of the result; unknown where the operands are
  Shape starts;  // meaningful where the shape is known
  Shape steps;
};

// One axis by ONNX's rule: ends are exclusive, negative positions count from the end, all are clamped.
void cut_axis(std::int64_t size, std::int64_t start, std::int64_t end, std::int64_t step, std::int64_t& first,
              std::int64_t& count) {
  if (start < 0) start = start < -size ? std::numeric_limits<std::int32_t>::min() : start + size;
  if (end < 0) end = end < -size ? std::numeric_limits<std::int32_t>::min() : end + size;
  if (step > 0) {
    first = std::clamp<std::int64_t>(start, 0, size);
    end = std::clamp<std::int64_t>(end, 0, size);
    count = end > first ? (end - first - 1) / step + 1 : 0;
  } else {
    first = std::clamp<std::int64_t>(start, -1, size - 1);
    end = std::clamp<std::int64_t>(end, -1, size - 1);
    count = first > end ? (first - end - 1) / -step + 1 : 0;
  }
  if (count == 0) first = 0;
}

Result<Cut> cut(const Call& call) {
  const Shape& x = call.inputs[0].shape;
  Cut c{x, Shape(x.size(), 0), Shape(x.size(), 1)};
  auto starts = integers(call, 1, call.node.get_ints("starts"));
  auto ends = integers(call, 2, call.node.get_ints("ends"));
  auto axes = integers(call, 3, call.node.get_ints("axes"));
  auto steps = integers(call, 4, call.node.get_ints("steps"));
  if (!axes || !steps) {
    c.shape.assign(x.size(), unknown);
    return c;
  }
  std::size_t n = starts ? starts->size() : ends ? ends->size() : axes->empty() ? x.size() : axes->size();
  if ((starts && starts->size() != n) || (ends && ends->size() != n))
    return fail(call, "starts and ends differ in number");
  if (axes->empty())
    for (std::size_t i = 0; i < n; ++i) axes->push_back(i);
  if (steps->empty()) steps->assign(n, 1);
  if (axes->size() != n || steps->size() != n) return fail(call, "starts and axes differ in number");
  for (std::size_t i = 0; i < n; ++i) {
    std::int64_t axis = (*axes)[i], step = (*steps)[i];
    if (!normalize_axis(axis, rank(x))) return fail(call, "axis outside the operand's rank");
    if (step == 0 || step == std::numeric_limits<std::int64_t>::min()) return fail(call, "step of zero");
    c.steps[axis] = step;
    if (!starts || !ends || x[axis] == unknown)
      c.shape[axis] = unknown;
    else
      cut_axis(x[axis], (*starts)[i], (*ends)[i], step, c.starts[axis], c.shape[axis]);
  }
  return c;
}

Status infer_slice(Call& call) {
  if (!has_operands(call, 1)) return fail(call, "needs an operand");
  auto c = cut(call);
  if (!c) return c.status();
  set_output(call, 0, call.inputs[0].type, c->shape);
  return {};
}

Status evaluate_slice(const Call& call) {
  auto c = cut(call);
  if (!c) return c.status();
  if (product(c->shape) == 0) return {};
  Shape own = strides_of(call.inputs[0].shape), steps(own.size());
  std::int64_t start = 0;
  for (std::size_t i = 0; i < own.size(); ++i) {
    // A step beyond the axis is never taken; without it the multiplication cannot overflow.
    steps[i] = c->shape[i] > 1 ? own[i] * c->steps[i] : 0;
    start += own[i] * c->starts[i];
  }
  std::size_t size = size_of(call.outputs[0].type);
  copy_strided(make_loops(c->shape, {strides_of(c->shape), steps}), call.outputs[0].data,
               in<std::byte>(call, 0) + start * size, size);
  return {};
}

Status infer_expand(Call& call) {
  if (!has_operands(call, 1)) return fail(call, "needs an operand");
  auto target = integers(call, 1, call.node.get_ints("shape"));
  if (!target) {
    const Shape& s = call.inputs[1].shape;
    if (s.size() != 1 || s[0] < 0 || s[0] > 64) return fail(call, "the rank of the result is not known");
    set_output(call, 0, call.inputs[0].type, Shape(std::max(s[0], rank(call.inputs[0].shape)), unknown));
    return {};
  }
  for (std::int64_t d : *target)
    if (d < 0) return fail(call, "negative dimension");
  auto shape = broadcast(call.inputs[0].shape, *target);
  if (!shape)
    return fail(call, "cannot expand " + to_string(call.inputs[0].shape) + " to " + to_string(*target));
  set_output(call, 0, call.inputs[0].type, *shape);
  return {};
}

Status evaluate_expand(const Call& call) {
  const Shape& y = call.outputs[0].shape;
  copy_strided(make_loops(y, {strides_of(y), broadcast_strides(call.inputs[0].shape, y)}),
               call.outputs[0].data, call.inputs[0].data, size_of(call.outputs[0].type));
  return {};
}

Status infer_tile(Call& call) {
  if (!has_operands(call, 1)) return fail(call, "needs an operand");
  Shape y = call.inputs[0].shape;
  auto repeats = integers(call, 1, call.node.get_ints("repeats"));
  if (repeats && repeats->size() != y.size()) return fail(call, "one repeat per axis is needed");
  for (std::size_t i = 0; i < y.size(); ++i) {
    if (repeats && (*repeats)[i] < 0) return fail(call, "negative repeat");
    y[i] = repeats ? times(y[i], (*repeats)[i]) : unknown;
  }
  set_output(call, 0, call.inputs[0].type, y);
  return {};
}

// Each axis counts as two: how often, then the axis itself.
Status evaluate_tile(const Call& call) {
  const Shape &x = call.inputs[0].shape, &y = call.outputs[0].shape;
  if (product(y) == 0) return {};
  Shape own = strides_of(x), target = strides_of(y), extents, to, from;
  for (std::size_t i = 0; i < x.size(); ++i) {
    extents.insert(extents.end(), {y[i] / x[i], x[i]});
    to.insert(to.end(), {target[i] * x[i], target[i]});
    from.insert(from.end(), {0, own[i]});
  }
  copy_strided(make_loops(extents, {to, from}), call.outputs[0].data, call.inputs[0].data,
               size_of(call.outputs[0].type));
  return {};
}

constexpr Kernel rows[] = {
    {"Slice", infer_slice, evaluate_slice},
    {"Expand", infer_expand, evaluate_expand},
    {"Tile", infer_tile, evaluate_tile},
};

}  // namespace

std::span<const Kernel> slice_kernels() { return rows; }

}  // namespace mlq::kernels
