#include "lost_confidence.h"

#include <algorithm>

namespace app {

double lost_confidence(const mlq::Feature&, std::span<const double> reference,
                       std::span<const double> candidate) {
  const auto answer = std::ranges::max_element(reference) - reference.begin();
  return std::max(0.0, reference[answer] - candidate[answer]);
}

}  // namespace app
