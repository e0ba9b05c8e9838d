// Reductions over any axes, accumulated in double (floats) or 64 bits (integers).
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "runtime-stub/kernels/families.h"
#include "runtime-stub/kernels/loops.h"
#include "runtime-stub/kernels/support.h"

namespace mlq::kernels {
namespace {

// Sorted axes to reduce; nothing while they are not known.
std::optional<std::vector<std::int64_t>> axes_of(const Call& call) {
  auto axes = integers(call, 1, call.node.get_ints("axes"));
  if (!axes) return std::nullopt;
  if (axes->empty() && call.node.get_int("noop_with_empty_axes", 0) == 0)
    for (std::int64_t i = 0; i < rank(call.inputs[0].shape); ++i) axes->push_back(i);
  return axes;
}

Status infer_reduce(Call& call) {
  if (!has_operands(call, 1)) return fail(call, "needs an operand");
  const Shape& x = call.inputs[0].shape;
  bool keep = call.node.get_int("keepdims", 1) != 0;
  auto axes = axes_of(call);
  if (!axes) {
    const Shape& list = call.inputs[1].shape;
    const std::int64_t named = list.size() == 1 ? list[0] : unknown;
    if (!keep && (named <= 0 || named > rank(x))) return fail(call, "the axes must be constant");
    set_output(call, 0, call.inputs[0].type, Shape(x.size() - (keep ? 0 : named), unknown));
    return {};
  }
  if (!normalize_axes(*axes, rank(x))) return fail(call, "axis outside the operand's rank");
  Shape y;
  for (std::int64_t i = 0; i < rank(x); ++i) {
    bool reduced = std::binary_search(axes->begin(), axes->end(), i);
    if (!reduced)
      y.push_back(x[i]);
    else if (keep)
      y.push_back(1);
  }
  set_output(call, 0, call.inputs[0].type, y);
  return {};
}

struct Sum {
  template <class A>
  static A start() {
    return 0;
  }
  template <class A>
  static A step(A a, A x) {
    return a + x;
  }
  template <class A>
  static A finish(A a, A) {
    return a;
  }
};
struct Mean : Sum {
  template <class A>
  static A finish(A a, A n) {
    return n != 0 ? a / n : std::numeric_limits<A>::quiet_NaN();
  }
};
struct SumSquare : Sum {
  template <class A>
  static A step(A a, A x) {
    return a + x * x;
  }
};
struct L1 : Sum {
  template <class A>
  static A step(A a, A x) {
    return a + (x < 0 ? -x : x);
  }
};
struct L2 : SumSquare {
  template <class A>
  static A finish(A a, A) {
    return static_cast<A>(std::sqrt(static_cast<double>(a)));
  }
};
struct LogSum : Sum {
  template <class A>
  static A finish(A a, A) {
    return static_cast<A>(std::log(static_cast<double>(a)));
  }
};
struct Prod : Sum {
  template <class A>
  static A start() {
    return 1;
  }
  template <class A>
  static A step(A a, A x) {
    return a * x;
  }
};
struct Max : Sum {
  template <class A>
  static A start() {
    return std::numeric_limits<A>::has_infinity ? -std::numeric_limits<A>::infinity()
                                                : std::numeric_limits<A>::lowest();
  }
  template <class A>
  static A step(A a, A x) {
    return x > a || x != x ? x : a;
  }
};
struct Min : Sum {
  template <class A>
  static A start() {
    return std::numeric_limits<A>::has_infinity ? std::numeric_limits<A>::infinity()
                                                : std::numeric_limits<A>::max();
  }
  template <class A>
  static A step(A a, A x) {
    return x < a || x != x ? x : a;
  }
};

// Folds every element into the accumulator of the result that it belongs to.
template <class T, class A, class Step>
void accumulate(const Call& call, std::vector<A>& results, Step step) {
  const Shape& x = call.inputs[0].shape;
  auto axes = axes_of(call).value_or(std::vector<std::int64_t>{});
  normalize_axes(axes, rank(x));
  Shape kept = x;
  for (std::int64_t axis : axes) kept[axis] = 1;
  const T* from = in<T>(call, 0);
  for_each_run(make_loops(x, {strides_of(x), broadcast_strides(kept, x)}),
               [&](const std::int64_t* at, std::int64_t n, const std::int64_t* stride) {
                 const T* p = from + at[0];
                 A* r = results.data() + at[1];
                 if (stride[1] == 0) {
                   A a = *r;
                   for (std::int64_t i = 0; i < n; ++i) a = step(a, static_cast<A>(p[i * stride[0]]), at[1]);
                   *r = a;
                 } else {
                   for (std::int64_t i = 0; i < n; ++i) r[i] = step(r[i], static_cast<A>(p[i]), at[1] + i);
                 }
               });
}

template <class T, class A, class Op>
void reduce(const Call& call) {
  std::vector<A> results(product(call.outputs[0].shape), Op::template start<A>());
  accumulate<T>(call, results, [](A a, A x, std::int64_t) { return Op::step(a, x); });
  auto size = results.empty() ? 0 : product(call.inputs[0].shape) / static_cast<std::int64_t>(results.size());
  for (std::size_t i = 0; i < results.size(); ++i)
    out<T>(call)[i] = static_cast<T>(Op::finish(results[i], static_cast<A>(size)));
}

template <class Op>
Status evaluate_reduce(const Call& call) {
  switch (call.inputs[0].type) {
    case DataType::float32:
      reduce<float, double, Op>(call);
      return {};
    case DataType::int64:
      reduce<std::int64_t, std::int64_t, Op>(call);
      return {};
    case DataType::int32:
      reduce<std::int32_t, std::int64_t, Op>(call);
      return {};
    default:
      return fail(call, "is for float32, int64 and int32 only");
  }
}

// The largest exponent is taken out first, so that nothing overflows.
Status log_sum_exp(const Call& call) {
  if (call.inputs[0].type != DataType::float32) return fail(call, "is for float32 only");
  std::vector<double> top(product(call.outputs[0].shape), -std::numeric_limits<double>::infinity());
  accumulate<float>(call, top, [](double a, double x, std::int64_t) { return Max::step(a, x); });
  for (double& t : top)
    if (!std::isfinite(t)) t = 0;
  std::vector<double> sums(top.size(), 0.0);
  accumulate<float>(call, sums, [&](double a, double x, std::int64_t k) { return a + std::exp(x - top[k]); });
  for (std::size_t i = 0; i < sums.size(); ++i)
    out<float>(call)[i] = static_cast<float>(std::log(sums[i]) + top[i]);
  return {};
}

constexpr Kernel rows[] = {
    {"ReduceSum", infer_reduce, evaluate_reduce<Sum>},
    {"ReduceMean", infer_reduce, evaluate_reduce<Mean>},
    {"ReduceMax", infer_reduce, evaluate_reduce<Max>},
    {"ReduceMin", infer_reduce, evaluate_reduce<Min>},
    {"ReduceProd", infer_reduce, evaluate_reduce<Prod>},
    {"ReduceL1", infer_reduce, evaluate_reduce<L1>},
    {"ReduceL2", infer_reduce, evaluate_reduce<L2>},
    {"ReduceSumSquare", infer_reduce, evaluate_reduce<SumSquare>},
    {"ReduceLogSum", infer_reduce, evaluate_reduce<LogSum>},
    {"ReduceLogSumExp", infer_reduce, log_sum_exp},
};

}  // namespace

std::span<const Kernel> reduce_kernels() { return rows; }

}  // namespace mlq::kernels
