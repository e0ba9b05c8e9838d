// Writing by index: ScatterElements (Scatter), ScatterND. The attribute `reduction` says what becomes of the
// number that is there: none, add, mul, min, max as in ONNX, and sub and div as in Core ML.
#include <algorithm>
#include <cstring>

#include "runtime-stub/kernels/families.h"
#include "runtime-stub/kernels/support.h"

namespace mlq::kernels {
namespace {

Status infer_scatter(Call& call) {
  if (!has_operands(call, 3)) return fail(call, "needs an operand, indices and updates");
  if (call.inputs[2].type != call.inputs[0].type)
    return fail(call, "operand and updates have different types");
  constexpr std::string_view known[] = {"none", "add", "sub", "mul", "div", "min", "max"};
  if (std::find(std::begin(known), std::end(known), call.node.get_string("reduction", "none")) ==
      std::end(known))
    return fail(call, "unknown reduction");
  return infer_same(call);
}

Status infer_elements(Call& call) {
  if (Status s = infer_scatter(call); !s) return s;
  const Shape &x = call.inputs[0].shape, &i = call.inputs[1].shape, &u = call.inputs[2].shape;
  std::int64_t axis = call.node.get_int("axis", 0);
  if (x.size() != i.size() || !normalize_axis(axis, rank(x))) return fail(call, "ranks or axis do not fit");
  if (is_known(i) && is_known(u) && i != u) return fail(call, "indices and updates have different shapes");
  for (std::int64_t d = 0; d < rank(x); ++d)
    if (d != axis && x[d] >= 0 && i[d] > x[d])
      return fail(call, "more indices than the operand has elements");
  return {};
}

Status infer_nd(Call& call) {
  if (Status s = infer_scatter(call); !s) return s;
  const Shape &x = call.inputs[0].shape, &i = call.inputs[1].shape, &u = call.inputs[2].shape;
  if (i.empty() || i.back() < 0 || i.back() > rank(x))
    return fail(call, "index tuples do not fit the operand");
  Shape y(i.begin(), i.end() - 1);
  y.insert(y.end(), x.begin() + i.back(), x.end());
  if (is_known(y) && is_known(u) && y != u) return fail(call, "updates do not fit the indices");
  return {};
}

template <class T>
T combine(char how, T old, T update) {
  switch (how) {
    case 'a':
      return old + update;
    case 's':
      return old - update;
    case 'm':
      return old * update;
    case 'd':
      return update != T{0} ? old / update : T{0};
    case '<':
      return std::min(old, update);
    case '>':
      return std::max(old, update);
    default:
      return update;
  }
}
char code_of(const Node& node) {
  std::string name = node.get_string("reduction", "none");
  return name == "min" ? '<' : name == "max" ? '>' : name[0];
}

template <class T>
void write(char how, T* to, const T* from, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) to[i] = combine(how, to[i], from[i]);
}

// Updates run k of `run` elements at `to`.
Status update(const Call& call, char how, std::int64_t to, std::int64_t k, std::int64_t run) {
  std::size_t size = size_of(call.outputs[0].type);
  switch (call.outputs[0].type) {
    case DataType::float32:
      write(how, out<float>(call) + to, in<float>(call, 2) + k * run, run);
      return {};
    case DataType::int64:
      write(how, out<std::int64_t>(call) + to, in<std::int64_t>(call, 2) + k * run, run);
      return {};
    case DataType::int32:
      write(how, out<std::int32_t>(call) + to, in<std::int32_t>(call, 2) + k * run, run);
      return {};
    default:
      if (how != 'n') return fail(call, "reductions are for float32, int64 and int32 only");
      if (run > 0)
        std::memcpy(out<std::byte>(call) + to * size, in<std::byte>(call, 2) + k * run * size, run * size);
      return {};
  }
}

void copy_operand(const Call& call) {
  std::size_t bytes = product(call.outputs[0].shape) * size_of(call.outputs[0].type);
  if (bytes > 0 && call.outputs[0].data != call.inputs[0].data)
    std::memcpy(call.outputs[0].data, call.inputs[0].data, bytes);
}

Status evaluate_elements(const Call& call) {
  const Shape &x = call.inputs[0].shape, &u = call.inputs[1].shape;
  std::int64_t axis = call.node.get_int("axis", 0);
  normalize_axis(axis, rank(x));
  auto indices = integers(call.inputs[1]);
  if (!indices) return fail(call, "indices of this type are not supported");
  copy_operand(call);
  Shape strides = strides_of(x), at(u.size(), 0);
  char how = code_of(call.node);
  for (std::size_t k = 0; k < indices->size(); ++k) {
    std::int64_t index = (*indices)[k], to = 0;
    if (!normalize_axis(index, x[axis])) return fail(call, "index out of range");
    for (std::int64_t d = 0; d < rank(x); ++d) to += (d == axis ? index : at[d]) * strides[d];
    if (Status s = update(call, how, to, k, 1); !s) return s;
    for (std::size_t d = at.size(); d-- > 0 && ++at[d] == u[d];) at[d] = 0;
  }
  return {};
}

Status evaluate_nd(const Call& call) {
  const Shape &x = call.inputs[0].shape, &i = call.inputs[1].shape;
  auto indices = integers(call.inputs[1]);
  if (!indices) return fail(call, "indices of this type are not supported");
  copy_operand(call);
  std::int64_t tuple = i.back(), run = product(x, tuple, rank(x));
  char how = code_of(call.node);
  for (std::int64_t k = 0; k < product(i, 0, rank(i) - 1); ++k) {
    std::int64_t to = 0;
    for (std::int64_t d = 0; d < tuple; ++d) {
      std::int64_t index = (*indices)[k * tuple + d];
      if (!normalize_axis(index, x[d])) return fail(call, "index out of range");
      to = to * x[d] + index;
    }
    if (Status s = update(call, how, to * run, k, run); !s) return s;
  }
  return {};
}

constexpr Kernel rows[] = {
    {"Scatter", infer_elements, evaluate_elements},
    {"ScatterElements", infer_elements, evaluate_elements},
    {"ScatterND", infer_nd, evaluate_nd},
};

}  // namespace

std::span<const Kernel> scatter_kernels() { return rows; }

}  // namespace mlq::kernels
