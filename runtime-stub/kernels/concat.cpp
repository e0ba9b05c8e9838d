// Concat joins along an axis, Split takes apart.
#include <cstring>

#include "runtime-stub/kernels/families.h"
#include "runtime-stub/kernels/support.h"

namespace mlq::kernels {
namespace {

Status infer_concat(Call& call) {
  if (call.inputs.empty() || !has_operands(call, call.inputs.size())) return fail(call, "needs operands");
  Shape y = call.inputs[0].shape;
  std::int64_t axis = call.node.get_int("axis", 0);
  if (!normalize_axis(axis, rank(y))) return fail(call, "axis outside the operands' rank");
  y[axis] = 0;
  for (const Value& v : call.inputs) {
    if (v.shape.size() != y.size()) return fail(call, "operands of different ranks");
    if (v.type != call.inputs[0].type) return fail(call, "operands of different types");
    for (std::int64_t i = 0; i < rank(y); ++i) {
      if (i == axis) {
        y[i] = plus(y[i], v.shape[i]);
      } else if (y[i] == unknown) {
        y[i] = v.shape[i];
      } else if (v.shape[i] != unknown && v.shape[i] != y[i]) {
        return fail(call, "shapes " + to_string(call.inputs[0].shape) + " and " + to_string(v.shape) +
                              " differ beside the axis");
      }
    }
  }
  set_output(call, 0, call.inputs[0].type, y);
  return {};
}

Status evaluate_concat(const Call& call) {
  const Shape& y = call.outputs[0].shape;
  std::int64_t axis = call.node.get_int("axis", 0);
  normalize_axis(axis, rank(y));
  std::size_t size = size_of(call.outputs[0].type);
  std::size_t row = product(y, axis, rank(y)) * size, start = 0;
  std::int64_t outer = product(y, 0, axis);
  for (const Value& v : call.inputs) {
    std::size_t part = product(v.shape, axis, rank(y)) * size;
    auto* from = static_cast<const std::byte*>(v.data);
    auto* to = out<std::byte>(call) + start;
    if (part > 0)
      for (std::int64_t i = 0; i < outer; ++i, to += row, from += part) std::memcpy(to, from, part);
    start += part;
  }
  return {};
}

// Equal parts (the last one may be smaller) unless sizes are given.
Status infer_split(Call& call) {
  if (!has_operands(call, 1)) return fail(call, "needs an operand");
  Shape x = call.inputs[0].shape;
  std::int64_t axis = call.node.get_int("axis", 0);
  if (!normalize_axis(axis, rank(x))) return fail(call, "axis outside the operand's rank");
  auto sizes = integers(call, 1, call.node.get_ints("split"));
  auto parts = static_cast<std::int64_t>(call.outputs.size());
  std::int64_t each = x[axis] == unknown ? unknown : (x[axis] + parts - 1) / parts, total = 0;
  bool listed = sizes && !sizes->empty();
  if (listed && sizes->size() != call.outputs.size())
    return fail(call, "as many sizes as outputs are needed");
  for (std::int64_t i = 0; i < parts; ++i) {
    Shape y = x;
    if (!sizes)
      y[axis] = unknown;
    else if (listed)
      y[axis] = (*sizes)[i];
    else if (each != unknown)
      y[axis] = std::max<std::int64_t>(0, std::min(each, x[axis] - each * i));
    if (listed && y[axis] < 0) return fail(call, "negative size");
    total = plus(total, y[axis]);
    set_output(call, i, call.inputs[0].type, y);
  }
  if (total != unknown && x[axis] != unknown && total != x[axis])
    return fail(call, "the sizes do not add up to the dimension");
  return {};
}

Status evaluate_split(const Call& call) {
  const Shape& x = call.inputs[0].shape;
  std::int64_t axis = call.node.get_int("axis", 0);
  normalize_axis(axis, rank(x));
  std::size_t size = size_of(call.inputs[0].type), start = 0;
  std::size_t row = product(x, axis, rank(x)) * size;
  std::int64_t outer = product(x, 0, axis);
  for (Value& v : call.outputs) {
    std::size_t part = product(v.shape, axis, rank(x)) * size;
    auto* to = static_cast<std::byte*>(v.data);
    auto* from = in<std::byte>(call, 0) + start;
    if (part > 0 && to)
      for (std::int64_t i = 0; i < outer; ++i, to += part, from += row) std::memcpy(to, from, part);
    start += part;
  }
  return {};
}

constexpr Kernel rows[] = {{"Concat", infer_concat, evaluate_concat}, {"Split", infer_split, evaluate_split}};

}  // namespace

std::span<const Kernel> concat_kernels() { return rows; }

}  // namespace mlq::kernels
