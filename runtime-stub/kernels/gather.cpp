// Reading by index: Gather (whole slices), GatherElements (one by one), GatherND (index tuples).
#include <cstring>

#include "runtime-stub/kernels/families.h"
#include "runtime-stub/kernels/support.h"

namespace mlq::kernels {
namespace {

Status infer_gather(Call& call) {
  if (!has_operands(call, 2)) return fail(call, "needs an operand and indices");
  const Shape &x = call.inputs[0].shape, &i = call.inputs[1].shape;
  std::int64_t axis = call.node.get_int("axis", 0);
  if (!normalize_axis(axis, rank(x))) return fail(call, "axis outside the operand's rank");
  Shape y(x.begin(), x.begin() + axis);
  y.insert(y.end(), i.begin(), i.end());
  y.insert(y.end(), x.begin() + axis + 1, x.end());
  set_output(call, 0, call.inputs[0].type, y);
  return {};
}

// Copies run after run; empty runs have no address to copy from.
void copy(std::byte* to, const std::byte* from, std::size_t bytes) {
  if (bytes > 0) std::memcpy(to, from, bytes);
}

Status evaluate_gather(const Call& call) {
  const Shape& x = call.inputs[0].shape;
  std::int64_t axis = call.node.get_int("axis", 0);
  normalize_axis(axis, rank(x));
  auto indices = integers(call.inputs[1]);
  if (!indices) return fail(call, "indices of this type are not supported");
  std::size_t run = product(x, axis + 1, rank(x)) * size_of(call.inputs[0].type);
  auto* to = out<std::byte>(call);
  for (std::int64_t o = 0; o < product(x, 0, axis); ++o)
    for (std::int64_t i : *indices) {
      if (!normalize_axis(i, x[axis])) return fail(call, "index out of range");
      copy(to, in<std::byte>(call, 0) + (o * x[axis] + i) * run, run);
      to += run;
    }
  return {};
}

Status infer_elements(Call& call) {
  if (!has_operands(call, 2)) return fail(call, "needs an operand and indices");
  const Shape &x = call.inputs[0].shape, &i = call.inputs[1].shape;
  std::int64_t axis = call.node.get_int("axis", 0);
  if (x.size() != i.size() || !normalize_axis(axis, rank(x))) return fail(call, "ranks or axis do not fit");
  for (std::int64_t d = 0; d < rank(x); ++d)
    if (d != axis && x[d] >= 0 && i[d] > x[d])
      return fail(call, "more indices than the operand has elements");
  set_output(call, 0, call.inputs[0].type, i);
  return {};
}

Status evaluate_elements(const Call& call) {
  const Shape &x = call.inputs[0].shape, &y = call.outputs[0].shape;
  std::int64_t axis = call.node.get_int("axis", 0);
  normalize_axis(axis, rank(x));
  auto indices = integers(call.inputs[1]);
  if (!indices) return fail(call, "indices of this type are not supported");
  Shape strides = strides_of(x), at(y.size(), 0);
  std::size_t size = size_of(call.inputs[0].type);
  for (std::size_t k = 0; k < indices->size(); ++k) {
    std::int64_t index = (*indices)[k], from = 0;
    if (!normalize_axis(index, x[axis])) return fail(call, "index out of range");
    for (std::int64_t d = 0; d < rank(x); ++d) from += (d == axis ? index : at[d]) * strides[d];
    copy(out<std::byte>(call) + k * size, in<std::byte>(call, 0) + from * size, size);
    for (std::size_t d = at.size(); d-- > 0 && ++at[d] == y[d];) at[d] = 0;
  }
  return {};
}

Status infer_nd(Call& call) {
  if (!has_operands(call, 2)) return fail(call, "needs an operand and indices");
  const Shape &x = call.inputs[0].shape, &i = call.inputs[1].shape;
  std::int64_t batch = call.node.get_int("batch_dims", 0);
  if (i.empty() || i.back() < 0) return fail(call, "the length of the index tuples must be known");
  if (batch < 0 || batch >= rank(i) || batch + i.back() > rank(x))
    return fail(call, "index tuples are too long");
  for (std::int64_t d = 0; d < batch; ++d)
    if (x[d] != i[d] && x[d] >= 0 && i[d] >= 0) return fail(call, "batches differ");
  Shape y(i.begin(), i.end() - 1);
  y.insert(y.end(), x.begin() + batch + i.back(), x.end());
  set_output(call, 0, call.inputs[0].type, y);
  return {};
}

Status evaluate_nd(const Call& call) {
  const Shape &x = call.inputs[0].shape, &i = call.inputs[1].shape;
  auto indices = integers(call.inputs[1]);
  if (!indices) return fail(call, "indices of this type are not supported");
  std::int64_t batch = call.node.get_int("batch_dims", 0), tuple = i.back();
  std::int64_t outer = product(x, 0, batch), each = product(i, batch, rank(i) - 1);
  std::int64_t block = product(x, batch, rank(x)), run = product(x, batch + tuple, rank(x));
  std::size_t size = size_of(call.inputs[0].type);
  for (std::int64_t k = 0; k < outer * each; ++k) {
    std::int64_t from = 0;
    for (std::int64_t d = 0; d < tuple; ++d) {
      std::int64_t index = (*indices)[k * tuple + d];
      if (!normalize_axis(index, x[batch + d])) return fail(call, "index out of range");
      from = from * x[batch + d] + index;
    }
    copy(out<std::byte>(call) + k * run * size,
         in<std::byte>(call, 0) + (k / each * block + from * run) * size, run * size);
  }
  return {};
}

constexpr Kernel rows[] = {
    {"Gather", infer_gather, evaluate_gather},
    {"GatherElements", infer_elements, evaluate_elements},
    {"GatherND", infer_nd, evaluate_nd},
};

}  // namespace

std::span<const Kernel> gather_kernels() { return rows; }

}  // namespace mlq::kernels
