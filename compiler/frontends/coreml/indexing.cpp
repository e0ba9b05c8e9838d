// Elements by their places: gather, scatter, one-hot, places of what is not zero.
#include "compiler/frontends/coreml/layers.h"
#include "compiler/frontends/coreml/network.pb.h"

namespace mlqc::coreml {

namespace {

using Layer = NeuralNetworkLayer;

void gather(Build& b, const Layer& layer, const char* op) {
  b.out(b.node(op, {b.in(0), b.indices(b.in(1))}, {{"axis", layer.gather().axis()}}));
}
void gather_along_axis(Build& b, const Layer& layer, const char* op) {
  b.out(b.node(op, {b.in(0), b.indices(b.in(1))}, {{"axis", layer.gather_along_axis().axis()}}));
}
void gather_nd(Build& b, const Layer&, const char* op) { b.out(b.node(op, {b.in(0), b.indices(b.in(1))})); }

// How updates meet what is there. A difference is a sum of negatives, a quotient a product of reciprocals.
struct Meeting {
  std::string reduction;
  TensorId updates;
};
Meeting meet(Build& b, ScatterMode mode, TensorId updates) {
  switch (mode) {
    case SCATTER_UPDATE:
      return {"none", updates};
    case SCATTER_ADD:
      return {"add", updates};
    case SCATTER_SUB:
      return {"add", b.node("Neg", {updates})};
    case SCATTER_MUL:
      return {"mul", updates};
    case SCATTER_DIV:
      return {"mul", b.node("Reciprocal", {updates})};
    case SCATTER_MAX:
      return {"max", updates};
    case SCATTER_MIN:
      return {"min", updates};
    default:
      b.fail("scatters in an unknown mode");
  }
}

void scatter_along_axis(Build& b, const Layer& layer, const char*) {
  const Scatter& s = layer.scatter_along_axis();
  const TensorId index = b.indices(b.in(1));
  const Meeting meeting = meet(b, s.mode(), b.in(2));
  b.out(b.node("ScatterElements", {b.in(0), index, meeting.updates},
               {{"axis", s.axis()}, {"reduction", meeting.reduction}}));
}

TensorId scatter_at(Build& b, TensorId data, TensorId index, TensorId updates, ScatterMode mode) {
  const Meeting meeting = meet(b, mode, updates);
  return b.node("ScatterND", {data, index, meeting.updates}, {{"reduction", meeting.reduction}});
}

void scatter_nd(Build& b, const Layer& layer, const char*) {
  const TensorId index = b.indices(b.in(1));
  b.out(scatter_at(b, b.in(0), index, b.in(2), layer.scatter_nd().mode()));
}

// The axes [first, first + count) in front of all others.
Ints to_front(int rank, std::int64_t first, int count) {
  Ints order;
  for (int i = 0; i < count; ++i) order.push_back(first + i);
  for (int i = 0; i < rank; ++i)
    if (i < first || i >= first + count) order.push_back(i);
  return order;
}
Ints inverse(const Ints& order) {
  Ints back(order.size());
  for (std::size_t i = 0; i < order.size(); ++i)
    back[static_cast<std::size_t>(order[i])] = static_cast<std::int64_t>(i);
  return back;
}

// Whole slices along one axis: that axis in front, it is ScatterND with indices of one number.
void scatter(Build& b, const Layer& layer, const char*) {
  const TensorId data = b.in(0), raw = b.indices(b.in(1)), updates = b.in(2);
  const std::int64_t axis = b.axis(layer.scatter().axis(), b.rank(data));
  const int positions = b.rank(raw);
  b.require(b.rank(updates) == b.rank(data) - 1 + positions, "has updates of the wrong rank");
  // Indices below zero count from the end.
  const TensorId length = b.node("Gather", {b.shape_of(data), b.scalar(axis)}, {{"axis", std::int64_t{0}}});
  const TensorId negative = b.node("Less", {raw, b.scalar(0)});
  const TensorId wrapped = b.node("Where", {negative, b.add(raw, length), raw});
  const TensorId index = b.node("Unsqueeze", {wrapped, b.ints({positions})});
  const Ints order = to_front(b.rank(data), axis, 1);
  const TensorId front = b.transpose(data, order);
  const TensorId updates_front = b.transpose(updates, to_front(b.rank(updates), axis, positions));
  b.out(b.transpose(scatter_at(b, front, index, updates_front, layer.scatter().mode()), inverse(order)));
}

// Place t of a sequence of length l takes the element l - 1 - t, and those behind it stay.
void reverse_seq(Build& b, const Layer& layer, const char*) {
  const TensorId x = b.in();
  const std::int64_t batch = b.axis(layer.reverse_seq().batch_axis(), b.rank(x));
  const std::int64_t axis = b.axis(layer.reverse_seq().sequence_axis(), b.rank(x));
  const std::int64_t length = b.dimension(x, axis);
  b.require(length >= 0 && batch != axis, "needs to know the length of the axis that it reverses");
  Ints along(static_cast<std::size_t>(b.rank(x)), 1), across = along;
  along[static_cast<std::size_t>(axis)] = length;
  across[static_cast<std::size_t>(batch)] = -1;
  const TensorId count = b.node("Range", {b.scalar(0), b.scalar(length), b.scalar(1)});
  const TensorId place = b.reshape(count, along), lengths = b.reshape(b.indices(b.in(1)), across);
  const TensorId mirrored = b.subtract(b.subtract(lengths, b.scalar(1)), place);
  const TensorId from = b.node("Where", {b.node("Less", {place, lengths}), mirrored, place});
  b.out(b.node("GatherElements", {x, b.node("Expand", {from, b.shape_of(x)})}, {{"axis", axis}}));
}

// One row of indices for each element that is not zero.
void where_non_zero(Build& b, const Layer&, const char*) {
  b.out(b.transpose(b.node("NonZero", {b.in()}), {1, 0}));
}

void one_hot(Build& b, const Layer& layer, const char*) {
  const OneHot& o = layer.one_hot();
  const TensorId depth =
      b.inputs() > 1 ? b.indices(b.reshape(b.in(1), {1})) : b.ints({size(b, o.one_hot_vector_size())});
  const float values[] = {o.off_value(), o.on_value()};
  // The operator counts places below zero from the end; in the format they are outside.
  const TensorId far = b.number(1 << 30);
  const TensorId place = b.node("Where", {b.node("Less", {b.in(), b.number(0)}), far, b.in()});
  b.out(b.node("OneHot", {b.indices(place), depth, b.floats({2}, values)}, {{"axis", o.axis()}}));
}

constexpr Row rows[] = {
    {Layer::kGather, gather, "Gather"},
    {Layer::kGatherAlongAxis, gather_along_axis, "GatherElements"},
    {Layer::kGatherNd, gather_nd, "GatherND"},
    {Layer::kScatter, scatter},
    {Layer::kScatterAlongAxis, scatter_along_axis},
    {Layer::kScatterNd, scatter_nd},
    {Layer::kReverseSeq, reverse_seq},
    {Layer::kWhereNonZero, where_non_zero},
    {Layer::kOneHot, one_hot},
};

}  // namespace

std::span<const Row> indexing_rows() { return rows; }

}  // namespace mlqc::coreml
