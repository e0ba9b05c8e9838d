#include "compiler/quantize/beam.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "compiler/quantize/isa.h"

namespace mlqc {

namespace {

// Errors are told to all columns to come after so many: ways that end meanwhile need not tell theirs.
constexpr std::size_t some = 16;

// How a way came about: the way that it continues, and what its last column became.
struct Step {
  std::uint8_t parent;
  LevelIndex index;
};

struct Candidate {
  double cost, error;
  Step step;
};

MLQ_EACH_ISA void pick(const double* from, const std::uint32_t* which, std::size_t count, double* to) {
  for (std::size_t i = 0; i < count; ++i) to[i] = from[which[i]];
}

// One row's ways. Arrays with a lane for each way are columns x ways.
class Beam {
 public:
  Beam(const System& system, std::size_t ways)
      : n_(system.columns),
        ways_(ways),
        system_(system),
        cost_(ways),
        owed_(n_ * ways),
        errors_(some * ways),
        scratch_(ways),
        from_(ways),
        steps_(n_ * ways),
        found_(2 * ways) {}

  void round(const RowBlock& block, std::size_t row) {
    count_ = 1;
    std::ranges::fill(cost_, 0);
    std::ranges::fill(owed_, 0);
    for (std::size_t begin = 0; begin < n_; begin += some) {
      const std::size_t end = std::min(begin + some, n_);
      for (std::size_t k = begin; k < end; ++k) {
        find(levels_at(block, row, k), target(block, row, k), k);
        advance(k, end);
      }
      tell(begin, end);
    }
    auto way = static_cast<std::size_t>(
        std::min_element(cost_.begin(), cost_.begin() + static_cast<std::ptrdiff_t>(count_)) - cost_.begin());
    for (std::size_t k = n_; k-- > 0; way = step(k, way).parent)
      block.indices[row * n_ + k] = step(k, way).index;
  }

 private:
  const Step& step(std::size_t k, std::size_t way) const { return steps_[k * ways_ + way]; }

  // Each way with the two levels about what the weight should be.
  void find(const Levels& levels, double target, std::size_t k) {
    found_.clear();
    for (std::size_t way = 0; way < count_; ++way) {
      const double wanted = target + owed_[k * ways_ + way];
      const auto add = [&](std::size_t level) {
        const double off = wanted - levels.values[level];
        found_.push_back({cost_[way] + system_.d[k] * off * off,
                          target - levels.values[level],
                          {static_cast<std::uint8_t>(way), static_cast<LevelIndex>(level)}});
      };
      const std::size_t nearest = levels.nearest(wanted);
      add(nearest);
      if (wanted > levels.values[nearest] && nearest + 1 < levels.values.size()) add(nearest + 1);
      if (wanted < levels.values[nearest] && nearest > 0) add(nearest - 1);
    }
  }

  // Leaves the cheapest of those found, in their order.
  void keep_best() {
    if (found_.size() <= ways_) return;
    std::vector<double>& costs = scratch_;
    costs.clear();
    for (const Candidate& candidate : found_) costs.push_back(candidate.cost);
    std::nth_element(costs.begin(), costs.begin() + static_cast<std::ptrdiff_t>(ways_ - 1), costs.end());
    const double most = costs[ways_ - 1];
    std::size_t equal = ways_ - static_cast<std::size_t>(std::ranges::count_if(
                                    found_, [&](const Candidate& c) { return c.cost < most; }));
    std::erase_if(found_, [&](const Candidate& c) {
      if (c.cost != most) return c.cost > most;
      if (equal == 0) return true;
      --equal;
      return false;
    });
  }

  void advance(std::size_t k, std::size_t end) {
    keep_best();
    count_ = found_.size();
    double* error = &errors_[k % some * ways_];
    std::fill_n(error, ways_, 0);
    for (std::size_t way = 0; way < count_; ++way) {
      cost_[way] = found_[way].cost;
      error[way] = found_[way].error;
      steps_[k * ways_ + way] = found_[way].step;
      from_[way] = found_[way].step.parent;
    }
    for (std::size_t j = k + 1; j < end; ++j) {
      inherit(&owed_[j * ways_]);
      spread(&system_.u[k * n_ + j], 1, error, ways_, &owed_[j * ways_]);
    }
  }

  // A column's lanes become those of the ways that they are continued from.
  void inherit(double* lanes) {
    scratch_.assign(lanes, lanes + ways_);
    pick(scratch_.data(), from_.data(), count_, lanes);
  }

  // Tells the columns to come the errors of those from `begin` to `end` that led to the ways that are left.
  void tell(std::size_t begin, std::size_t end) {
    if (end == n_) return;
    std::iota(from_.begin(), from_.end(), 0u);
    for (std::size_t k = end; k-- > begin;) {
      inherit(&errors_[k % some * ways_]);
      for (std::size_t way = 0; way < count_; ++way) from_[way] = step(k, from_[way]).parent;
    }
    for (std::size_t j = end; j < n_; ++j) inherit(&owed_[j * ways_]);
    for (std::size_t k = begin; k < end; ++k)
      spread(&system_.u[k * n_ + end], n_ - end, &errors_[k % some * ways_], ways_, &owed_[end * ways_]);
  }

  std::size_t n_, ways_, count_ = 1;
  const System& system_;
  std::vector<double> cost_;    // of the columns so far
  std::vector<double> owed_;    // what the errors of columns before add to what a weight should be
  std::vector<double> errors_;  // of the columns since the last were told
  std::vector<double> scratch_;
  std::vector<std::uint32_t> from_;  // the way that each continues
  std::vector<Step> steps_;
  std::vector<Candidate> found_;
};

}  // namespace

void round_by_beam(const RowBlock& block, std::size_t ways) {
  Beam beam(*block.system, ways);
  for (std::size_t row = 0; row < block.count; ++row) beam.round(block, row);
}

}  // namespace mlqc
