#include "compiler/quantize/custom_lut.h"

#include <algorithm>
#include <numeric>

namespace mlqc {

namespace {

CustomLut& current() {
  static CustomLut function;
  return function;
}

// The table in ascending order, and the indices that follow it.
mlq::Lut sorted(const mlq::Lut& made) {
  std::vector<std::size_t> order(made.table.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, {}, [&](std::size_t i) { return made.table[i]; });
  std::vector<std::uint8_t> place(order.size());
  mlq::Lut result;
  for (std::size_t i = 0; i < order.size(); ++i) {
    result.table.push_back(made.table[order[i]]);
    place[order[i]] = static_cast<std::uint8_t>(i);
  }
  for (const std::uint8_t index : made.indices) result.indices.push_back(place[index]);
  return result;
}

// Numbers of group g, one after the other.
std::vector<float> group_of(std::span<const float> values, const Weights& weights, std::size_t g) {
  const auto groups = static_cast<std::size_t>(weights.groups),
             inner = static_cast<std::size_t>(weights.inner);
  std::vector<float> result;
  for (std::size_t at = g * inner; at < values.size(); at += groups * inner)
    result.insert(result.end(), values.begin() + static_cast<std::ptrdiff_t>(at),
                  values.begin() + static_cast<std::ptrdiff_t>(at + inner));
  return result;
}

}  // namespace

void use_custom_lut(CustomLut function) { current() = std::move(function); }
bool has_custom_lut() { return current() != nullptr; }

Quantized custom_lut(const Weights& weights, int bits, std::span<const float> importance,
                     std::string_view layer) {
  const auto groups = static_cast<std::size_t>(weights.groups),
             inner = static_cast<std::size_t>(weights.inner);
  Quantized result;
  result.indices.resize(weights.values.size());
  for (std::size_t g = 0; g < groups; ++g) {
    const std::vector<float> values = group_of(weights.values, weights, g),
                             costs = group_of(importance, weights, g);
    mlq::Lut made = sorted(current()({values, bits, costs, layer}));
    made.table.resize(std::size_t{1} << bits, made.table.back());
    result.table.insert(result.table.end(), made.table.begin(), made.table.end());
    for (std::size_t i = 0; i < values.size(); ++i)
      result.indices[(i / inner * groups + g) * inner + i % inner] = made.indices[i];
  }
  return result;
}

}  // namespace mlqc
