#include "compiler/quantize/segments.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace mlqc {

namespace {

// Sums over the points before a cut. They start at 0 in the middle of the weights and grow outwards in both
// directions, so that a far outlier does not drown the differences between sums on its inner side.
struct Cut {
  double count = 0, sum = 0, squares = 0;
};

std::vector<Cut> cuts_of(const Points& points) {
  const std::size_t n = points.size();
  const double total = std::accumulate(points.count.begin(), points.count.end(), 0.0);
  std::size_t middle = 0;
  for (double before = 0; middle + 1 < n && before + points.count[middle] <= total / 2; ++middle)
    before += points.count[middle];
  const double origin = points.value[middle];
  std::vector<Cut> cuts(n + 1);
  const auto moved = [&](const Cut& cut, std::size_t point, double sign) {
    const double x = points.value[point] - origin, weight = sign * points.count[point];
    return Cut{cut.count + weight, cut.sum + weight * x, cut.squares + weight * x * x};
  };
  for (std::size_t i = middle; i < n; ++i) cuts[i + 1] = moved(cuts[i], i, 1);
  for (std::size_t i = middle; i > 0; --i) cuts[i - 1] = moved(cuts[i], i - 1, -1);
  return cuts;
}

// Squared error of the points between two cuts. A single point has none, also where rounding says otherwise.
inline double error_between(const Cut& from, const Cut& to) {
  const double count = to.count - from.count, sum = to.sum - from.sum;
  return std::max(0.0, (to.squares - from.squares) - sum * sum / count);
}

inline double error_between(const std::vector<Cut>& cuts, std::int32_t from, std::int32_t to) {
  if (to - from == 1) return 0;
  return error_between(cuts[static_cast<std::size_t>(from)], cuts[static_cast<std::size_t>(to)]);
}

// The path of least cost + price * segments.
class PricedSearch {
 public:
  explicit PricedSearch(const std::vector<Cut>& cuts)
      : cuts_(cuts.begin(), cuts.end()), previous_(cuts.size()), queue_(cuts.size()) {}

  Segments solve(double price) {
    const auto n = static_cast<std::int32_t>(cuts_.size()) - 1;
    front_ = 0;
    back_ = 1;
    queue_[0] = {0, 1};
    for (std::int32_t j = 1; j <= n; ++j) {
      while (back_ - front_ > 1 && queue_[front_ + 1].from <= j) ++front_;
      previous_[at(j)] = queue_[front_].candidate;
      cuts_[at(j)].best = through(queue_[front_].candidate, j) + price;
      if (j < n) enter(j, n);
    }
    return path(n);
  }

 private:
  // Together in a cache line's half: the search jumps about.
  struct PricedCut : Cut {
    explicit PricedCut(const Cut& cut) : Cut(cut) {}
    double best = 0;  // the least cost of all before
  };
  // `candidate` is the best predecessor of the cuts from `from` on, up to the next candidate's.
  struct Candidate {
    std::int32_t candidate, from;
  };
  static std::size_t at(std::int32_t i) { return static_cast<std::size_t>(i); }

  double through(std::int32_t candidate, std::int32_t cut) const {
    const PricedCut& from = cuts_[at(candidate)];
    return cut - candidate == 1 ? from.best : from.best + error_between(from, cuts_[at(cut)]);
  }

  // Once a later predecessor is as good as an earlier one it stays so: candidates that it overtakes before
  // their turn go, and it takes over from the last one at one point.
  void enter(std::int32_t j, std::int32_t n) {
    const auto overtakes = [&](std::int32_t other, std::int32_t cut) {
      return through(j, cut) <= through(other, cut);
    };
    while (back_ - front_ > 1 && overtakes(queue_[back_ - 1].candidate, queue_[back_ - 1].from)) --back_;
    const std::int32_t last = queue_[back_ - 1].candidate;
    // Usually the turn comes soon after the previous candidate's: steps that double, then halving.
    std::int32_t before = std::max(queue_[back_ - 1].from, j), step = 1;
    while (before + step <= n && !overtakes(last, before + step)) {
      before += step;
      step *= 2;
    }
    std::int32_t after = std::min(before + step, n + 1);
    while (after - before > 1) {
      const std::int32_t middle = before + (after - before) / 2;
      (overtakes(last, middle) ? after : before) = middle;
    }
    if (after <= n) queue_[back_++] = {j, after};
  }

  Segments path(std::int32_t n) const {
    Segments result;
    for (std::int32_t j = n; j > 0; j = previous_[at(j)]) {
      result.ends.push_back(j);
      if (j - previous_[at(j)] > 1) result.cost += error_between(cuts_[at(previous_[at(j)])], cuts_[at(j)]);
    }
    std::reverse(result.ends.begin(), result.ends.end());
    return result;
  }

