#include "runtime-stub/src/blocks.h"

#include <algorithm>

namespace mlq {

namespace {

std::size_t block_of(const Shape& shape, const Shape& blocks, std::size_t dimension) {
  const std::int64_t size = shape[dimension], block = dimension < blocks.size() ? blocks[dimension] : 0;
  return static_cast<std::size_t>(block == 0 ? size : std::min(block, size));
}

std::size_t cells(std::size_t size, std::size_t block) { return size / block + (size % block != 0); }

}  // namespace

std::optional<std::size_t> group_count(const Shape& shape, const Shape& blocks) {
  if (blocks.size() > shape.size() || shape.size() > max_rank) return std::nullopt;
  std::size_t count = 1;
  for (std::size_t d = 0; d < blocks.size(); ++d) {
    if (shape[d] < 0 || blocks[d] < 0) return std::nullopt;
    if (blocks[d] == 0) continue;
    const std::size_t along = cells(static_cast<std::size_t>(shape[d]), static_cast<std::size_t>(blocks[d]));
    if (__builtin_mul_overflow(count, along, &count)) return std::nullopt;
  }
  return count;
}

Shape blocks_along(int axis) {
  Shape blocks(static_cast<std::size_t>(axis + 1), 0);
  if (axis >= 0) blocks.back() = 1;
  return blocks;
}

std::optional<int> axis_of(const Shape& blocks) {
  int axis = -1;
  for (std::size_t d = 0; d < blocks.size(); ++d) {
    if (blocks[d] == 0) continue;
    if (blocks[d] != 1 || axis >= 0) return std::nullopt;
    axis = static_cast<int>(d);
  }
  return axis;
}

Runs::Runs(const Shape& shape, const Shape& blocks) {
  for (std::size_t d = 0; d < shape.size(); ++d)
    if (block_of(shape, blocks, d) < static_cast<std::size_t>(shape[d])) rank_ = d + 1;
  std::size_t inner = 1;  // elements that are next to each other whatever the blocks
  for (std::size_t d = rank_; d < shape.size(); ++d) inner *= static_cast<std::size_t>(shape[d]);
  std::size_t step = 1;
  for (std::size_t d = rank_; d-- > 0;) {
    const std::size_t by = d + 1 == rank_ ? inner : 1;
    const std::size_t size = static_cast<std::size_t>(shape[d]) * by, block = block_of(shape, blocks, d) * by;
    dimensions_[d] = {size, block, 0, step};
    step *= cells(size, block);
  }
  length_ = rank_ == 0 ? inner : dimensions_[rank_ - 1].block;
}

void Runs::next() {
  if (rank_ == 0) return;
  Dimension& last = dimensions_[rank_ - 1];
  last.at += length_;
  ++group_;
  length_ = std::min(last.block, last.size - last.at);
  if (length_ > 0) return;
  last.at = 0;
  group_ -= cells(last.size, last.block);
  length_ = last.block;
  for (std::size_t d = rank_ - 1; d-- > 0;) {
    Dimension& dimension = dimensions_[d];
    if (++dimension.at < dimension.size) {
      if (dimension.at % dimension.block == 0) group_ += dimension.step;
      return;
    }
    group_ -= (dimension.size - 1) / dimension.block * dimension.step;
    dimension.at = 0;
  }
}

}  // namespace mlq
