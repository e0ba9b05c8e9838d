// The quadratic form that says what errors of weights cost at a product's output.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "compiler/quantize/moments.h"

namespace mlqc {

// For one group. Rounding weights w to q costs e H e' units with e = target - q, up to a constant;
// coordinates are in the order in which they are to be rounded, those with the largest activations first.
struct System {
  std::size_t columns = 0, rows = 0;
  bool varies = false;             // or the columns are the same all the time: H is a trifle, e is W - Q
  std::vector<std::size_t> order;  // order[k]: the column that comes k-th
  std::vector<float> h;            // columns x columns
  // H = U D U' with U unit upper triangular, U by rows: the cost is the sum over k of
  // D[k] * (e[k] + sum over i < k of U[i][k] * e[i])^2.
  std::vector<float> u;
  std::vector<double> d;
  std::vector<double> target;  // rows x columns
  // Means of the columns, as they come in.
  std::vector<double> exact_mean, seen_mean;
};

// H is the second moment of x' with `damping` times its mean diagonal added to the diagonal; centred where
// the layer has a bias, which then takes up the means. The target is what a float layer that sees x' would
// need to give the outputs that the float layer gives for x (weighed against leaving its weights alone, by
// the same damping): W + W (C - S) / H, with S = E x' x'^T, C = E x x'^T.
// `weights` is rows x columns. An empty System where there are no columns, or some are not finite.
System make_system(Moments moments, std::span<const float> weights, bool centred, double damping,
                   double unit);

// Near the mean square of a layer's activations, a power of two: H in it is a matter of floats.
double unit_of(const std::vector<Moments>& groups);

// (matrix + a trifle of its diagonal)^-1 * right; matrix is symmetric, positive semidefinite.
std::vector<double> solve(const std::vector<double>& matrix, const std::vector<double>& right);

}  // namespace mlqc
