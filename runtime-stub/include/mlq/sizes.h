// Which shapes a flexible input takes. A graph says it in its metadata, in words that people can read too:
// "1x3x224x224 or 1x3x64..512x64.." has two alternatives, the second with a range that is bounded and one
// that is not.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mlq/graph.h"

namespace mlq {

// Both ends included; no end is -1.
struct SizeRange {
  std::int64_t from = 0, to = 0;
};
// One range for each dimension; any of the alternatives will do.
using Sizes = std::vector<std::vector<SizeRange>>;

// The metadata's key for an input, and its value.
std::string sizes_key(std::string_view input);
std::string to_string(const Sizes& sizes);
// Nothing where the text is no list of shapes.
std::optional<Sizes> parse_sizes(std::string_view text);

// What the graph says of its input; nothing where the input takes whatever fits its own shape.
std::optional<Sizes> sizes_of(const Graph& graph, const Feature& input);

bool allows(const Sizes& sizes, const Shape& shape);
// The allowed shape that is nearest to the wanted one: by the sum of the dimensions' differences, the first
// of equals.
Shape nearest(const Sizes& sizes, const Shape& wanted);

}  // namespace mlq
