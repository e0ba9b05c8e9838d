#include "compiler/quantize/trellis.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "compiler/quantize/isa.h"
#include "compiler/quantize/uniform.h"
#include "runtime-stub/kernels/trellis_code.h"

namespace mlqc {

namespace {

using mlq::trellis::states;

constexpr unsigned half = states / 2;
// The code's states come in pairs with the same low bit's source: those with an even number have low bit 0
// and lead into the lower half, the others into the upper half.
constexpr unsigned across = mlq::trellis::input_mask, over = mlq::trellis::output_mask;
static_assert(mlq::trellis::next(0, 1) == across && mlq::trellis::next(1, 0) == over);
static_assert(across < half && over >= half);

// Chains longer than this are cut, so that their parts are rounded beside each other; a part's first weights
// have fewer choices, which longer parts hardly feel.
constexpr std::size_t longest = 256;

// The nearest number of each residue modulo 4, and what it costs.
struct Nearest {
  std::array<LevelIndex, 4> index{};
  std::array<float, 4> cost{};
};

Nearest nearest_of(double value, const Levels& levels) {
  Nearest result;
  // Levels that are all 0: any will do.
  const double place = levels.scale > 0 ? (value - levels.offset) / levels.scale : 0;
  for (int residue = 0; residue < 4; ++residue) {
    const std::size_t last = (levels.values.size() - 1 - static_cast<std::size_t>(residue)) / 4;
    const double number =
        residue + 4 * std::clamp(std::nearbyint((place - residue) / 4), 0.0, static_cast<double>(last));
    const auto at = static_cast<std::size_t>(residue);
    result.index[at] = static_cast<LevelIndex>(number);
    if (levels.scale > 0) result.cost[at] = static_cast<float>((place - number) * (place - number));
  }
  return result;
}

using Costs = std::array<float, states>;
using Inputs = std::array<std::uint8_t, states>;  // by which each state was come to

// The cheaper of two ways into each state of a half: from[i] with input 0, from[i ^ across] with input 1.
MLQ_EACH_ISA void join(const float* from, const float* crossed, float cost0, float cost1, float* to,
                       std::uint8_t* input) {
  for (unsigned i = 0; i < half; ++i) {
    const float straight = from[i] + cost0, turned = crossed[i] + cost1;
    input[i] = turned < straight;
    to[i] = turned < straight ? turned : straight;
  }
}

// One weight further.
void advance(const Nearest& nearest, Costs& costs, Inputs& inputs) {
  float even[half], odd[half], even_crossed[half], odd_crossed[half];
  for (unsigned i = 0; i < half; ++i) {
    even[i] = costs[2 * i];
    odd[i] = costs[2 * i + 1];
  }
  for (unsigned i = 0; i < half; ++i) {
    even_crossed[i] = even[i ^ across];
    odd_crossed[i] = odd[i ^ across];
  }
  float upper[half];
  std::uint8_t upper_inputs[half];
  join(even, even_crossed, nearest.cost[0], nearest.cost[2], costs.data(), inputs.data());
  join(odd, odd_crossed, nearest.cost[1], nearest.cost[3], upper, upper_inputs);
  for (unsigned i = 0; i < half; ++i) {
    costs[i ^ over] = upper[i];
    inputs[i ^ over] = upper_inputs[i];
  }
}

unsigned before(unsigned state, unsigned input) {
  const unsigned turned = input ? state ^ across : state;
  return turned < half ? 2 * turned : 2 * (turned ^ over) + 1;
}

// With the least cost subtracted now and then, floats stay exact enough in chains of any length.
void settle(Costs& costs) {
  const float least = *std::ranges::min_element(costs);
  for (float& cost : costs) cost -= least;
}

}  // namespace

void choose_path(std::span<const double> values, std::span<const Levels* const> levels,
                 std::span<LevelIndex> chosen) {
  std::vector<Nearest> nearest(values.size());
  std::vector<Inputs> inputs(values.size());
  Costs costs;
  costs.fill(1e30f);
  costs[mlq::trellis::first] = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    nearest[i] = nearest_of(values[i], *levels[i]);
    advance(nearest[i], costs, inputs[i]);
    settle(costs);
  }
  auto state = static_cast<unsigned>(std::ranges::min_element(costs) - costs.begin());
  for (std::size_t i = values.size(); i-- > 0;) {
    const unsigned input = inputs[i][state];
    state = before(state, input);
    chosen[i] = nearest[i].index[2 * input + mlq::trellis::low_bit(state)];
  }
}

std::uint32_t chain_length(std::size_t rows, std::size_t groups) {
  if (groups > 1 || rows <= longest) return static_cast<std::uint32_t>(std::max<std::size_t>(rows, 1));
  const std::size_t parts = (rows + longest - 1) / longest;
  return static_cast<std::uint32_t>((rows + parts - 1) / parts);
}

Quantized trellis(std::span<const float> weights, const mlq::Shape& shape, const mlq::Trellis& chains,
                  std::span<const std::uint32_t> groups, double step, std::span<const float> importance) {
  const std::size_t count = groups.empty() ? 1 : std::ranges::max(groups) + std::size_t{1};
  const std::vector<Levels> levels =
      uniform_levels(weights, groups, uniform_steps(weights, count, step / 2, importance), trellis_unit);
  Quantized result;
  result.trellis = chains;
  for (const Levels& each : levels) {
    result.scale.push_back(static_cast<float>(each.scale));
    result.offset.push_back(static_cast<float>(each.offset));
  }
  result.wide.resize(weights.size());
  const auto axis = static_cast<std::size_t>(chains.axis);
  const auto along = static_cast<std::size_t>(shape[axis]);
  std::size_t inner = 1;
  for (std::size_t d = axis + 1; d < shape.size(); ++d) inner *= static_cast<std::size_t>(shape[d]);
  for (std::size_t first = 0; first < weights.size() / along; ++first)
    for (std::size_t row = 0; row < along; row += chains.length) {
      const std::size_t size = std::min<std::size_t>(chains.length, along - row);
      const std::size_t begin = (first / inner * along + row) * inner + first % inner;
      std::vector<double> values;
      std::vector<const Levels*> of_each;
      std::vector<LevelIndex> chosen(size);
      for (std::size_t i = 0; i < size; ++i) {
        values.push_back(weights[begin + i * inner]);
        of_each.push_back(&levels[groups[begin + i * inner]]);
      }
      choose_path(values, of_each, chosen);
      for (std::size_t i = 0; i < size; ++i) result.wide[begin + i * inner] = chosen[i];
    }
  crop(groups, result, trellis_unit);
  return result;
}

}  // namespace mlqc
