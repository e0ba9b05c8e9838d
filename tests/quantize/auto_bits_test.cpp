// The choice of widths, judged by trying them all.
#include "compiler/quantize/auto_bits.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <random>

namespace mlqc {
namespace {

using Chosen = std::vector<std::size_t>;

std::vector<LayerWidths> random_layers(std::size_t count, unsigned seed) {
  std::mt19937 generator(seed);
  std::vector<LayerWidths> layers(count);
  for (LayerWidths& layer : layers) {
    const double size = 1 + generator() % 1000, harm = 1 + generator() % 1000, step = 3 + generator() % 3;
    for (int bits = 2; bits <= 5; ++bits)
      layer.choices.push_back({static_cast<double>(bits), size * bits, harm * std::pow(step, -bits)});
  }
  return layers;
}

void every_choice(const std::vector<LayerWidths>& layers, const std::function<void(const Chosen&)>& visit) {
  Chosen chosen(layers.size());
  for (std::size_t done = 0; done < layers.size();) {
    visit(chosen);
    for (done = 0; done < layers.size() && ++chosen[done] == layers[done].choices.size(); ++done)
      chosen[done] = 0;
  }
}

// What follows fewer choices than there are may miss this many bytes.
double allowance(const std::vector<LayerWidths>& layers, const Chosen& most) {
  return static_cast<double>(layers.size()) * bytes_of(layers, most) / 16384;
}

TEST(AutoBits, NothingWithinTheBudgetDoesLessDamage) {
  for (unsigned seed = 0; seed < 20; ++seed) {
    const std::vector<LayerWidths> layers = random_layers(5, seed);
    const double least = bytes_of(layers, Chosen(5, 0)), most = bytes_of(layers, Chosen(5, 3));
    for (const double share : {0.0, 0.1, 0.3, 0.5, 0.8, 1.0}) {
      const double budget = least + share * (most - least);
      const Chosen ours = widths_within(layers, budget);
      EXPECT_LE(bytes_of(layers, ours), budget);
      every_choice(layers, [&](const Chosen& other) {
        if (bytes_of(layers, other) <= budget - allowance(layers, Chosen(5, 3))) {
          EXPECT_GE(damage_of(layers, other), damage_of(layers, ours) * (1 - 1e-12));
        }
      });
    }
    EXPECT_EQ(widths_within(layers, least / 2), Chosen(5, 0)) << "nothing is that small";
    EXPECT_EQ(widths_within(layers, 2 * most), Chosen(5, 3));
  }
}

TEST(AutoBits, NothingWithAsLittleDamageTakesFewerBytes) {
  for (unsigned seed = 0; seed < 20; ++seed) {
    const std::vector<LayerWidths> layers = random_layers(5, seed);
    const double most = damage_of(layers, Chosen(5, 0)), least = damage_of(layers, Chosen(5, 3));
    const double damage = std::sqrt(least * most);
    const Chosen ours = widths_for_damage(layers, damage);
    every_choice(layers, [&](const Chosen& other) {
      if (damage_of(layers, other) <= damage) {
        EXPECT_GE(bytes_of(layers, other), bytes_of(layers, ours) - allowance(layers, Chosen(5, 3)));
      }
    });
  }
}

TEST(AutoBits, ALargeLayersBitIsNotGivenUpForTheRestOfTheBudget) {
  // One price for all bytes takes the large layer's second bit away, and has nothing to spend its bytes on.
  const LayerWidths large = {{{1, 100, 1.0}, {2, 200, 0.1}}}, small = {{{1, 10, 0.1}, {2, 20, 0.05}}};
  EXPECT_EQ(widths_within({large, small}, 215), (Chosen{1, 0}));
}

TEST(AutoBits, ChoicesThatAreRuledOutAreNotTaken) {
  const LayerWidths layer = {{{0, 1e18, 1e6}, {1, 100, 1.0}, {2, 200, 0.1}, {0, 1e18, 1e6}}};
  EXPECT_EQ(widths_within({layer, layer}, 250), (Chosen{1, 1}));
  EXPECT_EQ(widths_within({layer, layer}, 1e20), (Chosen{2, 2}));
}

TEST(AutoBits, KeepsTheDamage) {
  for (unsigned seed = 0; seed < 20; ++seed) {
    const std::vector<LayerWidths> layers = random_layers(6, seed);
    const double most = damage_of(layers, Chosen(6, 0)), least = damage_of(layers, Chosen(6, 3));
    EXPECT_EQ(widths_for_damage(layers, most), Chosen(6, 0));
    EXPECT_LE(damage_of(layers, widths_for_damage(layers, std::sqrt(least * most))), std::sqrt(least * most));
    EXPECT_EQ(widths_for_damage(layers, least / 2), Chosen(6, 3)) << "nothing does so little";
  }
}

TEST(AutoBits, DamageIsALineInItsLogarithm) {
  const std::vector<WidthChoice> measured = {{2, 0, 1.0}, {4, 0, 1.0 / 16}, {6, 0, 1.0 / 1024}};
  EXPECT_DOUBLE_EQ(damage_at(measured, 4), 1.0 / 16);
  EXPECT_NEAR(damage_at(measured, 3), 1.0 / 4, 1e-12);
  EXPECT_NEAR(damage_at(measured, 5), 1.0 / 128, 1e-12);
  EXPECT_NEAR(damage_at(measured, 2.5), 0.5, 1e-12) << "grids may have any number of levels";
  EXPECT_NEAR(damage_at(measured, 8), 1.0 / 65536, 1e-12);
  EXPECT_NEAR(damage_at(measured, 1), 4, 1e-12);
}

TEST(AutoBits, MoreBitsNeverHarmMoreWhateverWasMeasured) {
  const std::vector<WidthChoice> measured = {{2, 0, 1e-3}, {4, 0, 2e-3}, {6, 0, 0}};
  for (int bits = 2; bits < 4; ++bits) EXPECT_LT(damage_at(measured, bits + 1), damage_at(measured, bits));
  for (int bits = 4; bits < 8; ++bits) EXPECT_LT(damage_at(measured, bits + 1), damage_at(measured, bits));
  EXPECT_GT(damage_at(measured, 8), 0);
}

}  // namespace
}  // namespace mlqc
