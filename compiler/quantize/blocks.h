// Granularity: which weights share a scale or a table.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "compiler/quantize/quantize.h"

namespace mlqc {

// mlq::Quantization::blocks as a plan's granularity has them. What reaches as far as its dimension is the
// whole of it, so that equal groups have equal blocks.
mlq::Shape blocks_of(const TensorPlan& plan, const mlq::Shape& shape);

// Of each element, in order, the number of its group.
std::vector<std::uint32_t> groups_of(const mlq::Shape& shape, const mlq::Shape& blocks);

// The elements of one group, ascending.
std::vector<std::size_t> elements_of(const mlq::Shape& shape, const mlq::Shape& blocks, std::size_t group);

// The weights as algorithms see them, where all groups are equally many runs at equal distances.
std::optional<Weights> as_runs(std::span<const float> values, const mlq::Shape& shape,
                               const mlq::Shape& blocks);

}  // namespace mlqc
