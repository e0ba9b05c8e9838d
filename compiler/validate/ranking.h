// Which classes a candidate loses: a mean over all samples hides one that is gone altogether.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "mlq/graph.h"
#include "mlq/model.h"

namespace mlqc {

// Of the samples that the reference puts into this class.
struct ClassAgreement {
  std::string label;  // the place of the score where there are no labels
  std::size_t n = 0, agreed = 0;
};

// A sample that the candidate puts into another class than the reference.
struct Flip {
  std::string sample;
  std::string reference, candidate;                 // labels
  double reference_score = 0, candidate_score = 0;  // each model's own highest
};

struct Ranking {
  std::vector<ClassAgreement> classes;  // those with samples, in the order of the scores
  std::vector<Flip> flips;              // in the order of the samples
};

// Fewer samples say nothing about a class.
inline constexpr std::size_t least_of_class = 5;
// The class with the lowest agreement among those with enough samples; null when there is none.
const ClassAgreement* worst_class(const Ranking& ranking);

// The places and values of the highest scores of one sample.
struct Best {
  std::int64_t reference = 0, candidate = 0;
  double reference_score = 0, candidate_score = 0;
};
// Nothing for outputs that are not a ranking, and where scores are not numbers.
std::optional<Best> best_of(const mlq::Feature& output, const mlq::Array& reference,
                            const mlq::Array& candidate);

// `best` has one entry per sample, in the order of `names`; nothing for those that failed.
Ranking rank(std::span<const std::optional<Best>> best, std::span<const std::string> names,
             const std::vector<std::string>& labels);

}  // namespace mlqc
