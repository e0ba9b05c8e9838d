// Shapes, cuts, joins, reductions.
#include "compiler/frontends/nhwc/arrays.h"
#include "compiler/frontends/nhwc/blocks.h"
#include "compiler/frontends/tflite/operators.h"
#include "model_generated.h"

namespace mlqc::tflite {

namespace {

void reshape(Net& net, const char*) {
  const auto* o = net.op->options_as_Reshape();
  const Ints shape =
      net.given(1) ? net.b.constant_ints(net.in(1), "dimensions of the result")
      : o && o->new_shape()
          ? Ints(o->new_shape()->begin(), o->new_shape()->end())
          : Ints(net.result().shape() ? Ints(net.result().shape()->begin(), net.result().shape()->end())
                                      : Ints{});
  net.out(net.b.reshape(net.in(0), shape));
}

void squeeze(Net& net, const char*) {
  const auto* o = net.op->options_as_Squeeze();
  net.out(
      nhwc::squeeze(net.b, net.in(), o && o->axes() ? Ints(o->axes()->begin(), o->axes()->end()) : Ints{}));
}

std::int64_t one_axis(Net& net, std::size_t i) {
  const Ints values = net.b.constant_ints(net.in(i), "an axis");
  net.b.require(values.size() == 1, "needs one axis");
  return values[0];
}

void expand_dims(Net& net, const char*) { net.out(nhwc::expand_dims(net.b, net.in(0), one_axis(net, 1))); }

void concat(Net& net, const char*) {
  const auto* o = net.op->options_as_Concatenation();
  net.b.require(o != nullptr, "has no options");
  net.finish(nhwc::concat(net.b, net.ins(), o->axis()), o->activation());
}

void transpose(Net& net, const char*) {
  net.out(net.b.transpose(net.in(0), net.b.constant_ints(net.in(1), "a permutation")));
}

void pad(Net& net, const char* mode) {
  net.out(nhwc::pad(net.b, net.in(0), net.b.constant_ints(net.in(1), "paddings"), mode, net.in_or_none(2)));
}

void mirror_pad(Net& net, const char*) {
  const auto* o = net.op->options_as_MirrorPad();
  pad(net, o && o->mode() == 1 ? "symmetric" : "reflect");
}

void slice(Net& net, const char*) {
  const Ints begin = net.b.constant_ints(net.in(1), "starts"), size = net.b.constant_ints(net.in(2), "sizes");
  net.out(nhwc::slice(net.b, net.in(0), begin, size));
}

void strided_slice(Net& net, const char*) {
  const auto* o = net.op->options_as_StridedSlice();
  net.b.require(o != nullptr, "has no options");
  nhwc::Slicing s{net.b.constant_ints(net.in(1), "starts"), net.b.constant_ints(net.in(2), "ends"),
                  net.b.constant_ints(net.in(3), "strides")};
  s.begin_mask = o->begin_mask(), s.end_mask = o->end_mask(), s.ellipsis_mask = o->ellipsis_mask();
  s.new_axis_mask = o->new_axis_mask(), s.shrink_mask = o->shrink_axis_mask();
  net.out(nhwc::strided_slice(net.b, net.in(0), s));
}

void outs(Net& net, const Ids& parts) {
  for (std::size_t i = 0; i < parts.size(); ++i) net.out(parts[i], i);
}

std::size_t results(const Net& net) { return net.op->outputs() ? net.op->outputs()->size() : 0; }

void split(Net& net, const char*) {
  outs(net, nhwc::split(net.b, net.in(1), one_axis(net, 0), results(net)));
}

void split_v(Net& net, const char*) {
  outs(net, nhwc::split(net.b, net.in(0), one_axis(net, 2), net.b.constant_ints(net.in(1), "sizes")));
}

void pack(Net& net, const char*) {
  const auto* o = net.op->options_as_Pack();
  net.out(nhwc::stack(net.b, net.ins(), o ? o->axis() : 0));
}

void unpack(Net& net, const char*) {
  const auto* o = net.op->options_as_Unpack();
  outs(net, nhwc::unstack(net.b, net.in(), o ? o->axis() : 0, results(net)));
}

void gather(Net& net, const char*) {
  const auto* o = net.op->options_as_Gather();
  net.b.require(!o || o->batch_dims() == 0, "gathers per batch, which mlq does not support");
  net.out(nhwc::gather(net.b, net.b.named(net.in(0), "table"), net.in(1), o ? o->axis() : 0));
}

void gather_nd(Net& net, const char*) { net.out(net.b.node("GatherND", {net.in(0), net.in(1)})); }

// Rows of a table.
void embedding(Net& net, const char*) {
  net.out(nhwc::gather(net.b, net.b.named(net.in(1), "table"), net.in(0), 0));
}

// Sums what falls on the same place; all else is zero.
void scatter_nd(Net& net, const char*) {
  const TensorId updates = net.in(1);
  const bool real = net.b.tensor(updates).type == mlq::DataType::float32;
  const mlq::Attribute zero = real ? mlq::Attribute{0.0f} : mlq::Attribute{std::int64_t{0}};
  const TensorId none = net.b.node("ConstantOfShape", {net.in(2)}, {{"value", zero}});
  net.out(net.b.node("ScatterND", {none, net.in(0), updates}, {{"reduction", std::string("add")}}));
}

void tile(Net& net, const char*) { net.out(net.b.node("Tile", {net.in(0), net.in(1)})); }

void broadcast_to(Net& net, const char*) { net.out(net.b.node("Expand", {net.in(0), net.in(1)})); }

void fill(Net& net, const char*) { net.out(net.b.node("Expand", {net.in(1), net.in(0)})); }

void reduce(Net& net, const char* op) {
  const auto* o = net.op->options_as_Reducer();
  const Ints axes = net.b.constant_ints(net.in(1), "axes");
  net.out(nhwc::reduce(net.b, op, net.in(0), axes, o && o->keep_dims()));
}

void arg_reduce(Net& net, const char* op) {
  net.out(nhwc::arg_reduce(net.b, op, net.in(0), one_axis(net, 1)));
}

void top_k(Net& net, const char*) {
  outs(net, net.b.nodes("TopK", {net.in(0), net.b.ints({one_axis(net, 1)})}, 2));
}

void cumulative_sum(Net& net, const char*) {
  const auto* o = net.op->options_as_CumSum();
  net.out(net.b.node(
      "CumSum", {net.in(0), net.b.scalar(one_axis(net, 1))},
      {{"exclusive", std::int64_t{o && o->exclusive()}}, {"reverse", std::int64_t{o && o->reverse()}}}));
}

void shape(Net& net, const char*) { net.out(net.b.shape_of(net.in())); }

void rank(Net& net, const char*) { net.out(net.b.scalar(net.b.rank(net.in()))); }

void range(Net& net, const char*) { net.out(net.b.node("Range", {net.in(0), net.in(1), net.in(2)})); }

void zeros_like(Net& net, const char*) {
  const TensorId x = net.in();
  if (net.b.tensor(x).type == mlq::DataType::float32)
    net.out(net.b.node("ConstantOfShape", {net.b.shape_of(x)}, {{"value", 0.0f}}));
  else
    net.out(net.b.node("ConstantOfShape", {net.b.shape_of(x)}, {{"value", std::int64_t{0}}}));
}

void reverse(Net& net, const char*) {
  net.out(nhwc::reverse(net.b, net.in(0), net.b.constant_ints(net.in(1), "axes")));
}

void one_hot(Net& net, const char*) {
  const auto* o = net.op->options_as_OneHot();
  net.out(nhwc::one_hot(net.b, net.in(0), net.in(1), net.in(2), net.in(3), o ? o->axis() : -1));
}

// The places of what is true, one a row.
void where(Net& net, const char*) { net.out(net.b.transpose(net.b.node("NonZero", {net.in()}), {1, 0})); }

void reduce_truth(Net& net, const char* op) {
  const auto* o = net.op->options_as_Reducer();
  const TensorId numbers = net.b.cast(net.in(0), mlq::DataType::int64);
  const TensorId y =
      nhwc::reduce(net.b, op, numbers, net.b.constant_ints(net.in(1), "axes"), o && o->keep_dims());
  net.out(net.b.cast(y, mlq::DataType::boolean));
}

void space_to_batch(Net& net, const char*) {
  net.finish(nhwc::space_to_batch(net.b, net.in(0), net.b.constant_ints(net.in(1), "block sizes"),
                                  net.b.constant_ints(net.in(2), "paddings")),
             wire::Activation_none);
}

void batch_to_space(Net& net, const char*) {
  net.finish(nhwc::batch_to_space(net.b, net.in(0), net.b.constant_ints(net.in(1), "block sizes"),
                                  net.b.constant_ints(net.in(2), "crops")),
             wire::Activation_none);
}

constexpr Row rows[] = {
    {2, "CONCATENATION", concat},
    {7, "EMBEDDING_LOOKUP", embedding},
    {22, "RESHAPE", reshape},
    {34, "PAD", pad, "constant"},
    {36, "GATHER", gather},
    {37, "BATCH_TO_SPACE_ND", batch_to_space},
    {38, "SPACE_TO_BATCH_ND", space_to_batch},
    {39, "TRANSPOSE", transpose},
    {40, "MEAN", reduce, "ReduceMean"},
    {43, "SQUEEZE", squeeze},
    {45, "STRIDED_SLICE", strided_slice},
    {48, "TOPK_V2", top_k},
    {49, "SPLIT", split},
    {56, "ARG_MAX", arg_reduce, "ArgMax"},
    {60, "PADV2", pad, "constant"},
    {65, "SLICE", slice},
    {69, "TILE", tile},
    {70, "EXPAND_DIMS", expand_dims},
    {74, "SUM", reduce, "ReduceSum"},
    {77, "SHAPE", shape},
    {79, "ARG_MIN", arg_reduce, "ArgMin"},
    {81, "REDUCE_PROD", reduce, "ReduceProd"},
    {82, "REDUCE_MAX", reduce, "ReduceMax"},
    {83, "PACK", pack},
    {85, "ONE_HOT", one_hot},
    {88, "UNPACK", unpack},
    {89, "REDUCE_MIN", reduce, "ReduceMin"},
    {91, "REDUCE_ANY", reduce_truth, "ReduceMax"},
    {93, "ZEROS_LIKE", zeros_like},
    {94, "FILL", fill},
    {96, "RANGE", range},
    {100, "MIRROR_PAD", mirror_pad},
    {102, "SPLIT_V", split_v},
    {105, "REVERSE_V2", reverse},
    {107, "GATHER_ND", gather_nd},
    {109, "WHERE", where},
    {110, "RANK", rank},
    {122, "SCATTER_ND", scatter_nd},
    {128, "CUMSUM", cumulative_sum},
    {130, "BROADCAST_TO", broadcast_to},
    {138, "REDUCE_ALL", reduce_truth, "ReduceMin"},
};

}  // namespace

std::span<const Row> array_rows() { return rows; }

}  // namespace mlqc::tflite
