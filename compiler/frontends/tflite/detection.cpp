// The last step of single-shot detectors (SSD): decoded boxes, best first. It is a custom operator of the
// file format, but TFLite's own library brings it; parameters are a FlexBuffers map.
#include <array>

#include "compiler/frontends/nhwc/arrays.h"
#include "compiler/frontends/tflite/operators.h"
#include "flatbuffers/flexbuffers.h"
#include "model_generated.h"

namespace mlqc::tflite {

namespace {

struct Parameters {
  std::int64_t detections = 0, classes = 0;
  float score_threshold = 0, overlap = 0;
  std::array<float, 4> scale{};  // y, x, h, w
};

Parameters parameters_of(const Net& net) {
  const auto* bytes = net.op->custom_options();
  net.b.require(bytes && flexbuffers::VerifyBuffer(bytes->data(), bytes->size()), "has damaged parameters");
  const flexbuffers::Reference root = flexbuffers::GetRoot(bytes->data(), bytes->size());
  net.b.require(root.IsMap(), "has damaged parameters");
  const flexbuffers::Map map = root.AsMap();
  Parameters p;
  p.detections = map["max_detections"].AsInt64();
  p.classes = map["num_classes"].AsInt64();
  p.score_threshold = map["nms_score_threshold"].AsFloat();
  p.overlap = map["nms_iou_threshold"].AsFloat();
  p.scale = {map["y_scale"].AsFloat(), map["x_scale"].AsFloat(), map["h_scale"].AsFloat(),
             map["w_scale"].AsFloat()};
  net.b.require(p.detections > 0 && p.detections < 1 << 16 && p.classes > 0, "has parameters out of range");
  for (const float scale : p.scale) net.b.require(scale > 0, "has parameters out of range");
  net.b.require(!map["use_regular_nms"].AsBool(), "suppresses class by class, which mlq does not support");
  const std::int64_t per_detection = map["max_classes_per_detection"].AsInt64();
  net.b.require(per_detection <= 1, "names several classes per box, which mlq does not support");
  return p;
}

// Column i of a matrix [n, 4], as [n, 1].
TensorId column(nhwc::Build& b, TensorId x, std::int64_t i) { return nhwc::slice(b, x, {0, i}, {-1, 1}); }

// Centre and size relative to an anchor [n, 4] (y, x, h, w each) to opposite corners [n, 4].
TensorId decode(nhwc::Build& b, TensorId encoded, TensorId anchors, const std::array<float, 4>& scale) {
  Ids low, high;
  for (std::int64_t i = 0; i < 2; ++i) {
    const TensorId side = column(b, anchors, i + 2);
    const auto scaled = [&](std::int64_t c) {
      return b.node("Div", {column(b, encoded, c), b.number(scale[static_cast<std::size_t>(c)])});
    };
    const TensorId centre = b.node("Add", {b.node("Mul", {scaled(i), side}), column(b, anchors, i)});
    const TensorId half =
        b.node("Mul", {b.node("Mul", {b.node("Exp", {scaled(i + 2)}), side}), b.number(0.5f)});
    low.push_back(b.node("Sub", {centre, half}));
    high.push_back(b.node("Add", {centre, half}));
  }
  return nhwc::concat(b, {low[0], low[1], high[0], high[1]}, 1);
}

// The chosen rows, zeros behind them until there are `count`.
TensorId padded_rows(nhwc::Build& b, TensorId table, TensorId chosen, std::int64_t count, const Shape& row) {
  Shape shape{count}, target{1, count};
  shape.insert(shape.end(), row.begin(), row.end());
  target.insert(target.end(), row.begin(), row.end());
  const std::vector<float> zeros(static_cast<std::size_t>(*mlq::element_count(shape)), 0);
  const TensorId all = nhwc::concat(b, {nhwc::gather(b, table, chosen, 0), b.floats(shape, zeros)}, 0);
  Ints begin(shape.size(), 0), size(shape.begin(), shape.end());
  return b.reshape(nhwc::slice(b, all, begin, size), target);
}

// Operands: encoded boxes [1, n, 4], scores [1, n, classes (and one for the background, first)], anchors [n,
// 4].
void detect(Net& net, const char*) {
  nhwc::Build& b = net.b;
  const Parameters p = parameters_of(net);
  const TensorId encoded = nhwc::squeeze(b, net.in(0), {0}), scores = nhwc::squeeze(b, net.in(1), {0}),
                 anchors = b.named(net.in(2), "anchors");
  b.require(b.rank(encoded) == 2 && b.rank(scores) == 2 && b.rank(anchors) == 2,
            "has operands of another rank");
  const std::int64_t background = b.shape(scores)[1] - p.classes;
  b.require(background == 0 || background == 1, "has scores for another number of classes");
  const TensorId boxes = decode(b, encoded, anchors, p.scale);
  const TensorId named = nhwc::slice(b, scores, {0, background}, {-1, p.classes});
  const TensorId best = nhwc::reduce(b, "ReduceMax", named, {1}, false);
  const TensorId classes = b.cast(nhwc::arg_reduce(b, "ArgMax", named, 1), mlq::DataType::float32);
  const TensorId triples =
      b.node("NonMaxSuppression",
             {nhwc::expand_dims(b, boxes, 0), b.reshape(best, {1, 1, -1}), b.ints({p.detections}),
              b.floats({1}, std::array{p.overlap}), b.floats({1}, std::array{p.score_threshold})});
  const TensorId chosen = nhwc::gather(b, triples, b.scalar(2), 1);
  net.out(padded_rows(b, boxes, chosen, p.detections, {4}), 0);
  net.out(padded_rows(b, classes, chosen, p.detections, {}), 1);
  net.out(padded_rows(b, best, chosen, p.detections, {}), 2);
  net.out(b.cast(b.node("Shape", {chosen}), mlq::DataType::float32), 3);
}

constexpr Row rows[] = {
    {32, "TFLite_Detection_PostProcess", detect},
};

}  // namespace

std::span<const Row> custom_rows() { return rows; }

}  // namespace mlqc::tflite
