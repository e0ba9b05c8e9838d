// Weights to the entries of a table.
#pragma once

#include <cstdint>
#include <span>

namespace mlqc {

// Index of the entry nearest to each value; of two equally near the lower. `table` is ascending, of at most
// 256 entries.
void nearest_entries(std::span<const float> values, std::span<const float> table,
                     std::span<std::uint8_t> indices);

}  // namespace mlqc
