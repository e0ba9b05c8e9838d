#include "compiler/validate/ranking.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "compiler/validate/metric.h"

namespace mlqc {

namespace {

double share(const ClassAgreement& figures) {
  return static_cast<double>(figures.agreed) / static_cast<double>(figures.n);
}

std::string label_of(std::int64_t place, const std::vector<std::string>& labels) {
  const auto index = static_cast<std::size_t>(place);
  return index < labels.size() ? labels[index] : std::to_string(place);
}

bool is_lost(const std::vector<double>& scores) {
  return scores.empty() || std::ranges::any_of(scores, [](double value) { return std::isnan(value); });
}

}  // namespace

const ClassAgreement* worst_class(const Ranking& ranking) {
  const ClassAgreement* worst = nullptr;
  for (const ClassAgreement& figures : ranking.classes)
    if (figures.n >= least_of_class && (!worst || share(figures) < share(*worst))) worst = &figures;
  return worst;
}

std::optional<Best> best_of(const mlq::Feature& output, const mlq::Array& reference,
                            const mlq::Array& candidate) {
  if (!is_ranking(output, 2)) return std::nullopt;
  const std::vector<double> ours = user_values(output, reference), theirs = user_values(output, candidate);
  if (is_lost(ours) || is_lost(theirs)) return std::nullopt;
  const auto mine = std::ranges::max_element(ours), other = std::ranges::max_element(theirs);
  return Best{mine - ours.begin(), other - theirs.begin(), *mine, *other};
}

Ranking rank(std::span<const std::optional<Best>> best, std::span<const std::string> names,
             const std::vector<std::string>& labels) {
  std::map<std::int64_t, ClassAgreement> classes;
  Ranking ranking;
  for (std::size_t i = 0; i < best.size(); ++i) {
    if (!best[i]) continue;
    const Best& of = *best[i];
    ClassAgreement& figures = classes[of.reference];
    ++figures.n;
    figures.agreed += of.reference == of.candidate;
    if (of.reference != of.candidate)
      ranking.flips.push_back({names[i], label_of(of.reference, labels), label_of(of.candidate, labels),
                               of.reference_score, of.candidate_score});
  }
  for (auto& [place, figures] : classes) {
    figures.label = label_of(place, labels);
    ranking.classes.push_back(std::move(figures));
  }
  return ranking;
}

}  // namespace mlqc
