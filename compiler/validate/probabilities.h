// Scores as probabilities.
#pragma once

#include <vector>

namespace mlqc {

// In place. Scores that are no probabilities (negative, or with another sum than 1) go through softmax first.
// `scores` is not empty.
void to_probabilities(std::vector<double>& scores);

}  // namespace mlqc
