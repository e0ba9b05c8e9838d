// The same elements in the same order under another shape.
#include <algorithm>
#include <cstring>

#include "runtime-stub/kernels/families.h"
#include "runtime-stub/kernels/support.h"

namespace mlq::kernels {
namespace {

Status copy(const Call& call) {
  auto bytes = product(call.outputs[0].shape) * size_of(call.outputs[0].type);
  if (bytes > 0 && call.outputs[0].data != call.inputs[0].data)
    std::memcpy(call.outputs[0].data, call.inputs[0].data, bytes);
  return {};
}

// Fills the one -1 of a target shape so that the element counts agree.
Status complete(const Call& call, Shape& target) {
  std::int64_t total = product(call.inputs[0].shape), rest = 1;
  auto open = target.end();
  for (auto d = target.begin(); d != target.end(); ++d) {
    if (*d == -1 && open != target.end()) return fail(call, "more than one dimension is -1");
    if (*d < -1) return fail(call, "negative dimension");
    if (*d == -1)
      open = d;
    else
      rest = times(rest, *d);
  }
  if (total == unknown) return {};
  if (open != target.end()) {
    if (rest == 0 ? total != 0 : total % rest != 0)
      return fail(call, "cannot reshape " + to_string(call.inputs[0].shape) + " to " + to_string(target));
    *open = rest == 0 ? 0 : total / rest;
  } else if (rest != total) {
    return fail(call, "cannot reshape " + to_string(call.inputs[0].shape) + " to " + to_string(target));
  }
  return {};
}

Status infer_reshape(Call& call) {
  if (!has_operands(call, 1)) return fail(call, "needs an operand");
  const Shape& from = call.inputs[0].shape;
  Shape target = call.node.get_ints("shape");
  if (call.given(1)) {
    auto values = integers(call.inputs[1]);
    if (!values) {
      const Shape& s = call.inputs[1].shape;
      if (s.size() != 1 || s[0] < 0 || s[0] > 64) return fail(call, "the rank of the result is not known");
      set_output(call, 0, call.inputs[0].type, Shape(s[0], unknown));
      return {};
    }
    target = *values;
  }
  if (call.node.get_int("allowzero", 0) == 0)
    for (std::size_t i = 0; i < target.size(); ++i)
      if (target[i] == 0) {
        if (i >= from.size()) return fail(call, "0 refers to a dimension that the operand does not have");
        target[i] = from[i];
        // Two unknown dimensions are no contradiction when the first is taken over as it is.
        if (from[i] == unknown) {
          set_output(call, 0, call.inputs[0].type, target);
          return {};
        }
      }
  if (Status s = complete(call, target); !s) return s;
  set_output(call, 0, call.inputs[0].type, target);
  return {};
}

Status infer_flatten(Call& call) {
  if (!has_operands(call, 1)) return fail(call, "needs an operand");
  const Shape& x = call.inputs[0].shape;
  std::int64_t axis = call.node.get_int("axis", 1);
  if (axis < 0) axis += rank(x);
  if (axis < 0 || axis > rank(x)) return fail(call, "axis outside the operand's rank");
  set_output(call, 0, call.inputs[0].type, {product(x, 0, axis), product(x, axis, rank(x))});
  return {};
}

Status infer_squeeze(Call& call) {
  if (!has_operands(call, 1)) return fail(call, "needs an operand");
  const Shape& x = call.inputs[0].shape;
  auto axes = integers(call, 1, call.node.get_ints("axes"));
  if (!axes) {
    const Shape& list = call.inputs[1].shape;
    if (list.size() != 1 || list[0] <= 0 || list[0] > rank(x)) return fail(call, "the axes must be constant");
    set_output(call, 0, call.inputs[0].type, Shape(x.size() - list[0], unknown));
    return {};
  }
  if (!normalize_axes(*axes, rank(x))) return fail(call, "axis outside the operand's rank");
  Shape y;
  for (std::int64_t i = 0; i < rank(x); ++i) {
    bool named = std::binary_search(axes->begin(), axes->end(), i);
    if (named && x[i] != 1 && x[i] != unknown) return fail(call, "a squeezed dimension is not 1");
    if (!(axes->empty() ? x[i] == 1 : named)) y.push_back(x[i]);
  }
  set_output(call, 0, call.inputs[0].type, y);
  return {};
}

Status infer_unsqueeze(Call& call) {
  if (!has_operands(call, 1)) return fail(call, "needs an operand");
  auto axes = integers(call, 1, call.node.get_ints("axes"));
  if (!axes) {
    const Shape& list = call.inputs[1].shape;
    const std::int64_t more = list.empty() ? 1 : list.size() == 1 ? list[0] : unknown;
    if (more < 0 || more > 64) return fail(call, "the axes must be constant");
    set_output(call, 0, call.inputs[0].type, Shape(call.inputs[0].shape.size() + more, unknown));
    return {};
  }
  std::size_t given = axes->size();
  std::int64_t total = rank(call.inputs[0].shape) + static_cast<std::int64_t>(given);
  if (!normalize_axes(*axes, total) || axes->size() != given) return fail(call, "wrong axes");
  Shape y = call.inputs[0].shape;
  for (std::int64_t axis : *axes) y.insert(y.begin() + axis, 1);
  set_output(call, 0, call.inputs[0].type, y);
  return {};
}

constexpr Kernel rows[] = {
    {"Identity", infer_same, copy, nullptr, true},   {"Dropout", infer_same, copy, nullptr, true},
    {"Reshape", infer_reshape, copy, nullptr, true}, {"Flatten", infer_flatten, copy, nullptr, true},
    {"Squeeze", infer_squeeze, copy, nullptr, true}, {"Unsqueeze", infer_unsqueeze, copy, nullptr, true},
};

}  // namespace

std::span<const Kernel> reshape_kernels() { return rows; }

}  // namespace mlq::kernels
