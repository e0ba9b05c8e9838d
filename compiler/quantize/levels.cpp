#include "compiler/quantize/levels.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "compiler/quantize/half.h"

namespace mlqc {

namespace {

double stored(double value) { return static_cast<float>(value); }

double number(const Levels& levels, double value, double whole) {
  return levels.halves ? near_half(value, whole) : stored(value);
}

void set_even(Levels& levels, double scale, double offset) {
  levels.scale = number(levels, scale, scale);
  levels.offset = number(levels, offset, offset);
  for (std::size_t i = 0; i < levels.values.size(); ++i)
    levels.values[i] = stored(levels.scale * static_cast<double>(i) + levels.offset);
}

void round_table(Levels& levels) {
  double largest = 0;
  for (const double value : levels.values) largest = std::max(largest, std::abs(value));
  for (double& value : levels.values) value = number(levels, value, largest);
}

void set_thresholds(Levels& levels) {
  levels.threshold.clear();
  for (std::size_t i = 0; i + 1 < levels.values.size(); ++i)
    levels.threshold.push_back((levels.values[i] + levels.values[i + 1]) / 2);
}

bool is_even(const Levels& levels) { return levels.fit == Fit::affine || levels.fit == Fit::symmetric; }

}  // namespace

std::size_t Levels::nearest(double value) const {
  if (threshold.empty()) {
    if (!(scale > 0)) return 0;
    const double place = std::nearbyint((value - offset) / scale);
    return static_cast<std::size_t>(std::clamp(place, 0.0, static_cast<double>(values.size() - 1)));
  }
  return static_cast<std::size_t>(std::lower_bound(threshold.begin(), threshold.end(), value) -
                                  threshold.begin());
}

std::vector<Levels> to_levels(const Quantized& quantized, std::size_t count, Fit fit) {
  std::vector<Levels> result;
  // Symmetric levels would lose their 0.
  const bool halves = fit == Fit::free || fit == Fit::affine;
  for (std::size_t g = 0; g < quantized.scale.size(); ++g) {
    result.push_back({fit, std::vector<double>(count), 0, 0, {}, halves});
    set_even(result.back(), quantized.scale[g], quantized.offset[g]);
  }
  for (std::size_t at = 0; at < quantized.table.size(); at += count) {
    result.push_back({fit, {}, 0, 0, {}, halves});
    Levels& levels = result.back();
    for (std::size_t i = 0; i < count; ++i) levels.values.push_back(quantized.table[at + i]);
    round_table(levels);
    if (is_even(levels)) {
      const double first = levels.values.front(), last = levels.values.back();
      set_even(levels, count > 1 ? (last - first) / static_cast<double>(count - 1) : 0, first);
    } else {
      set_thresholds(levels);
    }
  }
  return result;
}

Quantized from_levels(const std::vector<Levels>& levels) {
  Quantized result;
  for (const Levels& each : levels) {
    result.scale.push_back(static_cast<float>(each.scale));
    result.offset.push_back(static_cast<float>(each.offset));
    for (const double value : each.values) result.table.push_back(static_cast<float>(value));
  }
  return result;
}

std::size_t parameters(const Levels& levels) {
  switch (levels.fit) {
    case Fit::free:
      return levels.values.size();
    case Fit::affine:
      return 2;
    case Fit::symmetric:
      return 1;
    case Fit::fixed:
      break;
  }
  return 0;
}

double basis(const Levels& levels, std::size_t level, std::size_t parameter) {
  if (levels.fit == Fit::free) return level == parameter ? 1 : 0;
  const auto i = static_cast<double>(level);
  if (levels.fit == Fit::affine) return parameter == 0 ? i : 1;
  return levels.scale > 0 ? i + levels.offset / levels.scale : 0;
}

bool can_move(const Levels& levels, const std::vector<double>& by) {
  return !is_even(levels) || levels.scale + by[0] > 0 || by[0] == 0;
}

void move(Levels& levels, const std::vector<double>& by) {
  if (!can_move(levels, by)) return;
  if (levels.fit == Fit::free) {
    for (std::size_t i = 0; i < by.size(); ++i) levels.values[i] += by[i];
    round_table(levels);
  } else if (levels.fit == Fit::affine) {
    set_even(levels, levels.scale + by[0], levels.offset + by[1]);
  } else if (levels.fit == Fit::symmetric && levels.scale > 0) {
    set_even(levels, levels.scale + by[0], levels.offset * (1 + by[0] / levels.scale));
  }
}

std::vector<std::size_t> sort(Levels& levels) {
  std::vector<std::size_t> order(levels.values.size()), place(order.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  if (is_even(levels)) return order;
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return levels.values[a] < levels.values[b]; });
  std::vector<double> sorted;
  for (std::size_t i = 0; i < order.size(); ++i) {
    sorted.push_back(levels.values[order[i]]);
    place[order[i]] = i;
  }
  levels.values = std::move(sorted);
  set_thresholds(levels);
  return place;
}

void clip(Levels& levels, const std::vector<double>& values) {
  if (!is_even(levels) || !(levels.scale > 0)) return;
  const Levels whole = levels;
  const double last = static_cast<double>(levels.values.size() - 1);
  const double middle = levels.fit == Fit::symmetric ? -levels.offset / levels.scale : last / 2;
  Levels best = whole;
  double least = -1;
  for (double factor = 1; factor > 0.25; factor -= 0.05) {
    set_even(levels, whole.scale * factor,
             whole.offset + middle * whole.scale - middle * whole.scale * factor);
    double error = 0;
    for (const double value : values) {
      const double off = value - levels.values[levels.nearest(value)];
      error += off * off;
    }
    if (least < 0 || error < least) {
      least = error;
      best = levels;
    }
  }
  levels = std::move(best);
}

}  // namespace mlqc
