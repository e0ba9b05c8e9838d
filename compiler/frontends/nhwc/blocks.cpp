#include "compiler/frontends/nhwc/blocks.h"

#include <algorithm>

#include "compiler/frontends/nhwc/arrays.h"

namespace mlqc::nhwc {

namespace {

// Checks the operands; the dimensions of x, all known.
Shape known_shape(const Build& b, TensorId x, const Ints& block, const Ints& margins) {
  const Shape shape = b.shape(x);
  b.require(!block.empty() && block.size() + 1 <= shape.size() && margins.size() == 2 * block.size(),
            "has a block or a margin per axis too many or too few");
  for (const std::int64_t size : block)
    b.require(size > 0 && size < 1 << 16, "has a block size out of range");
  for (const std::int64_t size : margins) b.require(size >= 0 && size < 1 << 24, "has a margin out of range");
  for (const std::int64_t size : shape)
    b.require(size > 0 && size < std::int64_t{1} << 31, "needs dimensions that are known");
  std::int64_t tiles = 1;
  for (const std::int64_t size : block) {
    tiles *= size;
    b.require(tiles < 1 << 24, "has a block size out of range");
  }
  return shape;
}

}  // namespace

TensorId space_to_batch(Build& b, TensorId x, const Ints& block, const Ints& pads) {
  const std::size_t rank = known_shape(b, x, block, pads).size(), axes = block.size();
  Ints all(2 * rank, 0);
  std::copy(pads.begin(), pads.end(), all.begin() + 2);
  if (std::any_of(pads.begin(), pads.end(), [](std::int64_t n) { return n > 0; }))
    x = pad(b, x, all, "constant", mlq::no_tensor);
  const Shape shape = b.shape(x);
  Ints cut{shape[0]}, perm, joined{shape[0]};
  for (std::size_t i = 0; i < axes; ++i) {
    b.require(shape[i + 1] % block[i] == 0, "cuts an axis into blocks that do not divide it");
    cut.insert(cut.end(), {shape[i + 1] / block[i], block[i]});
    perm.push_back(static_cast<std::int64_t>(2 * i + 2));
    joined[0] *= block[i];
    joined.push_back(shape[i + 1] / block[i]);
  }
  perm.push_back(0);
  for (std::size_t i = 0; i < axes; ++i) perm.push_back(static_cast<std::int64_t>(2 * i + 1));
  for (std::size_t i = axes + 1; i < rank; ++i) {
    cut.push_back(shape[i]);
    perm.push_back(static_cast<std::int64_t>(i + axes));
    joined.push_back(shape[i]);
  }
  return b.reshape(b.transpose(b.reshape(x, cut), perm), joined);
}

TensorId batch_to_space(Build& b, TensorId x, const Ints& block, const Ints& crops) {
  const Shape shape = known_shape(b, x, block, crops);
  const std::size_t rank = shape.size(), axes = block.size();
  std::int64_t tiles = 1;
  for (const std::int64_t size : block) tiles *= size;
  b.require(tiles > 0 && shape[0] % tiles == 0, "joins a batch that its blocks do not divide");
  Ints cut(block), perm{static_cast<std::int64_t>(axes)}, joined{shape[0] / tiles};
  cut.insert(cut.end(), shape.begin(), shape.end());
  cut[axes] = joined[0];
  for (std::size_t i = 0; i < axes; ++i) {
    perm.insert(perm.end(), {static_cast<std::int64_t>(axes + 1 + i), static_cast<std::int64_t>(i)});
    joined.push_back(shape[i + 1] * block[i]);
  }
  for (std::size_t i = axes + 1; i < rank; ++i) {
    perm.push_back(static_cast<std::int64_t>(axes + i));
    joined.push_back(shape[i]);
  }
  TensorId y = b.reshape(b.transpose(b.reshape(x, cut), perm), joined);
  if (std::all_of(crops.begin(), crops.end(), [](std::int64_t n) { return n == 0; })) return y;
  Ints begin(rank, 0), size(joined);
  for (std::size_t i = 0; i < axes; ++i) {
    begin[i + 1] = crops[2 * i];
    size[i + 1] -= crops[2 * i] + crops[2 * i + 1];
    b.require(size[i + 1] >= 0, "crops more than there is");
  }
  return slice(b, y, begin, size);
}

}  // namespace mlqc::nhwc
