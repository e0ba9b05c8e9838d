#include "even_shares.h"

#include <algorithm>
#include <numeric>

namespace app {

mlq::Result<mlq::Lut> even_shares(const mlq::LutTask& task) {
  const std::size_t count = task.weights.size(), entries = std::min(count, std::size_t{1} << task.bits);
  std::vector<std::size_t> order(count);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, {}, [&](std::size_t i) { return task.weights[i]; });
  mlq::Lut lut{std::vector<float>(entries), std::vector<std::uint8_t>(count)};
  for (std::size_t entry = 0; entry < entries; ++entry) {
    const std::size_t begin = entry * count / entries, end = (entry + 1) * count / entries;
    double sum = 0;
    for (std::size_t i = begin; i < end; ++i) {
      sum += task.weights[order[i]];
      lut.indices[order[i]] = static_cast<std::uint8_t>(entry);
    }
    lut.table[entry] = static_cast<float>(sum / static_cast<double>(end - begin));
  }
  return lut;
}

}  // namespace app
