// Kinds of object detectors against the format's description, written out.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "tests/frontends/coreml_one_layer.h"

namespace mlqc {
namespace {

using namespace coreml;
using test::Blob;
using test::Floats;
using test::OneLayer;
using Numbers = std::vector<double>;

// Points from which N values are sampled in [0, X - 1], as the format says it in linspaces.
Numbers grid(int mode, double x, int n) {
  const double last = x - 1;
  double start = 0, end = last;
  if (mode == SamplingMode::ALIGN_ENDPOINTS_MODE && n == 1) start = end = last / 2;
  if (mode == SamplingMode::UPSAMPLE_MODE) end = x - x / n;
  if (mode == SamplingMode::ROI_ALIGN_MODE) {
    const double spacing = std::max(1.0, last) / n;
    start = 0.5 * spacing;
    end = start + (n - 1) * spacing;
  }
  Numbers points;
  for (int i = 0; i < n; ++i)
    points.push_back(std::min(last, n == 1 ? start : start + (end - start) * i / (n - 1)));
  return points;
}

double bilinear(const Blob& x, std::int64_t channel, double row, double column) {
  const std::int64_t high = x.shape[1], wide = x.shape[2];
  row = std::clamp(row, 0.0, static_cast<double>(high - 1));
  column = std::clamp(column, 0.0, static_cast<double>(wide - 1));
  const auto r = static_cast<std::int64_t>(row), c = static_cast<std::int64_t>(column);
  const double fr = row - static_cast<double>(r), fc = column - static_cast<double>(c);
  const auto at = [&](std::int64_t i, std::int64_t j) {
    return double{x.at({channel, std::min(i, high - 1), std::min(j, wide - 1)})};
  };
  return (1 - fr) * ((1 - fc) * at(r, c) + fc * at(r, c + 1)) +
         fr * ((1 - fc) * at(r + 1, c) + fc * at(r + 1, c + 1));
}

TEST(ResizeBilinear, EachSamplingMode) {
  const Blob x = test::wave({2, 4, 5});
  for (int mode = 0; mode < 4; ++mode)
    for (const auto& [high, wide] : {std::pair(7, 3), std::pair(1, 2), std::pair(2, 1), std::pair(4, 5)}) {
      SCOPED_TRACE(std::to_string(mode) + ": " + std::to_string(high) + "x" + std::to_string(wide));
      OneLayer net({x}, 1, true);
      ResizeBilinear& p = *net.layer().mutable_resize_bilinear();
      p.add_target_size(static_cast<std::uint64_t>(high));
      p.add_target_size(static_cast<std::uint64_t>(wide));
      p.mutable_mode()->set_sampling_method(static_cast<SamplingMode::Method>(mode));
      Numbers expected;
      for (int c = 0; c < 2; ++c)
        for (const double row : grid(mode, 4, high))
          for (const double column : grid(mode, 5, wide)) expected.push_back(bilinear(x, c, row, column));
      test::expect_near(net.run()[0], expected);
    }
}

// Corners of a box of pixels, heights first.
struct Corners {
  double top, left, bottom, right;
};

Corners corners(int mode, const float* p) {
  const bool height_first = mode == BoxCoordinatesMode::CORNERS_HEIGHT_FIRST ||
                            mode == BoxCoordinatesMode::CENTER_SIZE_HEIGHT_FIRST;
  const double h = p[height_first ? 0 : 1], w = p[height_first ? 1 : 0];
  const double h2 = p[height_first ? 2 : 3], w2 = p[height_first ? 3 : 2];
  if (mode == BoxCoordinatesMode::CORNERS_HEIGHT_FIRST || mode == BoxCoordinatesMode::CORNERS_WIDTH_FIRST)
    return {h, w, h2, w2};
  return {h - h2 / 2, w - w2 / 2, h + h2 / 2, w + w2 / 2};
}

// Two boxes of a picture [2, 6, 5], given as `boxes`, which `scale` turns into pixels.
Numbers cut(const Blob& picture, const Floats& boxes, int box_mode, int mode, double high, double wide) {
  Numbers expected;
  for (std::size_t n = 0; n < boxes.size() / 4; ++n) {
    Corners box = corners(box_mode, &boxes[4 * n]);
    box = {box.top * high, box.left * wide, box.bottom * high, box.right * wide};
    for (int c = 0; c < 2; ++c)
      for (const double row : grid(mode, box.bottom - box.top + 1, 3))
        for (const double column : grid(mode, box.right - box.left + 1, 2))
          expected.push_back(bilinear(picture, c, box.top + row, box.left + column));
  }
  return expected;
}

TEST(CropResize, EachSamplingModeAndEachKindOfBox) {
  const Blob picture = test::wave({2, 6, 5});
  for (int mode = 0; mode < 4; ++mode)
    for (int boxes = 0; boxes < 4; ++boxes)
      for (const bool normalized : {false, true}) {
        SCOPED_TRACE(std::to_string(mode) + " " + std::to_string(boxes));
        const bool center = boxes >= 2;
        Floats values = center ? Floats{2, 2, 3, 2.5f, 3, 1.5f, 2, 1} : Floats{1, 0.5f, 4, 3, 0, 2, 2.5f, 4};
        for (float& v : values) v *= normalized ? 0.2f : 1;
        OneLayer net({{{1, 1, 2, 6, 5}, picture.values}, {{2, 1, 4, 1, 1}, values}});
        CropResize& p = *net.layer().mutable_crop_resize();
        for (const unsigned n : {3u, 2u}) p.add_target_size(n);
        p.set_normalized_coordinates(normalized);
        p.set_spatial_scale(0.75f);
        p.mutable_mode()->set_sampling_method(static_cast<SamplingMode::Method>(mode));
        p.mutable_box_indices_mode()->set_box_mode(static_cast<BoxCoordinatesMode::Coordinates>(boxes));
        const double high = 0.75 * (normalized ? 5 : 1), wide = 0.75 * (normalized ? 4 : 1);
        test::expect_near(net.run()[0], cut(picture, values, boxes, mode, high, wide));
      }
}

TEST(CropResize, BoxesMayNameTheirPicture) {
  const Blob first = test::wave({2, 6, 5}), second = test::wave({2, 6, 5}, 3);
  Floats both = first.values;
  both.insert(both.end(), second.values.begin(), second.values.end());
  OneLayer net({{{1, 2, 2, 6, 5}, both}, {{2, 1, 5, 1, 1}, {1, 1, 0, 4, 3, 0, 0, 2, 3, 4}}});
  CropResize& p = *net.layer().mutable_crop_resize();
  for (const unsigned n : {3u, 2u}) p.add_target_size(n);
  Numbers expected = cut(second, {1, 0, 4, 3}, 0, 0, 1, 1);
  const Numbers rest = cut(first, {0, 2, 3, 4}, 0, 0, 1, 1);
  expected.insert(expected.end(), rest.begin(), rest.end());
  test::expect_near(net.run()[0], expected);
}

struct Result {
  Floats boxes, scores, indices, count;
};

double overlap(const float* a, const float* b) {
  const auto side = [&](int center, int size) {
    return std::min(a[center] + a[size] / 2, b[center] + b[size] / 2) -
           std::max(a[center] - a[size] / 2, b[center] - b[size] / 2);
  };
  const double w = side(0, 2), h = side(1, 3);
  return w <= 0 || h <= 0 ? 0 : w * h / (a[2] * a[3] + b[2] * b[3] - w * h);
}

struct Thresholds {
  float iou, score;
  std::size_t most;
  bool per_class;
};

// One batch entry, as the format describes it.
void naive(const float* boxes, const float* scores, std::size_t n, std::size_t classes, const Thresholds& t,
           Result& out) {
  const auto best = [&](std::size_t i) {
    return static_cast<std::size_t>(std::max_element(scores + i * classes, scores + (i + 1) * classes) -
                                    (scores + i * classes));
  };
  const auto score = [&](std::size_t i) { return scores[i * classes + best(i)]; };
  std::vector<std::size_t> order(n), kept;
  std::iota(order.begin(), order.end(), 0u);
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return score(a) > score(b); });
  for (const std::size_t i : order) {
    if (score(i) < t.score) continue;
    if (std::none_of(kept.begin(), kept.end(), [&](std::size_t k) {
          return (!t.per_class || best(k) == best(i)) && overlap(boxes + 4 * k, boxes + 4 * i) > t.iou;
        }))
      kept.push_back(i);
  }
  if (kept.empty()) kept.push_back(order[0]);
  kept.resize(std::min(kept.size(), t.most));
  for (std::size_t k = 0; k < t.most; ++k) {
    const bool there = k < kept.size();
    for (std::size_t j = 0; j < 4; ++j) out.boxes.push_back(there ? boxes[4 * kept[k] + j] : 0);
    for (std::size_t j = 0; j < classes; ++j) out.scores.push_back(there ? scores[kept[k] * classes + j] : 0);
    out.indices.push_back(there ? static_cast<float>(kept[k]) : -1);
  }
  out.count.push_back(static_cast<float>(kept.size()));
}

