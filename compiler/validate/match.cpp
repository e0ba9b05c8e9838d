#include "compiler/validate/match.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "compiler/support/error.h"

namespace mlqc {

namespace {

using mlq::Feature;

// For each of `ours` the place of its counterpart in `theirs`: by name, the rest in order.
std::vector<std::optional<std::size_t>> match(const std::vector<Feature>& ours,
                                              const std::vector<Feature>& theirs) {
  const auto is_label = [](const Feature& feature) { return feature.kind == mlq::FeatureKind::label; };
  std::vector<std::optional<std::size_t>> found(ours.size());
  std::vector<bool> taken(theirs.size());
  const auto take_first = [&](std::size_t i, auto suits) {
    for (std::size_t j = 0; j < theirs.size() && !found[i]; ++j) {
      if (taken[j] || is_label(ours[i]) != is_label(theirs[j]) || !suits(theirs[j])) continue;
      taken[j] = true;
      found[i] = j;
    }
  };
  for (std::size_t i = 0; i < ours.size(); ++i)
    take_first(i, [&](const Feature& feature) { return feature.name == ours[i].name; });
  for (std::size_t i = 0; i < ours.size(); ++i) take_first(i, [](const Feature&) { return true; });
  return found;
}

std::string names(const std::vector<Feature>& features) {
  std::string list;
  for (const Feature& feature : features)
    list += fmt::format("{}'{}' ({})", list.empty() ? "" : ", ", feature.name, mlq::to_string(feature.shape));
  return list.empty() ? "none" : list;
}

[[noreturn]] void do_not_fit(const char* what, const std::vector<Feature>& ours,
                             const std::vector<Feature>& theirs) {
  throw Error(Exit::usage, {{},
                            fmt::format("the models' {} do not fit each other", what),
                            "MLQ404",
                            "compare two models of the same interface",
                            {fmt::format("the reference's: {}", names(ours)),
                             fmt::format("the candidate's: {}", names(theirs))}});
}

}  // namespace

std::vector<std::size_t> match_inputs(const mlq::Graph& reference, const mlq::Graph& candidate) {
  const auto found = match(candidate.inputs, reference.inputs);
  std::vector<std::size_t> order;
  for (const auto& place : found)
    if (place) order.push_back(*place);
  if (order.size() != candidate.inputs.size() || order.size() != reference.inputs.size())
    do_not_fit("inputs", reference.inputs, candidate.inputs);
  return order;
}

std::vector<OutputPair> match_outputs(const mlq::Graph& reference, const mlq::Graph& candidate) {
  const auto found = match(reference.outputs, candidate.outputs);
  std::vector<OutputPair> pairs;
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (found[i])
      pairs.push_back({i, *found[i]});
    else if (reference.outputs[i].kind != mlq::FeatureKind::label)
      do_not_fit("outputs", reference.outputs, candidate.outputs);
  }
  return pairs;
}

}  // namespace mlqc
