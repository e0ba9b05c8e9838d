#include "compiler/quantize/blocks.h"

#include <algorithm>

namespace mlqc {

namespace {

using mlq::Shape;

// Along one dimension: how far a block reaches, and how many there are.
struct Along {
  std::size_t size, block, count;
};

Along along(const Shape& shape, const Shape& blocks, std::size_t d) {
  const auto size = static_cast<std::size_t>(shape[d]);
  const auto block = d < blocks.size() && blocks[d] > 0 ? static_cast<std::size_t>(blocks[d]) : size;
  return {size, block, block == 0 ? 1 : (size + block - 1) / block};
}

}  // namespace

Shape blocks_of(const TensorPlan& plan, const Shape& shape) {
  const QuantizeSettings& settings = plan.settings;
  Shape blocks(shape.size());
  const auto out = static_cast<std::size_t>(plan.axis), in = static_cast<std::size_t>(plan.input_axis);
  const std::string& granularity = settings.granularity;
  if (granularity == "per_channel" || granularity == "per_class" || granularity == "per_block")
    blocks.at(out) = 1;
  if (settings.granularity == "per_group") blocks.at(out) = settings.group_size;
  if (settings.granularity == "per_block") blocks.at(in) = settings.block_size;
  for (std::size_t d = 0; d < shape.size(); ++d)
    if (blocks[d] >= shape[d] && blocks[d] > 1) blocks[d] = 0;
  while (!blocks.empty() && blocks.back() == 0) blocks.pop_back();
  return blocks;
}

std::vector<std::uint32_t> groups_of(const Shape& shape, const Shape& blocks) {
  std::vector<std::uint32_t> groups = {0};
  for (std::size_t d = 0; d < shape.size(); ++d) {
    const auto [size, block, count] = along(shape, blocks, d);
    std::vector<std::uint32_t> finer;
    finer.reserve(groups.size() * size);
    for (const std::uint32_t group : groups)
      for (std::size_t i = 0; i < size; ++i)
        finer.push_back(static_cast<std::uint32_t>(group * count + i / block));
    groups = std::move(finer);
  }
  return groups;
}

std::vector<std::size_t> elements_of(const Shape& shape, const Shape& blocks, std::size_t group) {
  std::vector<std::size_t> place(shape.size());
  for (std::size_t d = shape.size(); d-- > 0;) {
    const std::size_t count = along(shape, blocks, d).count;
    place[d] = group % count;
    group /= count;
  }
  std::vector<std::size_t> elements = {0};
  for (std::size_t d = 0; d < shape.size(); ++d) {
    const auto [size, block, count] = along(shape, blocks, d);
    const std::size_t begin = place[d] * block, end = std::min(size, begin + block);
    std::vector<std::size_t> finer;
    finer.reserve(elements.size() * (end - begin));
    for (const std::size_t element : elements)
      for (std::size_t i = begin; i < end; ++i) finer.push_back(element * size + i);
    elements = std::move(finer);
  }
  return elements;
}

std::optional<Weights> as_runs(std::span<const float> values, const Shape& shape, const Shape& blocks) {
  Weights weights{values, 1, static_cast<std::int64_t>(values.size())};
  std::size_t first = 0, last = blocks.size();
  while (last > 0 && blocks[last - 1] == 0) --last;
  while (first < last && blocks[first] == 0) ++first;
  if (first == last || values.empty()) return weights;
  // From the first dimension with blocks to the last one, all others have blocks of one.
  weights.inner = blocks[last - 1];
  for (std::size_t d = last; d < shape.size(); ++d) weights.inner *= shape[d];
  for (std::size_t d = first; d < last; ++d) {
    if (blocks[d] != 1 && (d + 1 < last || shape[d] % blocks[d] != 0)) return std::nullopt;
    weights.groups *= shape[d] / blocks[d];
  }
  return weights;
}

}  // namespace mlqc
