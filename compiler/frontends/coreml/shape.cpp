// The same elements in another shape or order, repeated, joined, divided.
#include <algorithm>

#include "compiler/frontends/coreml/layers.h"
#include "compiler/frontends/coreml/network.pb.h"

namespace mlqc::coreml {

namespace {

using Layer = NeuralNetworkLayer;

// [.., C, H, W] to [.., H, W, C] and back: what CHANNEL_LAST orders elements by.
TensorId move_channels(Build& b, TensorId x, bool last) {
  const int rank = b.rank(x);
  b.require(rank >= 3, "has an input of fewer than three dimensions");
  Ints order;
  for (int i = 0; i < rank - 3; ++i) order.push_back(i);
  const std::int64_t c = rank - 3;
  if (last)
    order.insert(order.end(), {c + 1, c + 2, c});
  else
    order.insert(order.end(), {c + 2, c, c + 1});
  return b.transpose(x, order);
}

// Target [C, H, W], which keeps what leads, or [Seq, C, H, W].
void old_reshape(Build& b, const Layer& layer, const char*) {
  const Reshape& r = layer.reshape();
  Ints target = to_ints(r.target_shape());
  b.require(target.size() == 3 || target.size() == 4, "has a target of other than three or four dimensions");
  TensorId x = b.in();
  if (target.size() == 3)
    target.insert(target.begin(), b.shape(x).begin(), b.shape(x).end() - std::min(3, b.rank(x)));
  if (r.mode() == Reshape::CHANNEL_FIRST) return b.out(b.reshape(x, target));
  const std::size_t c = target.size() - 3;
  std::rotate(target.begin() + static_cast<std::ptrdiff_t>(c),
              target.begin() + static_cast<std::ptrdiff_t>(c + 1), target.end());
  b.out(move_channels(b, b.reshape(move_channels(b, x, true), target), false));
}

void flatten(Build& b, const Layer& layer, const char*) {
  TensorId x = b.in();
  b.require(b.rank(x) >= 3, "has an input of fewer than three dimensions");
  Ints target(b.shape(x).begin(), b.shape(x).end() - 3);
  target.insert(target.end(), {-1, 1, 1});
  if (std::count(target.begin(), target.end(), -1) > 1) {  // the product of C, H and W is known when they are
    const Shape& shape = b.shape(x);
    const auto count = mlq::element_count({shape.end() - 3, shape.end()});
    b.require(count.has_value(), "has an input whose shape is not known well enough");
    target[target.size() - 3] = *count;
  }
  if (layer.flatten().mode() == Flatten::CHANNEL_LAST) x = move_channels(b, x, true);
  b.out(b.reshape(x, target));
}

// Axes count [Seq, C, H, W].
void permute(Build& b, const Layer& layer, const char*) {
  Ints order = to_ints(layer.permute().axis());
  const int rank = b.rank(b.in());
  b.require(order.size() == 4 && rank >= 4, "permutes other than four axes");
  if (rank == 5) {  // [Seq, Batch, C, H, W]: the batch stays
    for (std::int64_t& axis : order) axis += axis > 0;
    order.insert(order.begin() + 1, 1);
  }
  b.out(b.transpose(b.in(), order));
}

void transpose(Build& b, const Layer& layer, const char*) {
  b.out(b.transpose(b.in(), sizes(b, layer.transpose().axes())));
}

TensorId join(Build& b, const Ids& ids, std::int64_t axis) {
  return ids.size() == 1 ? ids[0] : b.node("Concat", ids, {{"axis", axis}});
}

void concat(Build& b, const Layer& layer, const char*) {
  const bool sequence = layer.concat().sequence_concat();
  b.out(join(b, b.ins(), sequence ? (b.rank5 ? 0 : -5) : -3));
}

// The inputs' slices in turns where interleaved.
void concat_nd(Build& b, const Layer& layer, const char*) {
  const ConcatNd& c = layer.concat_nd();
  if (!c.interleave()) return b.out(join(b, b.ins(), c.axis()));
  const std::int64_t axis = b.axis(c.axis(), b.rank(b.in()));
  Ids apart;
  for (const TensorId id : b.ins()) apart.push_back(b.node("Unsqueeze", {id, b.ints({axis + 1})}));
  Shape target = b.shape(b.in());
  target[static_cast<std::size_t>(axis)] = -1;
  b.out(b.reshape(join(b, apart, axis + 1), target));
}

void stack(Build& b, const Layer& layer, const char*) {
  Ids apart;
  const std::int64_t axis = b.axis(layer.stack().axis(), b.rank(b.in()) + 1);
  for (const TensorId id : b.ins()) apart.push_back(b.node("Unsqueeze", {id, b.ints({axis})}));
  b.out(join(b, apart, axis));
}

void split_at(Build& b, std::int64_t axis, const Ints& lengths) {
  b.require(static_cast<int>(lengths.size()) == b.outputs(), "has another number of parts than of outputs");
  const Ids parts = b.nodes("Split", {b.in(), b.ints(lengths)}, b.outputs(), {{"axis", axis}});
  for (int i = 0; i < b.outputs(); ++i) b.out(parts[static_cast<std::size_t>(i)], i);
}

// Where the parts do not come out even, the first ones are longer by one.
void split_evenly(Build& b, std::int64_t axis, std::uint64_t parts) {
  const std::int64_t whole = b.dimension(b.in(), axis);
  b.require(static_cast<std::uint64_t>(b.outputs()) == parts && parts > 0,
            "has another number of parts than of outputs");
  b.require(whole >= 0, "needs to know the length of the axis that it divides");
  const auto count = static_cast<std::int64_t>(parts);
  Ints lengths;
  for (std::int64_t i = 0; i < count; ++i) lengths.push_back(whole / count + (i < whole % count));
  split_at(b, axis, lengths);
}

void split(Build& b, const Layer& layer, const char*) { split_evenly(b, -3, layer.split().n_outputs()); }

void split_nd(Build& b, const Layer& layer, const char*) {
  const SplitNd& s = layer.split_nd();
  if (s.split_sizes_size() > 0)
    split_at(b, s.axis(), sizes(b, s.split_sizes()));
  else
    split_evenly(b, s.axis(), s.num_splits());
}

TensorId with_rank(Build& b, TensorId x, int rank) {
  Ints axes;
  for (int i = b.rank(x); i < rank; ++i) axes.push_back(i - b.rank(x));
  return axes.empty() ? x : b.node("Unsqueeze", {x, b.ints(axes)});
}

// As NumPy counts: of the blob and the repeats the one with fewer dimensions gets ones in front.
void tile(Build& b, const Layer& layer, const char*) {
  TensorId repeats = b.inputs() > 1 ? b.indices(b.in(1)) : b.ints(sizes(b, layer.tile().reps()));
  const std::int64_t given = b.rank(repeats) == 1 ? b.shape(repeats)[0] : -1;
  b.require(given >= 0 && given <= 16, "needs to know how many repeats there are");
  const TensorId x = with_rank(b, b.in(), static_cast<int>(given));
  const std::int64_t missing = b.rank(x) - given;
  if (missing > 0) {
    const TensorId ones = b.ints(Ints(static_cast<std::size_t>(missing), 1));
    repeats = b.node("Concat", {ones, repeats}, {{"axis", std::int64_t{0}}});
  }
  b.out(b.node("Tile", {x, repeats}));
}

void sequence_repeat(Build& b, const Layer& layer, const char*) {
  const TensorId x = b.in();
  b.require(b.rank5 || b.rank(x) >= 5, "has an input without a sequence axis");
  Ints repeats(static_cast<std::size_t>(b.rank(x)), 1);
  repeats[b.rank5 ? 0 : repeats.size() - 5] =
      or_default<std::int64_t>(size(b, layer.sequence_repeat().n_repetitions()), 1);
  b.out(b.node("Tile", {x, b.ints(repeats)}));
}

void squeeze(Build& b, const Layer& layer, const char*) {
  const TensorId x = b.in();
  Ids operands{x};
  if (!layer.squeeze().squeeze_all()) operands.push_back(b.ints(to_ints(layer.squeeze().axes())));
  b.out(b.node("Squeeze", operands));
}

void expand_dims(Build& b, const Layer& layer, const char*) {
  b.out(b.node("Unsqueeze", {b.in(), b.ints(to_ints(layer.expand_dims().axes()))}));
}

void flatten_to_2d(Build& b, const Layer& layer, const char*) {
  b.out(b.node("Flatten", {b.in()}, {{"axis", layer.flatten_to_2d().axis()}}));
}

void reshape_static(Build& b, const Layer& layer, const char*) {
  b.out(b.reshape(b.in(), to_ints(layer.reshape_static().target_shape())));
}

// Zero keeps the input's dimension.
void rank_preserving_reshape(Build& b, const Layer& layer, const char*) {
  b.out(b.reshape(b.in(), to_ints(layer.rank_preserving_reshape().target_shape())));
}

void reshape_like(Build& b, const Layer&, const char*) {
  b.out(b.node("Reshape", {b.in(), b.shape_of(b.in(1))}));
}
void reshape_dynamic(Build& b, const Layer&, const char*) {
  b.out(b.node("Reshape", {b.in(), b.indices(b.in(1))}));
}

void broadcast_static(Build& b, const Layer& layer, const char*) {
  b.out(b.node("Expand", {b.in(), b.ints(sizes(b, layer.broadcast_to_static().target_shape()))}));
}
void broadcast_like(Build& b, const Layer&, const char*) {
  b.out(b.node("Expand", {b.in(), b.shape_of(b.in(1))}));
}
void broadcast_dynamic(Build& b, const Layer&, const char*) {
  b.out(b.node("Expand", {b.in(), b.indices(b.in(1))}));
}

void get_shape(Build& b, const Layer&, const char*) { b.out(b.node("Shape", {b.in()})); }

constexpr Row rows[] = {
    {Layer::kReshape, old_reshape},
    {Layer::kFlatten, flatten},
    {Layer::kPermute, permute},
    {Layer::kTranspose, transpose},
    {Layer::kConcat, concat},
    {Layer::kConcatNd, concat_nd},
    {Layer::kStack, stack},
    {Layer::kSplit, split},
    {Layer::kSplitNd, split_nd},
    {Layer::kTile, tile},
    {Layer::kSequenceRepeat, sequence_repeat},
    {Layer::kSqueeze, squeeze},
    {Layer::kExpandDims, expand_dims},
    {Layer::kFlattenTo2D, flatten_to_2d},
    {Layer::kReshapeStatic, reshape_static},
    {Layer::kRankPreservingReshape, rank_preserving_reshape},
    {Layer::kReshapeLike, reshape_like},
    {Layer::kReshapeDynamic, reshape_dynamic},
    {Layer::kBroadcastToStatic, broadcast_static},
    {Layer::kBroadcastToLike, broadcast_like},
    {Layer::kBroadcastToDynamic, broadcast_dynamic},
    {Layer::kGetShape, get_shape},
};

}  // namespace

std::span<const Row> shape_rows() { return rows; }

}  // namespace mlqc::coreml
