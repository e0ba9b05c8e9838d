#include "compiler/quantize/auto_bits.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <utility>

namespace mlqc {

namespace {

using Chosen = std::vector<std::size_t>;

// What a measured damage of zero counts as: less than anything that was measured.
constexpr double trifle = 1e-12;
// Of choices whose bytes are equal to one part in so many of the largest, only the least harmful is followed.
constexpr std::size_t bins = std::size_t{1} << 14;

double sum(const std::vector<LayerWidths>& layers, const Chosen& chosen, double WidthChoice::*what) {
  double total = 0;
  for (std::size_t i = 0; i < layers.size(); ++i) total += layers[i].choices[chosen[i]].*what;
  return total;
}

// Choices for the layers so far: what the last one takes, and the point of the layers before that it adds to.
struct Point {
  double bytes = 0, damage = std::numeric_limits<double>::infinity();
  std::uint32_t parent = 0, choice = 0;
};
// Ascending in bytes, descending in damage.
using Front = std::vector<Point>;

// Leaves what does less damage than all that takes as many bytes or fewer.
void drop_dominated(Front& front) {
  double least = std::numeric_limits<double>::infinity();
  std::erase_if(front, [&](const Point& point) {
    if (!(point.damage < least)) return true;
    least = point.damage;
    return false;
  });
}

// A layer's choices that are worth a thought.
Front front_of(const LayerWidths& layer) {
  Front front;
  for (std::size_t i = 0; i < layer.choices.size(); ++i)
    front.push_back({layer.choices[i].bytes, layer.choices[i].damage, 0, static_cast<std::uint32_t>(i)});
  std::ranges::stable_sort(front, {}, [](const Point& p) { return std::pair(p.bytes, p.damage); });
  drop_dominated(front);
  return front;
}

// All of `before` with each of the choices.
Front with(const Front& before, const Front& choices) {
  Front best(bins);
  const double scale = (bins - 1) / std::max(before.back().bytes + choices.back().bytes, 1.0);
  for (const Point& choice : choices)
    for (std::size_t i = 0; i < before.size(); ++i) {
      const double bytes = before[i].bytes + choice.bytes, damage = before[i].damage + choice.damage;
      Point& kept = best[static_cast<std::size_t>(bytes * scale)];
      if (damage < kept.damage) kept = {bytes, damage, static_cast<std::uint32_t>(i), choice.choice};
    }
  drop_dominated(best);
  return best;
}

// The least damage that every number of bytes buys.
class Frontier {
 public:
  explicit Frontier(const std::vector<LayerWidths>& layers) {
    fronts_.push_back({{0, 0, 0, 0}});
    for (const LayerWidths& layer : layers) fronts_.push_back(with(fronts_.back(), front_of(layer)));
  }

  const Front& points() const { return fronts_.back(); }

  Chosen chosen(std::size_t point) const {
    Chosen result(fronts_.size() - 1);
    for (std::size_t i = result.size(); i-- > 0;) {
      result[i] = fronts_[i + 1][point].choice;
      point = fronts_[i + 1][point].parent;
    }
    return result;
  }

 private:
  std::vector<Front> fronts_;  // of no layer, of the first, of the first two ...
};

}  // namespace

double bytes_of(const std::vector<LayerWidths>& layers, const Chosen& chosen) {
  return sum(layers, chosen, &WidthChoice::bytes);
}

double damage_of(const std::vector<LayerWidths>& layers, const Chosen& chosen) {
  return sum(layers, chosen, &WidthChoice::damage);
}

Chosen widths_within(const std::vector<LayerWidths>& layers, double bytes) {
  const Frontier frontier(layers);
  const Front& points = frontier.points();
  const auto more = std::ranges::upper_bound(points, bytes, {}, &Point::bytes) - points.begin();
  return frontier.chosen(static_cast<std::size_t>(std::max<std::ptrdiff_t>(more, 1) - 1));
}

Chosen widths_for_damage(const std::vector<LayerWidths>& layers, double damage) {
  const Frontier frontier(layers);
  const Front& points = frontier.points();
  const auto first = std::ranges::find_if(points, [&](const Point& p) { return p.damage <= damage; });
  return frontier.chosen(
      static_cast<std::size_t>(std::min<std::ptrdiff_t>(first - points.begin(), std::ssize(points) - 1)));
}

double damage_at(const std::vector<WidthChoice>& measured, double bits) {
  double at = std::log2(std::max(measured[0].damage, trifle)), slope = 0;
  double from = measured[0].bits;
  for (std::size_t i = 1; i < measured.size(); ++i) {
    if (i > 1) {
      if (bits <= measured[i - 1].bits) break;
      at += slope * (measured[i - 1].bits - from);
      from = measured[i - 1].bits;
    }
    const double to = std::log2(std::max(measured[i].damage, trifle));
    slope = std::min(-1.0, (to - at) / (measured[i].bits - from));
  }
  return std::exp2(at + slope * (bits - from));
}

}  // namespace mlqc
