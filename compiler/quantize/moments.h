// First and second moments of the columns that a product multiplies its weights by.
#pragma once

#include <cstddef>
#include <vector>

namespace mlqc {

// Of the columns x that the float network shows the layer, and x' that the network quantized so far does.
struct Moments {
  explicit Moments(std::size_t columns)
      : columns(columns),
        exact(columns),
        seen(columns),
        second(columns * columns),
        cross(columns * columns) {}
  std::size_t columns;
  double count = 0;
  std::vector<double> exact, seen;    // sums of x and of x'
  std::vector<double> second, cross;  // sums of x'[i] x'[j] (where j >= i), and of x[i] x'[j]
};

// Some columns of one group, one after the other. `exact` and `seen` may be the same.
struct Columns {
  const float* exact;
  const float* seen;
  std::size_t count;
};

// Adds columns[g] to moments[g]. In double, each sum in the columns' order: the same bits at any thread
// count.
void add(std::vector<Moments>& moments, const std::vector<Columns>& columns);

}  // namespace mlqc
