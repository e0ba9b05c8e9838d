// Weights as sorted points, exact or on a fine grid.
#pragma once

#include <span>

#include "compiler/quantize/segments.h"

namespace mlqc {

// Every distinct value once.
Points exact_points(std::span<const float> values);

// About `cells` cells, narrow where weights are dense, each the mean of its weights; zeros and the outermost
// weights, however far out, stay exact. Fast, for many values; empty where no grid suits them.
Points grid_points(std::span<const float> values, int cells);

// Neighbours of exact points joined while count * width^2 / 4 stays below `limit`.
Points merged_points(const Points& exact, double limit);

// The squared error of `segments` of these points, taken as a clustering of the weights behind them, is at
// most this many times the least possible with as many clusters.
//
// Let G be the points' own least cost and c any k centres. A cell whose weights all have the same nearest
// centre costs at least what its point costs. The at most k - 1 others, each with deviations u from its mean
// and distance d from the mean to its nearest centre, cost at least sum (d^2 - 2 d |u|), since no centre is
// nearer to a weight than d - |u|. By Cauchy's inequality, c costs at least G - 2 * sqrt(S * G), S being the
// sum of the k - 1 largest spreads, and the clustering costs at most G plus all spreads.
double excess_bound(const Points& points, const Segments& segments);

}  // namespace mlqc
