// Operators about order along one axis: ArgMax, ArgMin, TopK, CumSum, CumProd.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <type_traits>
#include <vector>

#include "runtime-stub/kernels/families.h"
#include "runtime-stub/kernels/support.h"

namespace mlq::kernels {
namespace {

// Lines along an axis: element k of line i is at start(i) + k * inner.
struct Lines {
  std::int64_t count = 0, length = 0, inner = 1;
  std::int64_t start(std::int64_t line) const { return line / inner * length * inner + line % inner; }
};
Lines lines_of(const Shape& shape, std::int64_t axis) {
  std::int64_t inner = product(shape, axis + 1, rank(shape));
  return {product(shape, 0, axis) * inner, shape[axis], inner};
}

// A total order also in the presence of NaN, which counts as the largest.
template <class T>
bool greater(T a, T b) {
  if constexpr (std::is_floating_point_v<T>)
    if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && !std::isnan(b);
  return a > b;
}

template <class F>
Status with_type(const Call& call, F f) {
  switch (call.inputs[0].type) {
    case DataType::float32:
      f(in<float>(call, 0));
      return {};
    case DataType::int64:
      f(in<std::int64_t>(call, 0));
      return {};
    case DataType::int32:
      f(in<std::int32_t>(call, 0));
      return {};
    default:
      return fail(call, "is for float32, int64 and int32 only");
  }
}

Status infer_arg(Call& call) {
  if (!has_operands(call, 1)) return fail(call, "needs an operand");
  Shape y = call.inputs[0].shape;
  std::int64_t axis = call.node.get_int("axis", 0);
  if (!normalize_axis(axis, rank(y))) return fail(call, "axis outside the operand's rank");
  if (y[axis] == 0) return fail(call, "the axis is empty");
  y[axis] = 1;
  if (call.node.get_int("keepdims", 1) == 0) y.erase(y.begin() + axis);
  set_output(call, 0, DataType::int64, y);
  return {};
}

template <bool largest>
Status evaluate_arg(const Call& call) {
  const Shape& x = call.inputs[0].shape;
  std::int64_t axis = call.node.get_int("axis", 0);
  normalize_axis(axis, rank(x));
  bool last = call.node.get_int("select_last_index", 0) != 0;
  Lines lines = lines_of(x, axis);
  return with_type(call, [&](auto* from) {
    for (std::int64_t i = 0; i < lines.count; ++i) {
      auto* line = from + lines.start(i);
      std::int64_t best = 0;
      for (std::int64_t k = 1; k < lines.length; ++k) {
        auto a = line[k * lines.inner], b = line[best * lines.inner];
        if ((largest ? greater(a, b) : greater(b, a)) || (last && a == b)) best = k;
      }
      out<std::int64_t>(call)[i] = best;
    }
  });
}

Status infer_topk(Call& call) {
  if (!has_operands(call, 1)) return fail(call, "needs an operand");
  Shape y = call.inputs[0].shape;
  std::int64_t axis = call.node.get_int("axis", -1);
  if (!normalize_axis(axis, rank(y))) return fail(call, "axis outside the operand's rank");
  auto k = integers(call, 1, {call.node.get_int("k", 1)});
  if (k && (k->size() != 1 || (*k)[0] < 0)) return fail(call, "k must be one number, not negative");
  if (k && y[axis] != unknown && (*k)[0] > y[axis]) return fail(call, "k is larger than the axis");
  y[axis] = k ? (*k)[0] : unknown;
  set_output(call, 0, call.inputs[0].type, y);
  set_output(call, 1, DataType::int64, y);
  return {};
}

Status evaluate_topk(const Call& call) {
  const Shape& y = call.outputs[0].shape;
  std::int64_t axis = call.node.get_int("axis", -1);
  normalize_axis(axis, rank(y));
  bool largest = call.node.get_int("largest", 1) != 0;
  Lines from = lines_of(call.inputs[0].shape, axis), to = lines_of(y, axis);
  std::vector<std::int64_t> order(from.length);
  return with_type(call, [&](auto* data) {
    using T = std::decay_t<decltype(*data)>;
    for (std::int64_t i = 0; i < to.count; ++i) {
      auto* line = data + from.start(i);
      std::iota(order.begin(), order.end(), 0);
      // Ties go to the lower index, so that the result is the same everywhere.
      std::partial_sort(order.begin(), order.begin() + to.length, order.end(),
                        [&](std::int64_t a, std::int64_t b) {
                          T x = line[a * from.inner], z = line[b * from.inner];
                          bool before = largest ? greater(x, z) : greater(z, x),
                               after = largest ? greater(z, x) : greater(x, z);
                          return before || (!after && a < b);
                        });
      for (std::int64_t k = 0; k < to.length; ++k) {
        if (wanted(call, 0)) out<T>(call)[to.start(i) + k * to.inner] = line[order[k] * from.inner];
        if (wanted(call, 1)) out<std::int64_t>(call, 1)[to.start(i) + k * to.inner] = order[k];
      }
    }
  });
}

Status infer_cumulative(Call& call) {
  if (Status s = infer_same(call); !s) return s;
  auto axis = integers(call, 1, {call.node.get_int("axis", 0)});
  if (axis && (axis->size() != 1 || !normalize_axis((*axis)[0], rank(call.inputs[0].shape))))
    return fail(call, "axis outside the operand's rank");
  return {};
}

template <bool products>
Status evaluate_cumulative(const Call& call) {
  const Shape& x = call.inputs[0].shape;
  auto axis = integers(call, 1, {call.node.get_int("axis", 0)});
  if (!axis || axis->size() != 1 || !normalize_axis((*axis)[0], rank(x))) return fail(call, "wrong axis");
  bool exclusive = call.node.get_int("exclusive", 0) != 0, reverse = call.node.get_int("reverse", 0) != 0;
  Lines lines = lines_of(x, (*axis)[0]);
  return with_type(call, [&](auto* from) {
    using T = std::decay_t<decltype(*from)>;
    for (std::int64_t i = 0; i < lines.count; ++i) {
      std::conditional_t<std::is_floating_point_v<T>, double, std::uint64_t> sum = products ? 1 : 0;
      for (std::int64_t k = 0; k < lines.length; ++k) {
        std::int64_t at = lines.start(i) + (reverse ? lines.length - 1 - k : k) * lines.inner;
        auto before = sum;
        const auto x = static_cast<decltype(sum)>(from[at]);
        sum = products ? sum * x : sum + x;
        out<T>(call)[at] = static_cast<T>(exclusive ? before : sum);
      }
    }
  });
}

constexpr Kernel rows[] = {
    {"ArgMax", infer_arg, evaluate_arg<true>},
    {"ArgMin", infer_arg, evaluate_arg<false>},
    {"TopK", infer_topk, evaluate_topk},
    {"CumSum", infer_cumulative, evaluate_cumulative<false>},
    {"CumProd", infer_cumulative, evaluate_cumulative<true>},
};

}  // namespace

std::span<const Kernel> order_kernels() { return rows; }

}  // namespace mlq::kernels
