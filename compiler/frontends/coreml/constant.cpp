// Blobs that come from the layer alone: constants, fillings, ranges.
#include <cmath>

#include "compiler/frontends/coreml/layers.h"
#include "compiler/frontends/coreml/network.pb.h"

namespace mlqc::coreml {

namespace {

using Layer = NeuralNetworkLayer;

// The format quantizes a constant as one whole, so that it is one row, whatever shape its readers see.
TensorId one_row(Build& b, const Weights& data, const Shape& shape) {
  const auto count = mlq::element_count(shape);
  if (!count || *count == 0 || shape.size() < 2) return b.weight(data, shape);
  return b.reshape(b.weight(data, {1, *count}), shape);
}

void load_constant(Build& b, const Layer& layer, const char*) {
  Shape shape = sizes(b, layer.load_constant().shape());
  b.require(shape.size() == 3, "has a shape of other than three dimensions");
  if (b.rank5) shape.insert(shape.begin(), 1);
  b.out(one_row(b, layer.load_constant().data(), shape));
}

void load_constant_nd(Build& b, const Layer& layer, const char*) {
  b.out(one_row(b, layer.load_constant_nd().data(), sizes(b, layer.load_constant_nd().shape())));
}

// The constant itself is a scalar, so that a hostile shape costs nothing here.
void fill(Build& b, TensorId shape, float value) { b.out(b.node("Expand", {b.number(value), shape})); }

void fill_like(Build& b, const Layer& layer, const char*) {
  fill(b, b.shape_of(b.in()), layer.fill_like().value());
}

void fill_static(Build& b, const Layer& layer, const char*) {
  fill(b, b.ints(sizes(b, layer.fill_static().target_shape())), layer.fill_static().value());
}

void fill_dynamic(Build& b, const Layer& layer, const char*) {
  fill(b, b.indices(b.in()), layer.fill_dynamic().value());
}

void range_static(Build& b, const Layer& layer, const char*) {
  const RangeStatic& r = layer.range_static();
  b.out(b.node("Range", {b.number(r.start_value()), b.number(r.end_value()), b.number(r.step_size_value())}));
}

// The end is an input; so may be the start and the step.
void range_dynamic(Build& b, const Layer& layer, const char*) {
  const RangeDynamic& r = layer.range_dynamic();
  const auto operand = [&](int i, float otherwise) {
    return b.inputs() > i ? b.reshape(b.in(i), {}) : b.number(otherwise);
  };
  const TensorId end = operand(0, 0), start = operand(1, r.start_value()),
                 step = operand(2, r.step_size_value());
  b.out(b.node("Range", {start, end, step}));
}

constexpr Row rows[] = {
    {Layer::kLoadConstant, load_constant}, {Layer::kLoadConstantNd, load_constant_nd},
    {Layer::kFillLike, fill_like},         {Layer::kFillStatic, fill_static},
    {Layer::kFillDynamic, fill_dynamic},   {Layer::kRangeStatic, range_static},
    {Layer::kRangeDynamic, range_dynamic},
};

}  // namespace

std::span<const Row> constant_rows() { return rows; }

}  // namespace mlqc::coreml
