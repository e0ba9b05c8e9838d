#include "compiler/frontends/nhwc/arrays.h"

#include <algorithm>
#include <limits>

namespace mlqc::nhwc {

TensorId dense(Build& b, TensorId x, TensorId weights, TensorId bias, bool transposed) {
  b.require(b.rank(weights) == 2, "needs a matrix of weights");
  const std::int64_t from = b.shape(weights)[transposed ? 1 : 0], to = b.shape(weights)[transposed ? 0 : 1];
  const Shape outer = b.shape(x);
  b.require(!outer.empty() && (outer.back() == from || outer.back() < 0),
            "has weights of another size than its input");
  if (outer.size() != 2) x = b.reshape(x, {-1, from});
  Ids operands{x, weights};
  if (bias != mlq::no_tensor) operands.push_back(bias);
  const TensorId y = b.node("Gemm", operands, {{"transB", std::int64_t{transposed}}});
  if (outer.size() == 2) return y;
  Ints target(outer.begin(), outer.end());
  target.back() = to;
  b.require(std::count(target.begin(), target.end(), -1) <= 1, "has several dimensions that are not known");
  return b.reshape(y, target);
}

TensorId strided_slice(Build& b, TensorId x, const Slicing& s) {
  const std::size_t entries = s.begin.size();
  b.require(entries <= 32 && s.end.size() == entries && s.strides.size() == entries,
            "has starts, ends and strides that differ in number");
  const auto bit = [](std::int64_t mask, std::size_t i) { return (mask >> i & 1) != 0; };
  std::size_t named = 0;
  for (std::size_t i = 0; i < entries; ++i) named += !bit(s.ellipsis_mask, i) && !bit(s.new_axis_mask, i);
  b.require(named <= static_cast<std::size_t>(b.rank(x)), "slices more axes than its input has");
  Ints starts, ends, axes, steps, added, dropped;
  std::int64_t axis = 0, result_axis = 0;
  for (std::size_t i = 0; i < entries; ++i) {
    if (bit(s.ellipsis_mask, i)) {
      const std::int64_t skipped = b.rank(x) - static_cast<std::int64_t>(named);
      axis += skipped, result_axis += skipped;
    } else if (bit(s.new_axis_mask, i)) {
      added.push_back(result_axis++);
    } else {
      const bool one = bit(s.shrink_mask, i), back = s.strides[i] < 0;
      constexpr std::int64_t far = std::numeric_limits<std::int32_t>::max();
      starts.push_back(bit(s.begin_mask, i) && !one ? (back ? far : 0) : s.begin[i]);
      ends.push_back(one                  ? (s.begin[i] == -1 ? far : s.begin[i] + 1)
                     : bit(s.end_mask, i) ? (back ? -far : far)
                                          : s.end[i]);
      steps.push_back(one ? 1 : s.strides[i]);
      axes.push_back(axis++);
      if (one)
        dropped.push_back(axes.back());
      else
        ++result_axis;
    }
  }
  if (!axes.empty()) x = b.node("Slice", {x, b.ints(starts), b.ints(ends), b.ints(axes), b.ints(steps)});
  if (!dropped.empty()) x = b.node("Squeeze", {x, b.ints(dropped)});
  return added.empty() ? x : b.node("Unsqueeze", {x, b.ints(added)});
}

TensorId slice(Build& b, TensorId x, const Ints& begin, const Ints& size) {
  b.require(begin.size() == size.size() && begin.size() == static_cast<std::size_t>(b.rank(x)),
            "has a start and a size per axis too many or too few");
  Ints ends, axes;
  for (std::size_t i = 0; i < begin.size(); ++i) {
    constexpr std::int64_t far = std::numeric_limits<std::int32_t>::max();
    b.require(begin[i] >= 0 && begin[i] < far && size[i] >= -1 && size[i] < far, "slices out of range");
    ends.push_back(size[i] < 0 ? far : begin[i] + size[i]);
    axes.push_back(static_cast<std::int64_t>(i));
  }
  return axes.empty() ? x : b.node("Slice", {x, b.ints(begin), b.ints(ends), b.ints(axes)});
}

TensorId concat(Build& b, const Ids& parts, std::int64_t axis) {
  b.require(!parts.empty(), "joins nothing");
  return b.node("Concat", parts, {{"axis", b.axis(axis, b.rank(parts[0]))}});
}

TensorId stack(Build& b, const Ids& parts, std::int64_t axis) {
  b.require(!parts.empty(), "joins nothing");
  const std::int64_t at = b.axis(axis, b.rank(parts[0]) + 1);
  Ids deeper;
  for (const TensorId part : parts) deeper.push_back(b.node("Unsqueeze", {part, b.ints({at})}));
  return b.node("Concat", deeper, {{"axis", at}});
}

Ids split(Build& b, TensorId x, std::int64_t axis, const Ints& sizes) {
  b.require(!sizes.empty() && sizes.size() < 4096, "splits into an impossible number of parts");
  return b.nodes("Split", {x, b.ints(sizes)}, sizes.size(), {{"axis", b.axis(axis, b.rank(x))}});
}

Ids split(Build& b, TensorId x, std::int64_t axis, std::size_t count) {
  const std::int64_t size = b.shape(x)[static_cast<std::size_t>(b.axis(axis, b.rank(x)))];
  const auto parts = static_cast<std::int64_t>(count);
  b.require(count > 0 && count < 4096 && size >= 0 && size % parts == 0,
            "splits a dimension into parts that do not divide it");
  return split(b, x, axis, Ints(count, size / parts));
}

Ids unstack(Build& b, TensorId x, std::int64_t axis, std::size_t count) {
  Ids parts = split(b, x, axis, count);
  for (TensorId& part : parts) part = b.node("Squeeze", {part, b.ints({b.axis(axis, b.rank(x))})});
  return parts;
}

TensorId pad(Build& b, TensorId x, const Ints& pads, const char* mode, TensorId value) {
  const auto rank = static_cast<std::size_t>(b.rank(x));
  b.require(pads.size() == 2 * rank, "has a padding per axis too many or too few");
  Ints begin, end;
  for (std::size_t i = 0; i < rank; ++i) {
    b.require(pads[2 * i] >= 0 && pads[2 * i + 1] >= 0, "has a negative padding");
    begin.push_back(pads[2 * i]);
    end.push_back(pads[2 * i + 1]);
  }
  if (std::string(mode) == "symmetric") b.fail("pads with the mirrored edge, which mlq cannot do");
  begin.insert(begin.end(), end.begin(), end.end());
  Ids operands{x, b.ints(begin)};
  if (value != mlq::no_tensor) operands.push_back(value);
  return b.node("Pad", operands, {{"mode", std::string(mode)}});
}

TensorId expand_dims(Build& b, TensorId x, std::int64_t axis) {
  return b.node("Unsqueeze", {x, b.ints({b.axis(axis, b.rank(x) + 1)})});
}

TensorId squeeze(Build& b, TensorId x, Ints axes) {
  if (axes.empty())
    for (int i = 0; i < b.rank(x); ++i)
      if (b.shape(x)[static_cast<std::size_t>(i)] == 1) axes.push_back(i);
  return axes.empty() ? x : b.node("Squeeze", {x, b.ints(axes)});
}

TensorId gather(Build& b, TensorId x, TensorId indices, std::int64_t axis) {
  return b.node("Gather", {x, indices}, {{"axis", b.axis(axis, b.rank(x))}});
}

TensorId reduce(Build& b, const char* op, TensorId x, const Ints& axes, bool keep_dimensions) {
  if (axes.empty()) return x;
  Ints counted;
  for (const std::int64_t axis : axes) counted.push_back(b.axis(axis, b.rank(x)));
  return b.node(op, {x, b.ints(counted)}, {{"keepdims", std::int64_t{keep_dimensions}}});
}

TensorId arg_reduce(Build& b, const char* op, TensorId x, std::int64_t axis) {
  return b.node(op, {x}, {{"axis", b.axis(axis, b.rank(x))}, {"keepdims", std::int64_t{0}}});
}

TensorId reverse(Build& b, TensorId x, const Ints& axes) {
  if (axes.empty()) return x;
  constexpr std::int64_t far = std::numeric_limits<std::int32_t>::max();
  return b.node("Slice", {x, b.ints(Ints(axes.size(), far)), b.ints(Ints(axes.size(), -far)), b.ints(axes),
                          b.ints(Ints(axes.size(), -1))});
}

TensorId one_hot(Build& b, TensorId x, TensorId depth, TensorId on, TensorId off, std::int64_t axis) {
  const TensorId both = concat(b, {expand_dims(b, off, 0), expand_dims(b, on, 0)}, 0);
  return b.node("OneHot", {x, depth, both}, {{"axis", axis}});
}

TensorId clip(Build& b, TensorId x, float low, float high) {
  return b.node("Clip", {x}, {{"min", low}, {"max", high}});
}

}  // namespace mlqc::nhwc
