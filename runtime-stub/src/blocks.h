// Where the groups of a quantized constant lie: see mlq::Quantization.
#pragma once

#include <array>
#include <cstddef>

#include "mlq/graph.h"

namespace mlq {

// Deep enough for every network.
inline constexpr std::size_t max_rank = 16;

// Goes through a tensor's elements in order, by runs of consecutive ones of the same group. Of a shape with
// elements, and blocks that suit it (group_count).
class Runs {
 public:
  Runs(const Shape& shape, const Shape& blocks);

  std::size_t group() const { return group_; }
  std::size_t length() const { return length_; }
  // Behind the last run comes the first one again.
  void next();

 private:
  // A dimension of the grid, where the next element is along it, and how many groups a block further is.
  struct Dimension {
    std::size_t size, block, at, step;
  };
  std::array<Dimension, max_rank> dimensions_;
  std::size_t rank_ = 0;  // up to the last dimension with more than one block
  std::size_t group_ = 0, length_ = 0;
};

}  // namespace mlq
