#include "runtime-stub/kernels/resize_taps.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <vector>

namespace mlq::kernels {
namespace {

// Where position i of the result lies in the source.
double source_of(const ResizeRule& rule, std::int64_t i, std::int64_t from, std::int64_t to, double scale,
                 Region region) {
  double x = static_cast<double>(i), n = static_cast<double>(from), m = static_cast<double>(to);
  if (rule.transformation == "asymmetric") return x / scale;
  if (rule.transformation == "align_corners") return to > 1 ? x * (n - 1) / (m - 1) : 0.0;
  if (rule.transformation == "pytorch_half_pixel") return to > 1 ? (x + 0.5) / scale - 0.5 : 0.0;
  if (rule.transformation == "half_pixel_symmetric") {
    double adjust = m / (n * scale), center = n / 2;
    return center * (1 - adjust) + (x + 0.5) / scale - 0.5;
  }
  if (rule.crops)
    return to > 1 ? region.start * (n - 1) + x * (region.end - region.start) * (n - 1) / (m - 1)
                  : 0.5 * (region.start + region.end) * (n - 1);
  return (x + 0.5) / scale - 0.5;
}

double round_nearest(const std::string& rounding, double x) {
  if (rounding == "floor") return std::floor(x);
  if (rounding == "ceil") return std::ceil(x);
  if (rounding == "round_prefer_ceil") return std::floor(x + 0.5);
  return std::ceil(x - 0.5);
}

// Keys' cubic convolution kernel with parameter a, at distances 1 + t, t, 1 - t, 2 - t.
void cubic_weights(double a, double t, double* w) {
  auto near = [a](double d) { return ((a + 2) * d - (a + 3)) * d * d + 1; };
  auto far = [a](double d) { return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a; };
  w[0] = far(1 + t), w[1] = near(t), w[2] = near(1 - t), w[3] = far(2 - t);
}

void add_position(const ResizeRule& rule, double x, std::int64_t from, Taps& taps) {
  double w[4] = {1, 0, 0, 0};
  double base = rule.mode == ResizeRule::Mode::nearest ? round_nearest(rule.rounding, x) : std::floor(x);
  if (rule.mode == ResizeRule::Mode::linear) {
    // Beyond the edges the edge itself counts.
    x = std::clamp(x, 0.0, static_cast<double>(from - 1));
    base = std::floor(x);
    w[0] = 1 - (x - base), w[1] = x - base;
  } else if (rule.mode == ResizeRule::Mode::cubic) {
    cubic_weights(rule.cubic, x - base, w);
    base -= 1;
  }
  double total = 0;
  for (std::int64_t k = 0; k < taps.width; ++k) {
    double cell = base + static_cast<double>(k);
    if (rule.mode == ResizeRule::Mode::cubic && rule.exclude_outside && (cell < 0 || cell >= from)) w[k] = 0;
    total += w[k];
  }
  for (std::int64_t k = 0; k < taps.width; ++k) {
    double cell = std::clamp(base + static_cast<double>(k), 0.0, static_cast<double>(from - 1));
    taps.cells.push_back(static_cast<std::int64_t>(cell));
    taps.weights.push_back(static_cast<float>(rule.exclude_outside && total != 0 ? w[k] / total : w[k]));
  }
}

double tent(double d) { return std::max(0.0, 1 - std::fabs(d)); }
double keys(double a, double d) {
  d = std::fabs(d);
  if (d <= 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  return d < 2 ? ((a * d - 5 * a) * d + 8 * a) * d - 4 * a : 0;
}

// The window stretched by 1 / scale about x; its weights add up to one, cells beyond the edge are the edge.
void add_wide_position(const ResizeRule& rule, double x, double scale, std::int64_t from, Taps& taps) {
  const bool cubic = rule.mode == ResizeRule::Mode::cubic;
  const double first = std::floor(x) - std::floor((static_cast<double>(taps.width) - 1) / 2);
  double total = 0;
  std::vector<double> weights;
  for (std::int64_t k = 0; k < taps.width; ++k) {
    const double cell = first + static_cast<double>(k), distance = (cell - x) * scale;
    const bool outside = cell < 0 || cell >= static_cast<double>(from);
    const double weight = cubic ? keys(rule.cubic, distance) : tent(distance);
    weights.push_back(rule.exclude_outside && outside ? 0.0 : weight);
    total += weights.back();
    taps.cells.push_back(static_cast<std::int64_t>(std::clamp(cell, 0.0, static_cast<double>(from - 1))));
  }
  for (const double weight : weights)
    taps.weights.push_back(static_cast<float>(total != 0 ? weight / total : weight));
}

}  // namespace

bool read_rule(const Node& node, ResizeRule& rule) {
  std::string mode = node.get_string("mode", "nearest");
  bool upsample = node.op == "Upsample";
  rule.mode = mode == "nearest" ? ResizeRule::Mode::nearest
              : mode == "cubic" ? ResizeRule::Mode::cubic
                                : ResizeRule::Mode::linear;
  rule.transformation =
      node.get_string("coordinate_transformation_mode", upsample ? "asymmetric" : "half_pixel");
  rule.rounding = node.get_string("nearest_mode", upsample ? "floor" : "round_prefer_floor");
  rule.cubic = node.get_float("cubic_coeff_a", -0.75f);
  rule.exclude_outside = node.get_int("exclude_outside", 0) != 0;
  rule.antialias = node.get_int("antialias", 0) != 0;
  rule.crops = rule.transformation == "tf_crop_and_resize";
  constexpr const char* known[] = {
      "half_pixel",         "asymmetric",           "align_corners",
      "pytorch_half_pixel", "half_pixel_symmetric", "tf_crop_and_resize",
  };
  return (mode == "nearest" || mode == "linear" || mode == "cubic" || mode == "bilinear") &&
         std::find(std::begin(known), std::end(known), rule.transformation) != std::end(known);
}

Taps make_taps(const ResizeRule& rule, std::int64_t from, std::int64_t to, float scale, Region region) {
  Taps taps;
  bool whole = !rule.crops || (region.start == 0.0f && region.end == 1.0f);
  if (from == to && scale == 1.0f && whole) {
    taps.identity = true;
    return taps;
  }
  taps.width = rule.mode == ResizeRule::Mode::nearest ? 1 : rule.mode == ResizeRule::Mode::linear ? 2 : 4;
  taps.cells.reserve(to * taps.width);
  // The scale in full precision where it is the quotient of the sizes.
  double exact = static_cast<double>(to) / static_cast<double>(from);
  double factor = std::fabs(exact - scale) < 1e-6 * exact ? exact : static_cast<double>(scale);
  if (rule.antialias && factor < 1 && rule.mode != ResizeRule::Mode::nearest) {
    const double reach = (rule.mode == ResizeRule::Mode::cubic ? 2 : 1) / factor;
    taps.width = 2 * static_cast<std::int64_t>(std::ceil(std::min(reach, static_cast<double>(from)))) + 1;
    taps.cells.clear();
    for (std::int64_t i = 0; i < to; ++i)
      add_wide_position(rule, source_of(rule, i, from, to, factor, region), factor, from, taps);
    return taps;
  }
  for (std::int64_t i = 0; i < to; ++i)
    add_position(rule, source_of(rule, i, from, to, factor, region), from, taps);
  return taps;
}

}  // namespace mlq::kernels
