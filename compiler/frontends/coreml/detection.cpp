// What detectors of objects are made of: cut-outs of a picture by boxes, and the choice among boxes.
#include <algorithm>
#include <limits>

#include "compiler/frontends/coreml/layers.h"
#include "compiler/frontends/coreml/network.pb.h"
#include "compiler/frontends/coreml/sampling.h"
#include "compiler/frontends/coreml/suppression.h"

namespace mlqc::coreml {

namespace {

using Layer = NeuralNetworkLayer;

// One column of boxes [N, 4] as [N, 1, 1, 1], times a factor.
TensorId column(Build& b, TensorId boxes, std::int64_t which, float scale) {
  const TensorId one = b.node("Slice", {boxes, b.ints({which}), b.ints({which + 1}), b.ints({1})});
  const TensorId shaped = b.reshape(one, {-1, 1, 1, 1});
  return scale == 1 ? shaped : b.multiply(shaped, b.number(scale));
}

// Start and end along one axis; `first` is the place of its numbers in a box.
Interval interval(Build& b, const CropResize& p, TensorId boxes, std::int64_t first, std::int64_t cells,
                  std::int64_t points) {
  float scale = or_default(p.spatial_scale(), 1.0f);
  if (p.normalized_coordinates()) scale *= static_cast<float>(cells - 1);
  const TensorId a = column(b, boxes, first, scale), z = column(b, boxes, first + 2, scale);
  Interval out{a, z, grid_line(p.mode().sampling_method(), points)};
  const auto mode = p.box_indices_mode().box_mode();
  if (mode == BoxCoordinatesMode::CENTER_SIZE_HEIGHT_FIRST ||
      mode == BoxCoordinatesMode::CENTER_SIZE_WIDTH_FIRST) {
    const TensorId half = b.multiply(z, b.number(0.5f));
    out.start = b.subtract(a, half);
    out.end = b.add(a, half);
  }
  return out;
}

// Pictures [1, B, C, H, W] (RANK5 networks: [1, C, H, W]), boxes [N, 1, 4 or 5, 1, 1] (or [N, 4 or 5, 1, 1]).
void crop_resize(Build& b, const Layer& layer, const char*) {
  const CropResize& p = layer.crop_resize();
  Ints target = sizes(b, p.target_size());
  if (target.empty()) target = {1, 1};
  b.require(target.size() == 2 && target[0] > 0 && target[1] > 0,
            "has a target size of other than two sizes");
  const Shape x = b.shape(b.in(0)), rois = b.shape(b.in(1));
  const std::size_t rank = b.rank5 ? 4 : 5;
  b.require(x.size() == rank && rois.size() == rank, "has inputs of another rank than the format allows");
  b.require(std::count(x.begin(), x.end(), -1) == 0 && rois[rank - 3] >= 4 && rois[rank - 3] <= 5,
            "needs a picture of known size and boxes of four or five numbers");
  const std::int64_t width = rois[rank - 3], batch = b.rank5 ? 1 : x[1], channels = x[rank - 3];
  const std::int64_t high = x[rank - 2], wide = x[rank - 1];
  TensorId pictures = b.reshape(b.in(0), {batch, channels, high, wide});
  TensorId boxes = b.reshape(b.in(1), {-1, width});
  std::int64_t each = batch;
  if (width == 5) {  // the first number of a box is its picture's place in the batch
    const TensorId of = b.node("Slice", {boxes, b.ints({0}), b.ints({1}), b.ints({1})});
    boxes = b.node("Slice", {boxes, b.ints({1}), b.ints({5}), b.ints({1})});
    pictures = b.node("Gather", {pictures, b.indices(b.reshape(of, {-1}))}, {{"axis", std::int64_t{0}}});
    each = 1;
  } else {
    pictures = b.reshape(pictures, {1, batch * channels, high, wide});
  }
  const auto mode = p.box_indices_mode().box_mode();
  const bool height_first = mode == BoxCoordinatesMode::CORNERS_HEIGHT_FIRST ||
                            mode == BoxCoordinatesMode::CENTER_SIZE_HEIGHT_FIRST;
  const Interval rows = interval(b, p, boxes, height_first ? 0 : 1, high, target[0]);
  const Interval columns = interval(b, p, boxes, height_first ? 1 : 0, wide, target[1]);
  const TensorId cut = sample(b, pictures, rows, columns);
  b.out(b.rank5 ? cut : b.reshape(cut, {rois[0], each, channels, target[0], target[1]}));
}

TensorId option(Build& b, int i, float otherwise) {
  return b.inputs() > i ? b.reshape(b.in(i), {1}) : b.floats({1}, std::vector<float>{otherwise});
}

void non_maximum_suppression(Build& b, const Layer& layer, const char*) {
  const NonMaximumSuppression& p = layer.non_maximum_suppression();
  Suppression s{b.in(0), b.in(1), option(b, 2, p.iou_threshold()), option(b, 3, p.score_threshold()),
                p.per_class_suppression()};
  const TensorId most =
      b.inputs() > 4 ? b.reshape(b.indices(b.in(4)), {1}) : b.ints({size(b, p.max_boxes())});
  const Survivors kept = suppress(b, s, true);
  // All lists get so many rows more, and are cut to as many.
  const auto rows = [&](TensorId list, std::int64_t rank, float padding) {
    TensorId before = b.ints(Ints(static_cast<std::size_t>(rank + 1), 0)),
             after = b.ints(Ints(static_cast<std::size_t>(rank - 2), 0));
    Ids pads{before, most};
    if (rank > 2) pads.push_back(after);
    const TensorId padded = b.node(
        "Pad", {list, b.node("Concat", std::move(pads), {{"axis", std::int64_t{0}}}), b.number(padding)});
    return b.node("Slice", {padded, b.ints({0}), most, b.ints({1})});
  };
  b.out(rows(kept.boxes, 3, 0), 0);
  b.out(rows(kept.scores, 3, 0), 1);
  if (b.outputs() > 2) b.out(rows(b.cast(kept.indices, mlq::DataType::float32), 2, -1), 2);
  if (b.outputs() > 3) b.out(b.node("Min", {kept.count, b.cast(most, mlq::DataType::float32)}), 3);
}

constexpr Row rows[] = {
    {Layer::kCropResize, crop_resize},
    {Layer::kNonMaximumSuppression, non_maximum_suppression},
};

}  // namespace

std::span<const Row> detection_rows() { return rows; }

}  // namespace mlqc::coreml