void expect_suppression(std::size_t classes, const Thresholds& t, bool from_blobs) {
  constexpr std::size_t batch = 2, n = 6;
  Blob boxes = test::wave({batch, n, 4}),
       scores = test::wave({batch, n, static_cast<std::int64_t>(classes)}, 5);
  for (std::size_t i = 0; i < boxes.values.size(); ++i)
    boxes.values[i] = i % 4 < 2 ? boxes.values[i] : 1 + std::abs(boxes.values[i]);
  std::vector<Blob> inputs{boxes, scores};
  if (from_blobs)
    for (const float value : {t.iou, t.score, static_cast<float>(t.most)}) inputs.push_back({{1}, {value}});
  OneLayer net(inputs, 4);
  NonMaximumSuppression& p = *net.layer().mutable_non_maximum_suppression();
  p.set_iou_threshold(from_blobs ? 1 : t.iou);
  p.set_score_threshold(from_blobs ? 0 : t.score);
  p.set_max_boxes(from_blobs ? 1 : t.most);
  p.set_per_class_suppression(t.per_class);
  Result expected;
  for (std::size_t b = 0; b < batch; ++b)
    naive(&boxes.values[b * n * 4], &scores.values[b * n * classes], n, classes, t, expected);
  const auto actual = net.run();
  EXPECT_EQ(actual[0], expected.boxes);
  EXPECT_EQ(actual[1], expected.scores);
  EXPECT_EQ(actual[2], expected.indices);
  EXPECT_EQ(actual[3], expected.count);
}

TEST(NonMaximumSuppression, IsTheFormatsDescription) {
  for (const bool per_class : {false, true})
    for (const std::size_t classes : {1u, 3u})
      for (const float iou : {0.1f, 0.4f, 0.9f})
        for (const float score : {-3.0f, 0.5f, 100.0f})
          for (const std::size_t most : {2u, 6u, 9u})
            for (const bool from_blobs : {false, true})
              expect_suppression(classes, {iou, score, most, per_class}, from_blobs);
}

// A score that equals the threshold is not below it.
TEST(NonMaximumSuppression, TheThresholdItselfIsEnough) {
  OneLayer net({{{1, 2, 4}, {0, 0, 1, 1, 5, 5, 1, 1}}, {{1, 2, 1}, {0.25f, 0.5f}}}, 4);
  NonMaximumSuppression& p = *net.layer().mutable_non_maximum_suppression();
  p.set_iou_threshold(0.5f);
  p.set_score_threshold(0.25f);
  p.set_max_boxes(2);
  EXPECT_THAT(net.run()[2], testing::ElementsAre(1, 0));
}

}  // namespace
}  // namespace mlqc
