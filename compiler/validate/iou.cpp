// Intersection over union of masks: for each class that either model sees, the pixels that both put there
// over those that one does; the mean over the classes.
#include <cmath>
#include <map>

#include "compiler/validate/metric.h"
#include "compiler/validate/planes.h"

namespace mlqc {

namespace {

struct Counts {
  std::size_t both = 0, either = 0;
};

double sample(const mlq::Feature& output, const mlq::Array& reference, const mlq::Array& candidate) {
  const auto planes = planes_of(reference.shape);
  if (!planes) return std::nan("");
  const auto ours = classes_of(*planes, user_values(output, reference)),
             theirs = classes_of(*planes, user_values(output, candidate));
  std::map<std::size_t, Counts> classes;
  for (std::size_t i = 0; i < ours.size(); ++i) {
    ++classes[ours[i]].either;
    if (ours[i] == theirs[i])
      ++classes[ours[i]].both;
    else
      ++classes[theirs[i]].either;
  }
  double sum = 0;
  for (const auto& [of, counts] : classes)
    sum += static_cast<double>(counts.both) / static_cast<double>(counts.either);
  return sum / static_cast<double>(classes.size());
}

}  // namespace

const Metric iou{"iou", true, Summary::mean, is_planes, sample};

}  // namespace mlqc
