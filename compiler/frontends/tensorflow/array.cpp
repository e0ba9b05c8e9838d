// Shapes, joins, reductions, indices.
#include <algorithm>
#include <numeric>

#include "compiler/frontends/nhwc/arrays.h"
#include "compiler/frontends/nhwc/blocks.h"
#include "compiler/frontends/tensorflow/operators.h"

namespace mlqc::tensorflow {

namespace {

std::int64_t axis_of(Net& net, std::size_t i) { return net.one(net.in(i), "an axis"); }

void reshape(Net& net, const char*) { net.out(net.b.node("Reshape", {net.in(0), net.in(1)})); }

void squeeze(Net& net, const char*) {
  const Ints axes = net.integers("squeeze_dims");
  net.out(nhwc::squeeze(net.b, net.in(), axes.empty() ? net.integers("axis") : axes));
}

void expand_dims(Net& net, const char*) { net.out(nhwc::expand_dims(net.b, net.in(0), axis_of(net, 1))); }

// Version 1 has the axis first, version 2 last.
void concat(Net& net, const char* first) {
  Ids parts = net.ins();
  net.b.require(parts.size() >= 2, "joins nothing");
  const bool leads = *first != '\0';
  const std::int64_t axis = net.one(leads ? parts.front() : parts.back(), "an axis");
  parts.erase(leads ? parts.begin() : parts.end() - 1);
  net.out(nhwc::concat(net.b, parts, axis));
}

void pack(Net& net, const char*) { net.out(nhwc::stack(net.b, net.ins(), net.integer("axis", 0))); }

void unpack(Net& net, const char*) {
  const std::int64_t count = net.integer("num", 0);
  net.b.require(count > 0, "takes nothing apart");
  net.outs(nhwc::unstack(net.b, net.in(), net.integer("axis", 0), static_cast<std::size_t>(count)));
}

void split(Net& net, const char*) {
  const std::int64_t count = net.integer("num_split", 0);
  net.b.require(count > 0, "splits into an impossible number of parts");
  net.outs(nhwc::split(net.b, net.in(1), axis_of(net, 0), static_cast<std::size_t>(count)));
}

// One size may be -1: what the others leave.
void split_sizes(Net& net, const char*) {
  const TensorId x = net.in(0);
  const std::int64_t axis = net.b.axis(axis_of(net, 2), net.b.rank(x));
  Ints sizes = net.b.constant_ints(net.in(1), "sizes");
  const auto open = std::find(sizes.begin(), sizes.end(), -1);
  if (open != sizes.end()) {
    *open = 0;
    const std::int64_t rest = net.b.shape(x)[static_cast<std::size_t>(axis)] -
                              std::accumulate(sizes.begin(), sizes.end(), std::int64_t{0});
    net.b.require(rest >= 0, "splits a dimension into more than it has");
    *open = rest;
  }
  net.outs(nhwc::split(net.b, x, axis, sizes));
}

void tile(Net& net, const char*) { net.out(net.b.node("Tile", {net.in(0), net.in(1)})); }
void broadcast_to(Net& net, const char*) { net.out(net.b.node("Expand", {net.in(0), net.in(1)})); }
void fill(Net& net, const char*) { net.out(net.b.node("Expand", {net.in(1), net.in(0)})); }

void gather(Net& net, const char*) {
  net.b.require(net.integer("batch_dims", 0) == 0, "gathers per batch, which mlq does not support");
  const std::int64_t axis = net.inputs() > 2 ? axis_of(net, 2) : 0;
  net.out(nhwc::gather(net.b, net.b.named(net.in(0), "table"), net.in(1), axis));
}

void gather_nd(Net& net, const char*) { net.out(net.b.node("GatherND", {net.in(0), net.in(1)})); }

void shape(Net& net, const char*) {
  for (std::size_t i = 0; i < net.inputs(); ++i) net.out(net.b.shape_of(net.in(i)), i);
}

void rank(Net& net, const char*) { net.out(net.b.scalar(net.b.rank(net.in()))); }
void size(Net& net, const char*) { net.out(net.b.node("Size", {net.in()})); }

void filled_like(Net& net, const char* with) {
  const TensorId x = net.in();
  const std::int64_t value = *with == '1';
  const bool real = net.b.tensor(x).type == mlq::DataType::float32;
  const mlq::Attribute one = real ? mlq::Attribute{static_cast<float>(value)} : mlq::Attribute{value};
  net.out(
      net.b.cast(net.b.node("ConstantOfShape", {net.b.shape_of(x)}, {{"value", one}}), net.b.tensor(x).type));
}

void range(Net& net, const char*) { net.out(net.b.node("Range", {net.in(0), net.in(1), net.in(2)})); }

void one_hot(Net& net, const char*) {
  net.out(nhwc::one_hot(net.b, net.in(0), net.in(1), net.in(2), net.in(3), net.integer("axis", -1)));
}

void top_k(Net& net, const char*) {
  const std::int64_t k = net.inputs() > 1 ? net.one(net.in(1), "a count") : net.integer("k", 1);
  net.outs(net.b.nodes("TopK", {net.in(0), net.b.ints({k})}, 2));
}

void reduce(Net& net, const char* op) {
  const bool keep = net.flag("keep_dims") || net.flag("keepdims");
  net.out(nhwc::reduce(net.b, op, net.in(0), net.b.constant_ints(net.in(1), "axes"), keep));
}

// All and Any: the least and the greatest of numbers 0 and 1.
void reduce_truth(Net& net, const char* op) {
  const TensorId numbers = net.b.cast(net.in(0), mlq::DataType::int64);
  const TensorId y =
      nhwc::reduce(net.b, op, numbers, net.b.constant_ints(net.in(1), "axes"), net.flag("keep_dims"));
  net.out(net.b.cast(y, mlq::DataType::boolean));
}

void arg_reduce(Net& net, const char* op) {
  net.out(nhwc::arg_reduce(net.b, op, net.in(0), net.inputs() > 1 ? axis_of(net, 1) : 0));
}

void cumulative_sum(Net& net, const char*) {
  net.out(net.b.node(
      "CumSum", {net.in(0), net.b.scalar(axis_of(net, 1))},
      {{"exclusive", std::int64_t{net.flag("exclusive")}}, {"reverse", std::int64_t{net.flag("reverse")}}}));
}

// The places of what is not zero, one a row.
void where(Net& net, const char*) {
  if (net.inputs() == 3) {
    net.out(net.b.node("Where", {net.in(0), net.in(1), net.in(2)}));
    return;
  }
  net.out(net.b.transpose(net.b.node("NonZero", {net.in()}), {1, 0}));
}

void space_to_batch(Net& net, const char*) {
  net.out(nhwc::space_to_batch(net.b, net.in(0), net.b.constant_ints(net.in(1), "block sizes"),
                               net.b.constant_ints(net.in(2), "paddings")));
}

void batch_to_space(Net& net, const char*) {
  net.out(nhwc::batch_to_space(net.b, net.in(0), net.b.constant_ints(net.in(1), "block sizes"),
                               net.b.constant_ints(net.in(2), "crops")));
}

void band_part(Net& net, const char*) {
  net.out(net.b.node("BandPart", {net.in(0)},
                     {{"lower", net.one(net.in(1), "a count")}, {"upper", net.one(net.in(2), "a count")}}));
}

// Boxes [n, 4] of opposite corners, scores [n]; the indices of those that stay, best first.
void suppress(Net& net, const char*) {
  nhwc::Build& b = net.b;
  const TensorId boxes = nhwc::expand_dims(b, net.in(0), 0),
                 scores = nhwc::expand_dims(b, nhwc::expand_dims(b, net.in(1), 0), 0);
  Ids operands{boxes, scores, net.in(2),
               net.inputs() > 3 ? net.in(3) : b.number(net.real("iou_threshold", 0.5f))};
  if (net.inputs() > 4) operands.push_back(net.in(4));
  const TensorId chosen = b.node("NonMaxSuppression", operands);
  const TensorId indices = nhwc::gather(b, chosen, b.scalar(2), 1);
  net.out(indices, 0);
}

constexpr Row rows[] = {
    {"All", reduce_truth, "ReduceMin"},
    {"Any", reduce_truth, "ReduceMax"},
    {"ArgMax", arg_reduce, "ArgMax"},
    {"ArgMin", arg_reduce, "ArgMin"},
    {"BatchToSpaceND", batch_to_space},
    {"BroadcastTo", broadcast_to},
    {"Concat", concat, "first"},
    {"ConcatV2", concat},
    {"Cumsum", cumulative_sum},
    {"ExpandDims", expand_dims},
    {"Fill", fill},
    {"Gather", gather},
    {"GatherNd", gather_nd},
    {"GatherV2", gather},
    {"MatrixBandPart", band_part},
    {"Max", reduce, "ReduceMax"},
    {"Mean", reduce, "ReduceMean"},
    {"Min", reduce, "ReduceMin"},
    {"NonMaxSuppression", suppress},
    {"NonMaxSuppressionV2", suppress},
    {"NonMaxSuppressionV3", suppress},
    {"OneHot", one_hot},
    {"OnesLike", filled_like, "1"},
    {"Pack", pack},
    {"Prod", reduce, "ReduceProd"},
    {"Range", range},
    {"Rank", rank},
    {"Reshape", reshape},
    {"ResourceGather", gather},
    {"Shape", shape},
    {"ShapeN", shape},
    {"Size", size},
    {"SpaceToBatchND", space_to_batch},
    {"Split", split},
    {"SplitV", split_sizes},
    {"Squeeze", squeeze},
    {"Sum", reduce, "ReduceSum"},
    {"Tile", tile},
    {"TopK", top_k},
    {"TopKV2", top_k},
    {"Unpack", unpack},
    {"Where", where},
    {"ZerosLike", filled_like, "0"},
};

}  // namespace

std::span<const Row> array_rows() { return rows; }

}  // namespace mlqc::tensorflow
