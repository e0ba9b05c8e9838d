// Parts of blobs along axes, and blobs with borders.
#include <algorithm>
#include <limits>

#include "compiler/frontends/coreml/layers.h"
#include "compiler/frontends/coreml/network.pb.h"

namespace mlqc::coreml {

namespace {

using Layer = NeuralNetworkLayer;

constexpr std::int64_t to_the_end = std::numeric_limits<std::int32_t>::max();
constexpr std::int64_t to_the_begin = std::numeric_limits<std::int32_t>::min();

TensorId cut(Build& b, TensorId x, const Ints& starts, const Ints& ends, const Ints& axes,
             const Ints& steps) {
  return b.node("Slice", {x, b.ints(starts), b.ints(ends), b.ints(axes), b.ints(steps)});
}

// One axis of C, H, W.
void slice(Build& b, const Layer& layer, const char*) {
  const Slice& s = layer.slice();
  const std::int64_t axis = s.axis() == Slice::CHANNEL_AXIS ? -3 : s.axis() == Slice::HEIGHT_AXIS ? -2 : -1;
  b.out(cut(b, b.in(), {s.start_index()}, {s.end_index()}, {axis},
            {or_default<std::int64_t>(size(b, s.stride()), 1)}));
}

bool at(const auto& masks, int i) { return i < masks.size() && masks[i]; }

Ints counting(int n) {
  Ints all;
  for (int i = 0; i < n; ++i) all.push_back(i);
  return all;
}

// Axes marked to be squeezed keep the one element at the slice's begin.
TensorId squeezed(Build& b, TensorId x, const auto& masks) {
  Ints axes;
  for (int i = 0; i < b.rank(x); ++i)
    if (at(masks, i)) axes.push_back(i);
  if (axes.empty()) return x;
  if (static_cast<int>(axes.size()) == b.rank(x)) return b.reshape(x, {1});
  return b.node("Squeeze", {x, b.ints(axes)});
}

void slice_static(Build& b, const Layer& layer, const char*) {
  const SliceStatic& s = layer.slice_static();
  const int rank = b.rank(b.in());
  b.require(s.begin_ids_size() == rank && s.end_ids_size() == rank && s.strides_size() == rank,
            "has begins, ends or strides for another number of axes than its input has");
  Ints starts, ends, steps;
  for (int i = 0; i < rank; ++i) {
    const bool one = at(s.squeeze_masks(), i);
    const std::int64_t step = one ? 1 : s.strides(i), begin = s.begin_ids(i);
    b.require(step != 0, "has a stride of zero");
    starts.push_back(!at(s.begin_masks(), i) ? begin : step > 0 ? 0 : to_the_end);
    ends.push_back(one                     ? (begin == -1 ? to_the_end : begin + 1)
                   : !at(s.end_masks(), i) ? s.end_ids(i)
                   : step > 0              ? to_the_end
                                           : to_the_begin);
    steps.push_back(step);
  }
  b.out(squeezed(b, cut(b, b.in(), starts, ends, counting(rank), steps), s.squeeze_masks()));
}

// The blob `i` or, where the layer has none, what its parameters say; nothing said is `otherwise` everywhere.
TensorId given_or(Build& b, int i, const auto& parameters, std::int64_t otherwise) {
  if (b.inputs() > i) return b.indices(b.in(i));
  Ints values(static_cast<std::size_t>(b.rank(b.in())), otherwise);
  b.require(static_cast<std::size_t>(parameters.size()) <= values.size(),
            "has parameters for more axes than its input has");
  std::copy(parameters.begin(), parameters.end(), values.begin());
  return b.ints(values);
}

// begin where a mask says so, else the blob's; likewise the end.
void slice_dynamic(Build& b, const Layer& layer, const char*) {
  const SliceDynamic& s = layer.slice_dynamic();
  const int rank = b.rank(b.in());
  b.require(b.inputs() < 4, "takes strides or masks from blobs, which mlq does not support yet");
  Ints steps, single, whole_begin, whole_end, from, to;
  for (int i = 0; i < rank; ++i) {
    const bool one = at(s.squeeze_masks(), i);
    steps.push_back(one || i >= s.strides_size() ? 1 : s.strides(i));
    b.require(steps.back() != 0, "has a stride of zero");
    single.push_back(one);
    whole_begin.push_back(at(s.begin_masks(), i));
    whole_end.push_back(at(s.end_masks(), i));
    from.push_back(steps.back() > 0 ? 0 : to_the_end);
    to.push_back(steps.back() > 0 ? to_the_end : to_the_begin);
  }
  const auto choose = [&](const Ints& which, TensorId yes, TensorId no) {
    return b.node("Where", {b.truth(b.ints(which)), yes, no});
  };
  const TensorId begin = choose(whole_begin, b.ints(from), b.indices(b.in(1)));
  const TensorId end = choose(whole_end, b.ints(to), given_or(b, 2, s.end_ids(), 0));
  // The element after the last one has no number when it is counted from the end.
  const TensorId next = b.add(begin, b.scalar(1));
  const TensorId is_last = b.node("Equal", {next, b.scalar(0)});
  const TensorId after = b.node("Where", {is_last, b.scalar(to_the_end), next});
  const TensorId part =
      b.node("Slice", {b.in(), begin, choose(single, after, end), b.ints(counting(rank)), b.ints(steps)});
  b.out(squeezed(b, part, s.squeeze_masks()));
}

// From an index that is a blob, `size` elements.
void slice_by_size(Build& b, const Layer& layer, const char*) {
  const SliceBySize& s = layer.slice_by_size();
  const TensorId begin = b.indices(b.reshape(b.in(1), {1}));
  const TensorId end = s.size() < 0 ? b.ints({to_the_end}) : b.add(begin, b.ints({s.size()}));
  b.out(b.node("Slice", {b.in(), begin, end, b.ints({s.axis()}), b.ints({1})}));
}

void reverse(Build& b, const Layer& layer, const char*) {
  const auto& marked = layer.reverse().reverse_dim();
  Ints axes;
  for (int i = 0; i < b.rank(b.in()); ++i)
    if (at(marked, i)) axes.push_back(i);
  if (axes.empty()) return b.out(b.node("Identity", {b.in()}));
  b.out(cut(b, b.in(), Ints(axes.size(), to_the_end), Ints(axes.size(), to_the_begin), axes,
            Ints(axes.size(), -1)));
}

// [.., length, ..] to [.., windows, window, ..].
void sliding_windows(Build& b, const Layer& layer, const char*) {
  const SlidingWindows& s = layer.sliding_windows();
  const std::int64_t window = size(b, s.window_size()), step = size(b, s.step());
  const std::int64_t length = b.dimension(b.in(), s.axis());
  b.require(window > 0 && step > 0 && window <= length, "has windows that do not fit its input");
  const std::int64_t windows = (length - window) / step + 1;
  Ints positions;
  for (std::int64_t w = 0; w < windows; ++w)
    for (std::int64_t i = 0; i < window; ++i) positions.push_back(w * step + i);
  const TensorId index = b.node("Reshape", {b.ints(positions), b.ints({windows, window})});
  b.out(b.node("Gather", {b.in(), index}, {{"axis", s.axis()}}));
}

// Pairs of amounts for each axis; or, of each pair, the size that the axis is to get by padding at that side.
void constant_pad(Build& b, const Layer& layer, const char*) {
  const ConstantPadding& p = layer.constant_pad();
  const auto rank = static_cast<std::size_t>(b.rank(b.in()));
  b.require(b.inputs() == 1, "takes its amounts from a blob, which mlq does not support yet");
  const Ints given = sizes(b, p.pad_amounts());
  b.require(given.size() == 2 * rank, "has amounts for another number of axes than its input has");
  Ints pads(2 * rank, 0);
  for (std::size_t i = 0; i < 2 * rank; ++i) {
    const std::int64_t length = b.shape(b.in())[i / 2];
    const bool to_size = p.pad_to_given_output_size_mode();
    b.require(!to_size || length >= 0, "needs to know the shape of its input");
    pads[i % 2 * rank + i / 2] = !to_size       ? given[i]
                                 : given[i] > 0 ? std::max<std::int64_t>(0, given[i] - length)
                                                : 0;
  }
  b.out(b.node("Pad", {b.in(), b.ints(pads), b.number(p.value())}, {{"mode", std::string("constant")}}));
}

// Elements with column - row within [-lower, upper], others zero; a negative bound is none.
TensorId band(Build& b, TensorId x, bool upper, std::int64_t diagonal) {
  return b.node("Trilu", {x, b.scalar(diagonal)}, {{"upper", std::int64_t{upper}}});
}

void matrix_band_part(Build& b, const Layer& layer, const char*) {
  const MatrixBandPart& m = layer.matrix_band_part();
  TensorId x = b.in();
  if (m.num_lower() >= 0) x = band(b, x, true, -m.num_lower());
  if (m.num_upper() >= 0) x = band(b, x, false, m.num_upper());
  b.out(x == b.in() ? b.node("Identity", {x}) : x);
}

void lower_triangular(Build& b, const Layer& layer, const char*) {
  b.out(band(b, b.in(), false, layer.lower_triangular().k()));
}
void upper_triangular(Build& b, const Layer& layer, const char*) {
  b.out(band(b, b.in(), true, layer.upper_triangular().k()));
}

constexpr Row rows[] = {
    {Layer::kSlice, slice},
    {Layer::kSliceStatic, slice_static},
    {Layer::kSliceDynamic, slice_dynamic},
    {Layer::kSliceBySize, slice_by_size},
    {Layer::kReverse, reverse},
    {Layer::kSlidingWindows, sliding_windows},
    {Layer::kConstantPad, constant_pad},
    {Layer::kMatrixBandPart, matrix_band_part},
    {Layer::kLowerTriangular, lower_triangular},
    {Layer::kUpperTriangular, upper_triangular},
};

}  // namespace

std::span<const Row> slice_rows() { return rows; }

}  // namespace mlqc::coreml
