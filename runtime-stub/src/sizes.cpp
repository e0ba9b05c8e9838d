#include "mlq/sizes.h"

#include <algorithm>
#include <charconv>
#include <limits>

namespace mlq {

namespace {

constexpr std::string_view separator = " or ";

// Takes a number off the text's front; nothing where there is none.
std::optional<std::int64_t> take_number(std::string_view& text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || value < 0) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

std::optional<std::vector<SizeRange>> parse_shape(std::string_view text) {
  std::vector<SizeRange> shape;
  for (;;) {
    const auto from = take_number(text);
    if (!from) return std::nullopt;
    SizeRange range{*from, *from};
    if (text.starts_with("..")) {
      text.remove_prefix(2);
      range.to = take_number(text).value_or(-1);
    }
    shape.push_back(range);
    if (text.empty()) return shape;
    if (text.front() != 'x') return std::nullopt;
    text.remove_prefix(1);
  }
}

bool inside(const SizeRange& range, std::int64_t size) {
  return size >= range.from && (range.to < 0 || size <= range.to);
}

}  // namespace

std::string sizes_key(std::string_view input) { return "allowed shapes of '" + std::string(input) + "'"; }

std::string to_string(const Sizes& sizes) {
  std::string text;
  for (const auto& shape : sizes) {
    if (!text.empty()) text += separator;
    for (std::size_t i = 0; i < shape.size(); ++i) {
      text += (i ? "x" : "") + std::to_string(shape[i].from);
      if (shape[i].to < 0)
        text += "..";
      else if (shape[i].to != shape[i].from)
        text += ".." + std::to_string(shape[i].to);
    }
  }
  return text;
}

std::optional<Sizes> parse_sizes(std::string_view text) {
  Sizes sizes;
  for (;;) {
    const std::size_t end = text.find(separator);
    auto shape = parse_shape(text.substr(0, end));
    if (!shape) return std::nullopt;
    sizes.push_back(std::move(*shape));
    if (end == std::string_view::npos) return sizes;
    text.remove_prefix(end + separator.size());
  }
}

std::optional<Sizes> sizes_of(const Graph& graph, const Feature& input) {
  const std::string key = sizes_key(input.name);
  for (const auto& [name, value] : graph.metadata)
    if (name == key) return parse_sizes(value);
  return std::nullopt;
}

bool allows(const Sizes& sizes, const Shape& shape) {
  return std::any_of(sizes.begin(), sizes.end(), [&](const std::vector<SizeRange>& ranges) {
    return std::equal(ranges.begin(), ranges.end(), shape.begin(), shape.end(), inside);
  });
}

Shape nearest(const Sizes& sizes, const Shape& wanted) {
  Shape best;
  std::int64_t least = std::numeric_limits<std::int64_t>::max();
  for (const auto& ranges : sizes) {
    if (ranges.size() != wanted.size()) continue;
    Shape shape;
    std::int64_t apart = 0;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      const SizeRange& range = ranges[i];
      const std::int64_t low = std::max(wanted[i], range.from);
      shape.push_back(range.to < 0 ? low : std::min(low, range.to));
      apart += std::abs(shape[i] - wanted[i]);
    }
    if (apart >= least) continue;
    least = apart;
    best = std::move(shape);
  }
  return best;
}

}  // namespace mlq
