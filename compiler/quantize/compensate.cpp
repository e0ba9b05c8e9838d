#include "compiler/quantize/compensate.h"

#include <algorithm>
#include <cmath>

#include "compiler/quantize/beam.h"
#include "compiler/quantize/blocks.h"
#include "compiler/quantize/rounding.h"
#include "compiler/quantize/trellis.h"
#include "compiler/quantize/uniform.h"
#include "compiler/support/parallel.h"

namespace mlqc {

namespace {

constexpr double damping = 0.04;  // of H's mean diagonal
constexpr int rounds = 3, sweeps = 3;
constexpr std::size_t wide = 1024;  // columns
// Normal equations beside each other take at most this many numbers, and solving them this many steps; else
// levels stay as they are.
constexpr double most_normals = 1 << 24, most_steps = 1e11;
// Sums are made in this many parts, whatever the number of threads, so that they are the same for any.
constexpr std::size_t parts = 32;

// The layer as systems of its groups, and which levels each of their weights has.
class Layer {
 public:
  Layer(const CompensateTask& task, std::vector<Moments> moments) : task_(task), unit_(unit_of(moments)) {
    const Product& product = task.product;
    systems_.resize(product.groups);
    parallel_for(product.groups, [&](std::size_t g) {
      std::vector<float> rows(product.rows * product.columns);
      for (std::size_t i = 0; i < rows.size(); ++i)
        rows[i] = task.weights[product.element(g, i / product.columns, i % product.columns)];
      systems_[g] = make_system(std::move(moments[g]), rows, product.bias != mlq::no_tensor, damping, unit_);
    });
    indices_.resize(task.weights.size());
  }

  // A group by itself may see nothing but zeros: the channel of a depthwise layer that is never active.
  bool reached() const {
    return std::ranges::all_of(systems_, [](const System& s) { return s.columns > 0; }) &&
           std::ranges::any_of(systems_, &System::varies);
  }

  // Levels to begin with: the algorithm's own for the target, cut off where it pays.
  void start() {
    const QuantizeSettings& settings = task_.plan.settings;
    const mlq::Shape& shape = task_.tensor.shape;
    const mlq::Shape blocks = blocks_of(task_.plan, shape);
    const std::vector<float> target = in_tensor_order();
    const std::vector<std::uint32_t> groups = groups_of(shape, blocks);
    std::vector<Levels> levels;
    if (has_step(settings.algorithm)) {  // far levels cost next to nothing, so none is cut off
      const std::size_t count = mlq::group_count(shape, blocks).value_or(1);
      const double step = is_trellis() ? settings.step / 2 : settings.step;
      levels =
          uniform_levels(target, groups, uniform_steps(task_.weights, count, step, task_.plan.importance),
                         is_trellis() ? trellis_unit : 1);
    } else {
      levels = to_levels(quantized(target, shape, blocks, settings, task_.plan.layer, importance()),
                         std::size_t{1} << settings.bits, find_algorithm(settings.algorithm)->fit);
      clip_all(levels, groups, target);
    }
    ids_.resize(groups.size());
    for (std::size_t g = 0; g < systems_.size(); ++g)
      for (std::size_t i = 0; i < systems_[g].target.size(); ++i) ids_[first(g) + i] = groups[place(g, i)];
    set_ = make_level_set(std::move(levels), ids_, task_.product.columns);
    make_blocks();
  }

  // Returns the cost of the indices as they are before the levels move, in units.
  double round(bool anew, bool refit) {
    const std::size_t used = std::min(parts, blocks_.size());
    std::vector<double> costs(used);
    std::vector<std::map<std::size_t, Normal>> normals(used);
    std::vector<std::vector<double>> moves(set_.families.size());
    parallel_for(used, [&](std::size_t part) {
      for (std::size_t b = part; b < blocks_.size(); b += used) {
        if (anew) is_trellis() ? round_in_order(blocks_[b]) : round_by_beam(blocks_[b], ways());
        costs[part] += descend(blocks_[b], sweeps, refit ? &normals[part] : nullptr);
        solve_complete(normals[part], moves);
      }
    });
    double cost = 0;
    for (const double part : costs) cost += part;
    if (refit) move_levels(normals, moves);
    return cost;
  }

  // Whether there is something to fit, in numbers and steps that one can wait for.
  bool can_refit() const {
    if (std::ranges::all_of(set_.levels, [](const Levels& levels) { return parameters(levels) == 0; }))
      return false;
    const auto all = static_cast<double>(std::min(parts, blocks_.size()));
    double numbers = 0, steps = 0;
    for (const Family& family : set_.families) {
      const auto size = static_cast<double>(family.size);
      numbers += size * size * (family.rows > 1 ? std::min(all, static_cast<double>(family.rows)) : 0);
      steps += size * size * size;
      if (size * size > most_normals) return false;
    }
    return numbers <= most_normals && steps <= most_steps;
  }

