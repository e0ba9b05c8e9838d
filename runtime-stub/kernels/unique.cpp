// Results whose size depends on the numbers themselves, and windows about a middle: Unique, CenterCropPad.
#include <algorithm>
#include <cstring>
#include <numeric>
#include <vector>

#include "runtime-stub/kernels/rare_families.h"
#include "runtime-stub/kernels/support.h"

namespace mlq::kernels {
namespace {

// Slices along an axis; without one, single numbers.
struct Slices {
  std::int64_t count = 0, outer = 1, inner = 1;
};
Result<Slices> slices_of(const Call& call) {
  const Shape& x = call.inputs[0].shape;
  const auto found = call.node.attributes.find("axis");
  if (found == call.node.attributes.end()) return Slices{product(x), 1, 1};
  std::int64_t axis = call.node.get_int("axis", 0);
  if (!normalize_axis(axis, rank(x))) return fail(call, "axis outside the operand's rank");
  return Slices{x[axis], product(x, 0, axis), product(x, axis + 1, rank(x))};
}

template <class T>
int order(const T* x, const Slices& s, std::int64_t a, std::int64_t b) {
  for (std::int64_t i = 0; i < s.outer * s.inner; ++i) {
    const std::int64_t base = i / s.inner * s.count * s.inner + i % s.inner;
    const T p = x[base + a * s.inner], q = x[base + b * s.inner];
    if (p < q) return -1;
    if (q < p) return 1;
  }
  return 0;
}

// First places of the different slices in the order of the result, and for every slice which one it is.
struct Groups {
  std::vector<std::int64_t> first, of, counts;
};
template <class T>
Groups group(const T* x, const Slices& s, bool sorted) {
  std::vector<std::int64_t> ordered(s.count);
  std::iota(ordered.begin(), ordered.end(), 0);
  std::stable_sort(ordered.begin(), ordered.end(),
                   [&](std::int64_t a, std::int64_t b) { return order(x, s, a, b) < 0; });
  Groups groups;
  groups.of.resize(s.count);
  for (std::int64_t i = 0; i < s.count; ++i) {
    if (i == 0 || order(x, s, ordered[i - 1], ordered[i]) != 0) groups.first.push_back(ordered[i]);
    groups.of[ordered[i]] = rank(groups.first) - 1;
  }
  if (!sorted) {  // as they appear
    std::vector<std::int64_t> places(groups.first.size()), to(groups.first.size());
    std::iota(places.begin(), places.end(), 0);
    std::sort(places.begin(), places.end(),
              [&](std::int64_t a, std::int64_t b) { return groups.first[a] < groups.first[b]; });
    for (std::size_t i = 0; i < places.size(); ++i) to[places[i]] = static_cast<std::int64_t>(i);
    for (std::int64_t& g : groups.of) g = to[g];
    std::sort(groups.first.begin(), groups.first.end());
  }
  groups.counts.assign(groups.first.size(), 0);
  for (const std::int64_t g : groups.of) ++groups.counts[g];
  return groups;
}

Result<Groups> groups_of(const Call& call) {
  auto s = slices_of(call);
  if (!s) return Failure{s.error()};
  const bool sorted = call.node.get_int("sorted", 1) != 0;
  if (call.inputs[0].type == DataType::float32) return group(in<float>(call, 0), *s, sorted);
  return group(in<std::int64_t>(call, 0), *s, sorted);
}

Status infer_unique(Call& call) {
  if (!has_operands(call, 1)) return fail(call, "needs an operand");
  const Value& x = call.inputs[0];
  if (x.type != DataType::float32 && x.type != DataType::int64)
    return fail(call, "is for float32 and int64 only");
  auto s = slices_of(call);
  if (!s) return s.status();
  std::int64_t n = unknown;
  if (x.data && is_known(x.shape)) {
    auto groups = groups_of(call);
    if (!groups) return groups.status();
    n = rank(groups->first);
  }
  Shape y = {n};
  if (call.node.attributes.contains("axis")) {
    std::int64_t axis = call.node.get_int("axis", 0);
    normalize_axis(axis, rank(x.shape));
    y = x.shape;
    y[axis] = n;
  }
  set_output(call, 0, x.type, y);
  set_output(call, 1, DataType::int64, {n});
  set_output(call, 2, DataType::int64, {s->count});
  set_output(call, 3, DataType::int64, {n});
  return {};
}

Status evaluate_unique(const Call& call) {
  auto groups = groups_of(call);
  if (!groups) return groups.status();
  const Slices s = *slices_of(call);
  const std::size_t size = size_of(call.inputs[0].type);
  const auto n = static_cast<std::int64_t>(groups->first.size());
  for (std::int64_t o = 0; wanted(call, 0) && o < s.outer; ++o)
    for (std::int64_t k = 0; k < n; ++k)
      std::memcpy(out<std::byte>(call) + (o * n + k) * s.inner * size,
                  in<std::byte>(call, 0) + (o * s.count + groups->first[k]) * s.inner * size, s.inner * size);
  if (wanted(call, 1)) std::copy(groups->first.begin(), groups->first.end(), out<std::int64_t>(call, 1));
  if (wanted(call, 2)) std::copy(groups->of.begin(), groups->of.end(), out<std::int64_t>(call, 2));
  if (wanted(call, 3)) std::copy(groups->counts.begin(), groups->counts.end(), out<std::int64_t>(call, 3));
  return {};
}

Result<Shape> cropped(const Call& call) {
  Shape y = call.inputs[0].shape;
  auto axes = call.node.get_ints("axes");
  if (axes.empty())
    for (std::int64_t i = 0; i < rank(y); ++i) axes.push_back(i);
  const auto sizes = integers(call.inputs[1]);
  if (sizes && sizes->size() != axes.size()) return fail(call, "one size per axis is needed");
  for (std::size_t i = 0; i < axes.size(); ++i) {
    std::int64_t axis = axes[i];
    if (!normalize_axis(axis, rank(y))) return fail(call, "axis outside the operand's rank");
    if (sizes && (*sizes)[i] < 0) return fail(call, "negative size");
    y[axis] = sizes ? (*sizes)[i] : unknown;
  }
  return y;
}

Status infer_crop(Call& call) {
  if (!has_operands(call, 2)) return fail(call, "needs an operand and a shape");
  auto y = cropped(call);
  if (!y) return y.status();
  set_output(call, 0, call.inputs[0].type, *y);
  return {};
}

// What is too much goes from both ends, what is missing comes as zeros; of odd amounts more at the end.
Status evaluate_crop(const Call& call) {
  const Shape &x = call.inputs[0].shape, &y = call.outputs[0].shape;
  const Shape steps = strides_of(x);
  const std::size_t size = size_of(call.inputs[0].type);
  for (std::int64_t i = 0, n = product(y); i < n; ++i) {
    std::int64_t from = 0, rest = i;
    bool there = true;
    for (std::int64_t d = rank(y); d-- > 0; rest /= y[d]) {
      const std::int64_t gap = x[d] >= y[d] ? (x[d] - y[d]) / 2 : -((y[d] - x[d]) / 2);
      const std::int64_t at = rest % y[d] + gap;
      there = there && at >= 0 && at < x[d];
      from += at * steps[d];
    }
    if (there)
      std::memcpy(out<std::byte>(call) + i * size, in<std::byte>(call, 0) + from * size, size);
    else
      std::memset(out<std::byte>(call) + i * size, 0, size);
  }
  return {};
}

constexpr Kernel rows[] = {
    {"Unique", infer_unique, evaluate_unique},
    {"CenterCropPad", infer_crop, evaluate_crop},
};

}  // namespace

std::span<const Kernel> unique_kernels() { return rows; }

}  // namespace mlq::kernels
