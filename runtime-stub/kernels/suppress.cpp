// NonMaxSuppression: boxes in the order of their scores, without those that overlap a chosen one too much.
#include <algorithm>
#include <numeric>
#include <vector>

#include "runtime-stub/kernels/families.h"
#include "runtime-stub/kernels/support.h"

namespace mlq::kernels {
namespace {

struct Box {
  float top, left, bottom, right;
  float area() const { return (bottom - top) * (right - left); }
};

Box box_at(const float* p, bool center) {
  if (center) return {p[1] - p[3] / 2, p[0] - p[2] / 2, p[1] + p[3] / 2, p[0] + p[2] / 2};
  return {std::min(p[0], p[2]), std::min(p[1], p[3]), std::max(p[0], p[2]), std::max(p[1], p[3])};
}

float overlap(const Box& a, const Box& b) {
  float height = std::min(a.bottom, b.bottom) - std::max(a.top, b.top);
  float width = std::min(a.right, b.right) - std::max(a.left, b.left);
  if (height <= 0 || width <= 0) return 0;
  return height * width / (a.area() + b.area() - height * width);
}

// Chosen boxes of one class of one image, best first.
std::vector<std::int64_t> choose(const float* boxes, const float* scores, std::int64_t n, std::int64_t most,
                                 float iou, const float* threshold, bool center) {
  std::vector<std::int64_t> order(n), chosen;
  std::iota(order.begin(), order.end(), 0);
  std::erase_if(
      order, [&](std::int64_t i) { return threshold ? !(scores[i] > *threshold) : scores[i] != scores[i]; });
  std::stable_sort(order.begin(), order.end(),
                   [&](std::int64_t a, std::int64_t b) { return scores[a] > scores[b]; });
  for (std::int64_t i : order) {
    if (static_cast<std::int64_t>(chosen.size()) >= most) break;
    Box box = box_at(boxes + 4 * i, center);
    if (std::none_of(chosen.begin(), chosen.end(),
                     [&](std::int64_t k) { return overlap(box, box_at(boxes + 4 * k, center)) > iou; }))
      chosen.push_back(i);
  }
  return chosen;
}

// Triples image, class, box.
std::vector<std::int64_t> choose_all(const Call& call) {
  const Shape& s = call.inputs[1].shape;
  auto most = integers(call, 2, {0});
  float iou = scalar(call, 3, 0.0f), threshold = scalar(call, 4, 0.0f);
  bool center = call.node.get_int("center_point_box", 0) != 0;
  std::vector<std::int64_t> triples;
  for (std::int64_t b = 0; b < s[0]; ++b)
    for (std::int64_t c = 0; c < s[1]; ++c)
      for (std::int64_t i : choose(
               in<float>(call, 0) + b * s[2] * 4, in<float>(call, 1) + (b * s[1] + c) * s[2], s[2],
               most && !most->empty() ? most->front() : 0, iou, call.given(4) ? &threshold : nullptr, center))
        triples.insert(triples.end(), {b, c, i});
  return triples;
}

Status infer(Call& call) {
  if (!has_operands(call, 2)) return fail(call, "needs boxes and scores");
  const Shape &boxes = call.inputs[0].shape, &scores = call.inputs[1].shape;
  if (call.inputs[0].type != DataType::float32 || call.inputs[1].type != DataType::float32)
    return fail(call, "is for float32 only");
  bool fits = boxes.size() == 3 && scores.size() == 3 && (boxes[2] == 4 || boxes[2] == unknown);
  if (!fits || (is_known(boxes) && is_known(scores) && (boxes[0] != scores[0] || boxes[1] != scores[2])))
    return fail(call, "boxes and scores do not fit each other");
  bool data = true;
  for (std::size_t i = 0; i < call.inputs.size(); ++i) data &= !call.given(i) || call.inputs[i].data;
  std::int64_t n = unknown;
  if (data && is_known(boxes) && is_known(scores)) n = static_cast<std::int64_t>(choose_all(call).size()) / 3;
  set_output(call, 0, DataType::int64, {n, 3});
  return {};
}

Status evaluate(const Call& call) {
  auto triples = choose_all(call);
  auto room = static_cast<std::size_t>(product(call.outputs[0].shape));
  std::copy_n(triples.begin(), std::min(room, triples.size()), out<std::int64_t>(call));
  return {};
}

constexpr Kernel rows[] = {{"NonMaxSuppression", infer, evaluate}};

}  // namespace

std::span<const Kernel> suppress_kernels() { return rows; }

}  // namespace mlq::kernels