  struct State {
    std::vector<LevelIndex> indices;
    std::vector<Levels> levels;
  };
  State state() const { return {indices_, set_.levels}; }

  // What the weights `q` cost, in the tensor's order; with the change of the means where a bias does not take
  // it up.
  double cost_of(std::span<const float> q, bool means) const {
    std::vector<double> costs(systems_.size());
    for (std::size_t g = 0; g < systems_.size(); ++g) {
      const System& s = systems_[g];
      std::vector<double> row_costs(s.rows);
      parallel_for(s.rows, [&](std::size_t r) { row_costs[r] = row_cost(s, g, r, q, means); });
      for (const double cost : row_costs) costs[g] += cost;
    }
    double cost = 0;
    for (const double each : costs) cost += each;
    return cost;
  }

  CompensateResult result(const State& state) const {
    CompensateResult result;
    result.quantized = from_levels(state.levels);
    if (is_table()) {
      result.quantized.scale.clear();
      result.quantized.offset.clear();
    } else {
      result.quantized.table.clear();
    }
    std::vector<LevelIndex> indices(indices_.size());
    for (std::size_t g = 0; g < systems_.size(); ++g)
      for (std::size_t i = 0; i < systems_[g].target.size(); ++i)
        indices[place(g, i)] = state.indices[first(g) + i];
    if (has_step(task_.plan.settings.algorithm)) {
      result.quantized.wide = std::move(indices);
      crop(groups_of(task_.tensor.shape, blocks_of(task_.plan, task_.tensor.shape)), result.quantized,
           is_trellis() ? trellis_unit : 1);
      if (is_trellis()) result.quantized.trellis = {task_.plan.axis, rows_together()};
    } else {
      result.quantized.indices.assign(indices.begin(), indices.end());
    }
    return result;
  }

  std::vector<float> decoded(const State& state) const {
    std::vector<float> values(indices_.size());
    for (std::size_t g = 0; g < systems_.size(); ++g)
      for (std::size_t i = 0; i < systems_[g].target.size(); ++i)
        values[place(g, i)] =
            static_cast<float>(state.levels[ids_[first(g) + i]].values[state.indices[first(g) + i]]);
    return values;
  }

  // How the means of the outputs differ: W mean(x) - Q mean(x').
  std::vector<double> mean_shifts(std::span<const float> q) const {
    std::vector<double> shifts;
    for (std::size_t g = 0; g < systems_.size(); ++g)
      for (std::size_t r = 0; r < systems_[g].rows; ++r) shifts.push_back(mean_shift(systems_[g], g, r, q));
    return shifts;
  }

 private:
  std::size_t first(std::size_t group) const { return group * task_.product.rows * task_.product.columns; }

  // The tensor's element of entry i of a group's matrix, whose columns are in the system's order.
  std::size_t place(std::size_t group, std::size_t i) const {
    const std::size_t n = task_.product.columns;
    return task_.product.element(group, i / n, systems_[group].order[i % n]);
  }

  bool is_trellis() const { return task_.plan.settings.algorithm == "trellis"; }
  // Of a group, that are rounded at once: those of a chain hang together.
  std::uint32_t rows_together() const {
    if (is_trellis()) return chain_length(task_.product.rows, task_.product.groups);
    // Where H does not stay in a cache, it is read once for more rows.
    return task_.product.columns > wide ? 4 * RowBlock::usual : RowBlock::usual;
  }
  // Kept open while a row is rounded. The first layers are small, and every layer behind them sees their
  // errors.
  std::size_t ways() const {
    constexpr std::size_t fewest = 16, in_all = std::size_t{1} << 21;
    return std::clamp(in_all / task_.weights.size() / RowBlock::usual * RowBlock::usual, fewest, most_ways);
  }
  bool is_table() const { return task_.plan.settings.algorithm.ends_with("_lut"); }

  // The diagonal of H: what an error of a weight costs by itself, in units.
  std::vector<float> importance() const {
    std::vector<float> costs(indices_.size());
    for (std::size_t g = 0; g < systems_.size(); ++g)
      for (std::size_t i = 0; i < systems_[g].target.size(); ++i) {
        const std::size_t k = i % systems_[g].columns;
        costs[place(g, i)] = systems_[g].h[k * systems_[g].columns + k];
      }
    return costs;
  }

  std::vector<float> in_tensor_order() const {
    std::vector<float> target(indices_.size());
    for (std::size_t g = 0; g < systems_.size(); ++g)
      for (std::size_t i = 0; i < systems_[g].target.size(); ++i)
        target[place(g, i)] = static_cast<float>(systems_[g].target[i]);
    return target;
  }

