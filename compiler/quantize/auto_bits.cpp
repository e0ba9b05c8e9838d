#include "compiler/quantize/auto_bits.h"

#include <algorithm>
#include <cmath>
#include <functional>

namespace mlqc {

namespace {

using Chosen = std::vector<std::size_t>;

// Halvings of the price's range: enough to tell any two breakpoints in double apart.
constexpr int halvings = 100;
// The range of prices: beyond it every layer takes its smallest, or its least harmful choice.
constexpr double least_exponent = -120, greatest_exponent = 60;
// What a measured damage of zero counts as: less than anything that was measured.
constexpr double trifle = 1e-12;

double sum(const std::vector<LayerWidths>& layers, const Chosen& chosen, double WidthChoice::*what) {
  double total = 0;
  for (std::size_t i = 0; i < layers.size(); ++i) total += layers[i].choices[chosen[i]].*what;
  return total;
}

// The lowest price whose choices are good, where higher prices are good, too; or the highest price.
Chosen at_least_price(const std::vector<LayerWidths>& layers, bool lowest,
                      const std::function<bool(const Chosen&)>& good) {
  double low = least_exponent, high = greatest_exponent;
  for (int i = 0; i < halvings; ++i) {
    const double middle = (low + high) / 2;
    (good(choose_widths(layers, std::exp2(middle))) == lowest ? high : low) = middle;
  }
  return choose_widths(layers, std::exp2(lowest ? high : low));
}

// One price leaves a rest, because layers change by whole bits. It goes to the single changes that spare most
// damage, as long as there are any. (Only bytes are known so well that all of them can be used: damage is an
// estimate, and to use its rest too made models that missed their agreement.)
void use_rest(const std::vector<LayerWidths>& layers, double bytes, Chosen& chosen) {
  for (bool any = true; any;) {
    any = false;
    const double rest = bytes - bytes_of(layers, chosen);
    std::size_t layer = 0, choice = 0;
    double most = 0;
    for (std::size_t i = 0; i < layers.size(); ++i) {
      const WidthChoice& now = layers[i].choices[chosen[i]];
      for (std::size_t k = 0; k < layers[i].choices.size(); ++k) {
        const WidthChoice& other = layers[i].choices[k];
        if (other.bytes - now.bytes > rest || now.damage - other.damage <= most) continue;
        most = now.damage - other.damage;
        layer = i;
        choice = k;
        any = true;
      }
    }
    if (any) chosen[layer] = choice;
  }
}

}  // namespace

Chosen choose_widths(const std::vector<LayerWidths>& layers, double price) {
  Chosen chosen;
  for (const LayerWidths& layer : layers) {
    const auto cost = [&](const WidthChoice& choice) { return choice.damage + price * choice.bytes; };
    std::size_t best = 0;
    for (std::size_t i = 1; i < layer.choices.size(); ++i)
      if (cost(layer.choices[i]) < cost(layer.choices[best])) best = i;
    chosen.push_back(best);
  }
  return chosen;
}

double bytes_of(const std::vector<LayerWidths>& layers, const Chosen& chosen) {
  return sum(layers, chosen, &WidthChoice::bytes);
}

double damage_of(const std::vector<LayerWidths>& layers, const Chosen& chosen) {
  return sum(layers, chosen, &WidthChoice::damage);
}

Chosen widths_within(const std::vector<LayerWidths>& layers, double bytes) {
  Chosen chosen =
      at_least_price(layers, true, [&](const Chosen& some) { return bytes_of(layers, some) <= bytes; });
  use_rest(layers, bytes, chosen);
  return chosen;
}

Chosen widths_for_damage(const std::vector<LayerWidths>& layers, double damage) {
  return at_least_price(layers, false, [&](const Chosen& some) { return damage_of(layers, some) <= damage; });
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
