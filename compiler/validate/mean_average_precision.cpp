// Boxes, one row x1, y1, x2, y2, score, class each: the average precision of the candidate's boxes with the
// reference's as the truth, at an intersection over union of 0.5; the mean over the classes that either sees,
// as PASCAL VOC has counted since 2010. Rows without a positive score are padding.
#include <algorithm>
#include <cmath>
#include <map>

#include "compiler/validate/metric.h"

namespace mlqc {

namespace {

constexpr std::size_t row = 6;
constexpr double enough = 0.5;

struct Box {
  double x1, y1, x2, y2, score;
};
using Boxes = std::vector<Box>;

std::map<double, Boxes> by_class(const std::vector<double>& values) {
  std::map<double, Boxes> classes;
  for (std::size_t i = 0; i + row <= values.size(); i += row)
    if (const double* v = &values[i]; v[4] > 0) classes[v[5]].push_back({v[0], v[1], v[2], v[3], v[4]});
  for (auto& [of, boxes] : classes) std::ranges::stable_sort(boxes, std::greater{}, &Box::score);
  return classes;
}

double area(const Box& box) { return std::max(0.0, box.x2 - box.x1) * std::max(0.0, box.y2 - box.y1); }

double overlap(const Box& a, const Box& b) {
  const double both =
      area({std::max(a.x1, b.x1), std::max(a.y1, b.y1), std::min(a.x2, b.x2), std::min(a.y2, b.y2), 0});
  const double either = area(a) + area(b) - both;
  return either > 0 ? both / either : 0;
}

// Each box, best first, takes the truth that it overlaps most, unless an earlier one has it.
std::vector<bool> matches(const Boxes& boxes, const Boxes& truth) {
  std::vector<bool> taken(truth.size()), hits;
  for (const Box& box : boxes) {
    std::size_t best = 0;
    for (std::size_t i = 1; i < truth.size(); ++i)
      if (overlap(box, truth[i]) > overlap(box, truth[best])) best = i;
    const bool hit = overlap(box, truth[best]) >= enough && !taken[best];
    if (hit) taken[best] = true;
    hits.push_back(hit);
  }
  return hits;
}

// The area under the curve of precision over recall, made falling.
double average_precision(const Boxes& boxes, const Boxes& truth) {
  if (boxes.empty() || truth.empty()) return 0;  // a class that only one of the two sees
  const std::vector<bool> hits = matches(boxes, truth);
  std::vector<double> precision;
  double found = 0, sum = 0, highest = 0;
  for (std::size_t i = 0; i < hits.size(); ++i)
    precision.push_back((found += hits[i]) / static_cast<double>(i + 1));
  for (std::size_t i = hits.size(); i-- > 0;) {
    highest = std::max(highest, precision[i]);
    if (hits[i]) sum += highest;
  }
  return sum / static_cast<double>(truth.size());
}

double sample(const mlq::Feature& output, const mlq::Array& reference, const mlq::Array& candidate) {
  auto ours = by_class(user_values(output, reference)), theirs = by_class(user_values(output, candidate));
  for (const auto& [of, boxes] : ours) theirs[of];
  if (theirs.empty()) return 1;  // both see nothing
  double sum = 0;
  for (const auto& [of, boxes] : theirs) sum += average_precision(boxes, ours[of]);
  return sum / static_cast<double>(theirs.size());
}

bool applies(const mlq::Feature& output) {
  const std::size_t rank = output.shape.size();
  return output.kind == mlq::FeatureKind::tensor && (rank == 2 || rank == 3) && output.shape.back() == 6;
}

}  // namespace

const Metric mean_average_precision{"mean_average_precision", true, Summary::mean, applies, sample};

}  // namespace mlqc