  std::vector<PricedCut> cuts_;
  std::vector<std::int32_t> previous_;
  std::vector<Candidate> queue_;
  std::size_t front_ = 0, back_ = 0;
};

// Two paths that are best at one price, with fewer and with more segments than wanted: somewhere a segment of
// `fewer` encloses one of `more`, and changing over from the one to the other there gives the wanted number
// at no higher cost (Aggarwal, Schieber, Tokuyama 1994).
Segments exchanged(const std::vector<Cut>& cuts, const Segments& fewer, const Segments& more,
                   std::size_t wanted) {
  const auto cut = [](const Segments& path, std::size_t i) { return i == 0 ? 0 : path.ends[i - 1]; };
  const std::size_t shift = wanted - fewer.ends.size();
  std::size_t i = 0;
  while (cut(fewer, i + 1) < cut(more, i + 1 + shift)) ++i;
  Segments result;
  result.ends.assign(more.ends.begin(), more.ends.begin() + static_cast<std::ptrdiff_t>(i + shift));
  result.ends.insert(result.ends.end(), fewer.ends.begin() + static_cast<std::ptrdiff_t>(i),
                     fewer.ends.end());
  for (std::size_t s = 0; s < result.ends.size(); ++s)
    result.cost += error_between(cuts, cut(result, s), cut(result, s + 1));
  return result;
}

// Neighbours joined in bundles: a smaller problem with nearly the same price.
Points bundled(const Points& points, std::size_t bundle) {
  Points result;
  for (std::size_t i = 0; i < points.size(); i += bundle) {
    double count = 0, sum = 0;
    for (std::size_t j = i; j < std::min(i + bundle, points.size()); ++j) {
      count += points.count[j];
      sum += points.count[j] * (points.value[j] - points.value[i]);
    }
    result.value.push_back(points.value[i] + sum / count);
    result.count.push_back(count);
  }
  return result;
}

struct Priced {
  Segments path;
  double price = 0;
};

// For points so near to each other that rounding hides what a cut between them gains: any cut will do.
Segments completed(const Segments& path, std::size_t wanted) {
  Segments result{{}, path.cost};
  std::size_t missing = wanted - path.ends.size();
  std::int32_t from = 0;
  for (std::int32_t end : path.ends) {
    for (; missing > 0 && from + 1 < end; --missing) result.ends.push_back(++from);
    result.ends.push_back(from = end);
  }
  return result;
}

// From a guess, the price that buys `wanted` segments.
Priced search(const std::vector<Cut>& cuts, std::size_t wanted, double guess) {
  PricedSearch problem(cuts);
  Priced fewer, more;  // the paths nearest to the wanted number on either side
  const auto number = [](const Priced& side) { return side.path.ends.size(); };
  bool by_law = true;
  for (double price = guess;;) {
    Segments path = problem.solve(price);
    const std::size_t found = path.ends.size();
    if (found == wanted) return {std::move(path), price};
    Priced& side = found < wanted ? fewer : more;
    const bool stuck = number(side) > 0 && (found < wanted ? found <= number(side) : found >= number(side));
    if (!stuck || by_law) side = {std::move(path), price};
    // The error of many segments goes as their number to the -2; its slope, the price, to the -3.
    const double ratio = static_cast<double>(found) / static_cast<double>(wanted);
    if (number(fewer) == 0 || number(more) == 0) {
      if (price == 0) return {completed(fewer.path, wanted), price};
      price *= found < wanted ? std::min(0.5, ratio * ratio * ratio) : std::max(2.0, ratio * ratio * ratio);
      continue;
    }
    // The chord between the two is the price at which they cost the same. When nothing better is found there,
    // every number between theirs costs what the chord says.
    if (stuck && !by_law) return {exchanged(cuts, fewer.path, more.path, wanted), price};
    const double law = price * ratio * ratio * ratio;
    by_law = !stuck && number(more) - number(fewer) > 8 && law > more.price && law < fewer.price;
    price =
        by_law ? law : (fewer.path.cost - more.path.cost) / static_cast<double>(number(more) - number(fewer));
  }
}

Priced solve(const Points& points, std::size_t wanted) {
  constexpr std::size_t small = 4096, bundle = 8;
  const std::vector<Cut> cuts = cuts_of(points);
  if (points.size() >= small && points.size() / bundle > 2 * wanted)
    return search(cuts, wanted, solve(bundled(points, bundle), wanted).price);
  // Uniformly spread points would have this price.
  const double error = error_between(cuts, 0, static_cast<std::int32_t>(points.size()));
  const double number = static_cast<double>(wanted);
  return search(cuts, wanted, 2 * error / (number * number * number));
}

}  // namespace

Segments best_segments(const Points& points, int segments) {
  const auto wanted = static_cast<std::size_t>(segments);
  if (wanted >= points.size()) {
    Segments each;
    for (std::size_t i = 0; i < points.size(); ++i) each.ends.push_back(static_cast<std::int32_t>(i) + 1);
    return each;
  }
  if (wanted == 1) {
    const auto all = static_cast<std::int32_t>(points.size());
    return {{all}, error_between(cuts_of(points), 0, all)};
  }
  return solve(points, wanted).path;
}

}  // namespace mlqc
