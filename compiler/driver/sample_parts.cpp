#include "compiler/driver/sample_parts.h"

#include <algorithm>

namespace mlqc {

namespace {

constexpr std::size_t every = 4, fewest_to_split = 8;

}  // namespace

std::vector<std::size_t> spread(std::size_t count, std::size_t most) {
  const std::size_t used = std::min(count, most);
  std::vector<std::size_t> which;
  for (std::size_t i = 0; i < used; ++i) which.push_back(i * count / used);
  return which;
}

Samples chosen_samples(const Samples& samples, const std::vector<std::size_t>& which) {
  Samples result;
  result.seed = samples.seed;
  for (const std::size_t i : which) {
    result.items.push_back(samples.items[i]);
    if (!samples.labels.empty()) result.labels.push_back(samples.labels[i]);
  }
  return result;
}

SampleParts split(const Samples& samples) {
  // Behind the pictures stands what was made of them, in the same order, once for each change.
  const auto own = static_cast<std::size_t>(
      std::ranges::count_if(samples.items, [](const auto& item) { return !item.mirrored && !item.cropped; }));
  const bool both = own < fewest_to_split;
  std::vector<std::size_t> steering, held;
  for (std::size_t i = 0; i < samples.items.size(); ++i) {
    const bool judges = i % own % every == every - 1;
    if (both || !judges) steering.push_back(i);
    if ((both || judges) && i < own) held.push_back(i);
  }
  return {chosen_samples(samples, steering), chosen_samples(samples, held)};
}

}  // namespace mlqc
