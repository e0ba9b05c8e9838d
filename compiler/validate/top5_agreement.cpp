// Whether the reference's highest score is among the candidate's five highest.
#include <algorithm>
#include <cmath>

#include "compiler/validate/metric.h"

namespace mlqc {

namespace {

// How many scores rank before the one at `place`: the higher ones, and of equal ones those further in front.
std::ptrdiff_t rank(const std::vector<double>& scores, std::ptrdiff_t place) {
  const double mine = scores[place];
  return std::count_if(scores.begin(), scores.end(), [&](double score) { return score > mine; }) +
         std::count(scores.begin(), scores.begin() + place, mine);
}

double sample(const mlq::Feature& output, const mlq::Array& reference, const mlq::Array& candidate) {
  const std::vector<double> ours = user_values(output, reference), theirs = user_values(output, candidate);
  const auto lost = [](double value) { return std::isnan(value); };
  if (ours.empty() || std::ranges::any_of(ours, lost) || std::ranges::any_of(theirs, lost)) return 0;
  return rank(theirs, std::ranges::max_element(ours) - ours.begin()) < 5;
}

// Among five scores or fewer every one is in the first five.
bool applies(const mlq::Feature& output) { return is_ranking(output, 6); }

}  // namespace

const Metric top5_agreement{"top5_agreement", true, Summary::hits, applies, sample};

}  // namespace mlqc