  static void clip_all(std::vector<Levels>& levels, const std::vector<std::uint32_t>& groups,
                       const std::vector<float>& target) {
    std::vector<std::vector<double>> values(levels.size());
    for (std::size_t i = 0; i < target.size(); ++i) values[groups[i]].push_back(target[i]);
    parallel_for(levels.size(), [&](std::size_t id) { clip(levels[id], values[id]); });
  }

  void make_blocks() {
    for (std::size_t g = 0; g < systems_.size(); ++g)
      for (std::size_t row = 0; row < systems_[g].rows; row += rows_together()) {
        const std::size_t at = first(g) + row * systems_[g].columns;
        const std::size_t count = std::min<std::size_t>(rows_together(), systems_[g].rows - row);
        blocks_.push_back(
            {&systems_[g], row, count, is_trellis(), &set_, ids_.data() + at, indices_.data() + at});
      }
  }

  // Families all of whose rows are done need not wait for the others, nor take memory until then.
  void solve_complete(std::map<std::size_t, Normal>& normals, std::vector<std::vector<double>>& moves) const {
    std::erase_if(normals, [&](const auto& entry) {
      const auto& [family, normal] = entry;
      if (normal.rows < set_.families[family].rows) return false;
      moves[family] = fit(set_, family, normal);
      return true;
    });
  }

  void move_levels(const std::vector<std::map<std::size_t, Normal>>& parts_of,
                   std::vector<std::vector<double>>& moves) {
    std::map<std::size_t, Normal> normals;
    for (const auto& part : parts_of)
      for (const auto& [family, normal] : part) normals[family].add(normal);
    for (const auto& [family, normal] : normals) moves[family] = fit(set_, family, normal);
    std::vector<std::vector<std::size_t>> moved(set_.levels.size());
    for (std::size_t id = 0; id < moved.size(); ++id) {
      const std::vector<double>& by = moves[set_.family[id]];
      if (by.empty()) continue;
      Levels& levels = set_.levels[id];
      move(levels, part_of(by, set_, id));
      moved[id] = sort(levels);
    }
    for (std::size_t i = 0; i < indices_.size(); ++i)
      if (const auto& places = moved[ids_[i]]; !places.empty())
        indices_[i] = static_cast<LevelIndex>(places[indices_[i]]);
  }

  double mean_shift(const System& s, std::size_t g, std::size_t r, std::span<const float> q) const {
    double shift = 0;
    for (std::size_t k = 0; k < s.columns; ++k) {
      const std::size_t at = task_.product.element(g, r, k);
      shift += task_.weights[at] * s.exact_mean[k] - static_cast<double>(q[at]) * s.seen_mean[k];
    }
    return shift;
  }

  double row_cost(const System& s, std::size_t g, std::size_t r, std::span<const float> q, bool means) const {
    const std::size_t n = s.columns;
    std::vector<double> error(n);
    for (std::size_t k = 0; k < n; ++k)
      error[k] = s.target[r * n + k] - static_cast<double>(q[place(g, r * n + k)]);
    double cost = 0;
    for (std::size_t i = 0; i < n; ++i) {
      double slope = 0;
      for (std::size_t k = 0; k < n; ++k) slope += static_cast<double>(s.h[i * n + k]) * error[k];
      cost += error[i] * slope;
    }
    cost *= unit_;
    if (means) cost += std::pow(mean_shift(s, g, r, q), 2);
    return cost;
  }

  const CompensateTask& task_;
  const double unit_;  // of costs
  std::vector<System> systems_;
  std::vector<LevelIndex> indices_;  // by group, row, and column in the system's order
  std::vector<std::uint32_t> ids_;   // likewise, of levels
  LevelSet set_;
  std::vector<RowBlock> blocks_;
};

// The best of all rounds: a refit, or another start, may also cost more.
Layer::State best_of_rounds(Layer& layer) {
  const bool refit = layer.can_refit();
  Layer::State best;
  double least = -1;
  const auto keep = [&](double cost, const Layer::State& state) {
    if (least >= 0 && !(cost < least)) return;
    least = cost;
    best = state;
  };
  for (int i = 0; i < (refit ? rounds : 1); ++i) {
    layer.round(true, refit);
    const double cost = layer.round(false, false);  // with the levels moved, and indices that suit them
    keep(cost, layer.state());
  }
  return best;
}

}  // namespace

CompensateResult compensate(const CompensateTask& task, std::vector<Moments> moments) {
  Layer layer(task, std::move(moments));
  if (!layer.reached()) return {};
  layer.start();
  const Layer::State best = best_of_rounds(layer);
  CompensateResult result = layer.result(best);
  const std::vector<float> chosen = layer.decoded(best);
  const bool biased = task.product.bias != mlq::no_tensor;
  result.error = layer.cost_of(chosen, false);
  result.nearest_error = layer.cost_of(task.nearest, biased);
  if (biased) result.bias = layer.mean_shifts(chosen);
  result.ok = true;
  return result;
}

}  // namespace mlqc
