// Many elements to one along axes, and orders of elements.
#include "compiler/frontends/coreml/layers.h"
#include "compiler/frontends/coreml/network.pb.h"

namespace mlqc::coreml {

namespace {

using Layer = NeuralNetworkLayer;

// Since opset 13 ReduceSum takes its axes as an operand, the others as an attribute.
TensorId reduce(Build& b, const std::string& op, TensorId x, const Ints& axes, bool keep) {
  Ids operands{x};
  Attributes attributes{{"keepdims", std::int64_t{keep}}};
  if (!axes.empty() && op == "ReduceSum") operands.push_back(b.ints(axes));
  if (!axes.empty() && op != "ReduceSum") attributes["axes"] = axes;
  return b.node(op, std::move(operands), std::move(attributes));
}

TensorId extreme(Build& b, const char* op, TensorId x, std::int64_t axis, bool keep) {
  return b.node(op, {x}, {{"axis", axis}, {"keepdims", std::int64_t{keep}}});
}

// By the numbers of Reduce.ReduceAxis and Reduce.ReduceOperation.
const Ints old_axes[] = {{-3, -2, -1}, {-2, -1}, {-3}, {-2}, {-1}};
constexpr const char* old_operators[] = {"ReduceSum",       "ReduceMean", "ReduceProd", "ReduceLogSum",
                                         "ReduceSumSquare", "ReduceL1",   "ReduceL2",   "ReduceMax",
                                         "ReduceMin",       "ArgMax"};

void old_reduce(Build& b, const Layer& layer, const char*) {
  const Reduce& r = layer.reduce();
  b.require(r.axis() >= 0 && r.axis() <= Reduce::W, "reduces over an unknown axis");
  b.require(r.mode() >= 0 && r.mode() <= Reduce::ARGMAX, "reduces by an unknown function");
  const Ints& axes = old_axes[r.axis()];
  if (r.mode() == Reduce::LOGSUM) {  // the sum of the logarithms: not what the operator of that name does
    const TensorId x = b.add(b.in(), b.number(or_default(r.epsilon(), 1e-6f)));
    return b.out(reduce(b, "ReduceSum", b.node("Log", {x}), axes, true));
  }
  if (r.mode() != Reduce::ARGMAX) return b.out(reduce(b, old_operators[r.mode()], b.in(), axes, true));
  b.require(axes.size() == 1, "looks for the largest along more than one axis");
  b.out(extreme(b, "ArgMax", b.in(), axes[0], true));
}

// All kinds of this message: the one that is set.
const ReduceAxes& axes_of(const Layer& layer) {
  switch (layer.layer_case()) {
    case Layer::kReduceL1:
      return layer.reduce_l1();
    case Layer::kReduceL2:
      return layer.reduce_l2();
    case Layer::kReduceMax:
      return layer.reduce_max();
    case Layer::kReduceMin:
      return layer.reduce_min();
    case Layer::kReduceSum:
      return layer.reduce_sum();
    case Layer::kReduceProd:
      return layer.reduce_prod();
    case Layer::kReduceMean:
      return layer.reduce_mean();
    case Layer::kReduceLogSum:
      return layer.reduce_log_sum();
    case Layer::kReduceSumSquare:
      return layer.reduce_sum_square();
    default:
      return layer.reduce_log_sum_exp();
  }
}

void reduce_axes(Build& b, const Layer& layer, const char* op) {
  const ReduceAxes& r = axes_of(layer);
  b.out(reduce(b, op, b.in(), r.reduce_all() ? Ints{} : to_ints(r.axes()), r.keep_dims()));
}

void arg_max(Build& b, const Layer& layer, const char* op) {
  b.out(extreme(b, op, b.in(), layer.arg_max().axis(), !layer.arg_max().remove_dim()));
}
void arg_min(Build& b, const Layer& layer, const char* op) {
  b.out(extreme(b, op, b.in(), layer.arg_min().axis(), !layer.arg_min().remove_dim()));
}

void cum_sum(Build& b, const Layer& layer, const char*) {
  const CumSum& c = layer.cum_sum();
  const TensorId axis = b.inputs() > 1 ? b.indices(b.reshape(b.in(1), {})) : b.scalar(c.axis());
  b.out(b.node("CumSum", {b.in(), axis},
               {{"exclusive", std::int64_t{c.exclude_final_sum()}}, {"reverse", std::int64_t{c.reverse()}}}));
}

// Values and where they stood, largest (or smallest) first.
void top_k(Build& b, const Layer& layer, const char*) {
  const TopK& t = layer.top_k();
  const TensorId count = b.inputs() > 1 ? b.indices(b.reshape(b.in(1), {1})) : b.ints({size(b, t.k())});
  const Ids found =
      b.nodes("TopK", {b.in(), count}, 2, {{"axis", t.axis()}, {"largest", std::int64_t{!t.use_bottom_k()}}});
  b.out(found[0], 0);
  if (b.outputs() > 1) b.out(found[1], 1);
}

void arg_sort(Build& b, const Layer& layer, const char*) {
  const ArgSort& a = layer.arg_sort();
  const TensorId x = b.in();
  const std::int64_t count = b.dimension(x, a.axis());
  b.require(count >= 0, "needs to know the length of the axis that it sorts along");
  b.out(b.nodes("TopK", {x, b.ints({count})}, 2,
                {{"axis", a.axis()}, {"largest", std::int64_t{a.descending()}}})[1]);
}

constexpr Row rows[] = {
    {Layer::kReduce, old_reduce},
    {Layer::kReduceL1, reduce_axes, "ReduceL1"},
    {Layer::kReduceL2, reduce_axes, "ReduceL2"},
    {Layer::kReduceMax, reduce_axes, "ReduceMax"},
    {Layer::kReduceMin, reduce_axes, "ReduceMin"},
    {Layer::kReduceSum, reduce_axes, "ReduceSum"},
    {Layer::kReduceProd, reduce_axes, "ReduceProd"},
    {Layer::kReduceMean, reduce_axes, "ReduceMean"},
    {Layer::kReduceLogSum, reduce_axes, "ReduceLogSum"},
    {Layer::kReduceSumSquare, reduce_axes, "ReduceSumSquare"},
    {Layer::kReduceLogSumExp, reduce_axes, "ReduceLogSumExp"},
    {Layer::kArgMax, arg_max, "ArgMax"},
    {Layer::kArgMin, arg_min, "ArgMin"},
    {Layer::kCumSum, cum_sum},
    {Layer::kTopK, top_k},
    {Layer::kArgSort, arg_sort},
};

}  // namespace

std::span<const Row> reduce_rows() { return rows; }

}  // namespace mlqc::coreml
