// Frantar and Alistarh, Optimal Brain Compression (2022), and Frantar et al., GPTQ (2023), for the rounding
// in a fixed order; the form with U D U' is that of Chee et al., QuIP (2023), which needs no inverse.
#include "compiler/quantize/system.h"

#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "compiler/support/parallel.h"

namespace mlqc {

namespace {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

void mirror(std::vector<double>& m, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < i; ++j) m[i * n + j] = m[j * n + i];
}

std::vector<double> divided(std::vector<double> sums, double count) {
  for (double& value : sums) value /= count;
  return sums;
}

void centre(std::vector<double>& m, const std::vector<double>& left, const std::vector<double>& right,
            double unit) {
  const std::size_t n = left.size();
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j) m[i * n + j] -= left[i] / unit * right[j];
}

// Largest first; equal ones as they come.
std::vector<std::size_t> by_diagonal(const std::vector<double>& m, std::size_t n) {
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return m[a * n + a] > m[b * n + b]; });
  return order;
}

using Square = Eigen::Map<Matrix>;

Square square(std::vector<double>& values) {
  const auto n = static_cast<Eigen::Index>(std::llround(std::sqrt(static_cast<double>(values.size()))));
  return {values.data(), n, n};
}

std::vector<float> in_order(const std::vector<double>& m, const std::vector<std::size_t>& order) {
  const std::size_t n = order.size();
  std::vector<float> out(n * n);
  parallel_for(n, [&](std::size_t i) {
    for (std::size_t j = 0; j < n; ++j) out[i * n + j] = static_cast<float>(m[order[i] * n + order[j]]);
  });
  return out;
}

// H's coordinates become those of the order, the last one first. In place: Eigen makes a copy without
// noalias().
void reverse_order(std::vector<double>& h, const std::vector<std::size_t>& order) {
  const auto n = static_cast<Eigen::Index>(order.size());
  Eigen::PermutationMatrix<Eigen::Dynamic> to(n);
  for (Eigen::Index i = 0; i < n; ++i)
    to.indices()[static_cast<Eigen::Index>(order[static_cast<std::size_t>(n - 1 - i)])] = static_cast<int>(i);
  Square m = square(h);
  m.noalias() = to * m;
  m.noalias() = m * to.transpose();
}

// H becomes its lower Cholesky factor; false where it is not positive definite.
bool factorize(std::vector<double>& h) {
  Square m = square(h);
  return Eigen::LLT<Eigen::Ref<Matrix>>(m).info() == Eigen::Success;
}

// The factor of the reversed H turned around again, its columns divided by their diagonals: U.
std::vector<float> to_u(const std::vector<double>& factor, const std::vector<double>& diagonal) {
  const std::size_t n = diagonal.size();
  std::vector<float> u(n * n);
  parallel_for(n, [&](std::size_t i) {
    const double* row = &factor[(n - 1 - i) * n];
    for (std::size_t j = i; j < n; ++j) u[i * n + j] = static_cast<float>(row[n - 1 - j] / diagonal[j]);
  });
  return u;
}

// W (C - S), by rows in the system's order; empty where both are the same. `change` is C - S as it comes in.
Matrix moved(std::span<const float> weights, const std::vector<double>& change, const System& system) {
  if (std::ranges::all_of(change, [](double value) { return value == 0; })) return {};
  const auto n = static_cast<Eigen::Index>(system.columns), rows = static_cast<Eigen::Index>(system.rows);
  const Eigen::Map<const Matrix> difference(change.data(), n, n);
  constexpr std::size_t some = 32;
  Matrix result(rows, n);
  parallel_for((system.rows + some - 1) / some, [&](std::size_t chunk) {
    const std::size_t first = chunk * some, count = std::min(some, system.rows - first);
    const Eigen::Map<const Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>> ours(
        &weights[first * system.columns], static_cast<Eigen::Index>(count), n);
    const Matrix product = ours.cast<double>() * difference;
    for (Eigen::Index k = 0; k < n; ++k)
      result.block(static_cast<Eigen::Index>(first), k, static_cast<Eigen::Index>(count), 1) =
          product.col(static_cast<Eigen::Index>(system.order[static_cast<std::size_t>(k)]));
  });
  return result;
}

// Adds W (C - S) / H to the target, some rows at a time.
void shift_target(System& system, const Square& factor, const Matrix& moved) {
  constexpr std::size_t some = 32;
  const auto n = static_cast<Eigen::Index>(system.columns);
  parallel_for((system.rows + some - 1) / some, [&](std::size_t chunk) {
    const std::size_t first = chunk * some;
    const auto count = static_cast<Eigen::Index>(std::min(some, system.rows - first));
    Eigen::Map<Matrix> rows(&system.target[first * system.columns], count, n);
    // H x = b with H = reverse(L L').
    Matrix right = moved.middleRows(static_cast<Eigen::Index>(first), count).transpose().colwise().reverse();
    factor.triangularView<Eigen::Lower>().solveInPlace(right);
    factor.transpose().triangularView<Eigen::Upper>().solveInPlace(right);
    rows += right.colwise().reverse().transpose();
  });
}

double trace_of(const std::vector<double>& m, std::size_t n) {
  double trace = 0;
  for (std::size_t i = 0; i < n; ++i) trace += m[i * n + i];
  return trace;
}

// Where activations do not vary, each weight is rounded by itself.
void add_damping(std::vector<double>& h, std::size_t n, double damping, bool varies) {
  constexpr double trifle = 1e-30;  // of the unit: what a float still divides by
  const double ridge = varies ? std::max(damping * trace_of(h, n) / static_cast<double>(n), trifle) : trifle;
  if (!varies) std::ranges::fill(h, 0);
  for (std::size_t i = 0; i < n; ++i) h[i * n + i] += ridge;
}

}  // namespace

double unit_of(const std::vector<Moments>& groups) {
  double most = 0;
  for (const Moments& each : groups) {
    double sum = 0;
    for (std::size_t i = 0; i < each.columns; ++i) sum += each.second[i * (each.columns + 1)];
    if (sum > 0) most = std::max(most, sum / each.count / static_cast<double>(each.columns));
  }
  return most > 0 && std::isfinite(most) ? std::exp2(std::ilogb(most)) : 1;
}

System make_system(Moments moments, std::span<const float> weights, bool centred, double damping,
                   double unit) {
  const std::size_t n = moments.columns;
  if (moments.count == 0) return {};
  System system;
  system.columns = n;
  system.rows = weights.size() / n;
  mirror(moments.second, n);
  moments.second = divided(std::move(moments.second), moments.count * unit);
  moments.cross = divided(std::move(moments.cross), moments.count * unit);
  system.exact_mean = divided(moments.exact, moments.count);
  system.seen_mean = divided(moments.seen, moments.count);
  const double before = trace_of(moments.second, n);
  if (!std::isfinite(before)) return {};
  if (centred) {
    centre(moments.second, system.seen_mean, system.seen_mean, unit);
    centre(moments.cross, system.exact_mean, system.seen_mean, unit);
  }
  constexpr double roundoff = 1e-12;
  system.varies = trace_of(moments.second, n) > roundoff * before;
  system.order = by_diagonal(moments.second, n);
  // Each matrix is as large as many layers: there are never more than two of them.
  for (std::size_t i = 0; i < n * n; ++i) moments.cross[i] -= moments.second[i];
  const Matrix change = moved(weights, std::exchange(moments.cross, {}), system);
  add_damping(moments.second, n, damping, system.varies);
  system.h = in_order(moments.second, system.order);
  std::vector<double>& factor = moments.second;
  reverse_order(factor, system.order);
  if (!factorize(factor)) return {};
  system.target.resize(weights.size());
  for (std::size_t i = 0; i < weights.size(); ++i)
    system.target[i] = weights[i / n * n + system.order[i % n]];
  if (system.varies && change.size() > 0) shift_target(system, square(factor), change);
  std::vector<double> diagonal;
  for (std::size_t k = n; k-- > 0;) diagonal.push_back(factor[k * n + k]);
  system.u = to_u(factor, diagonal);
  for (const double value : diagonal) system.d.push_back(value * value);
  return system;
}

std::vector<double> solve(const std::vector<double>& matrix, const std::vector<double>& right) {
  const auto n = static_cast<Eigen::Index>(right.size());
  Matrix m = Eigen::Map<const Matrix>(matrix.data(), n, n);
  const double ridge = 1e-9 * m.trace() / static_cast<double>(n);
  if (!(ridge > 0)) return std::vector<double>(right.size());
  m.diagonal().array() += ridge;
  const Eigen::VectorXd x = m.ldlt().solve(Eigen::Map<const Eigen::VectorXd>(right.data(), n));
  return {x.data(), x.data() + x.size()};
}

}  // namespace mlqc
