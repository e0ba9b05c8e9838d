#include "compiler/manifest/scalars.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <string_view>

namespace mlqc {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

template <class T>
std::optional<T> convert(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return {};
  return value;
}

// YAML 1.1 reads 010 as eight, YAML 1.2 as ten.
bool has_leading_zero(std::string_view text) {
  if (!text.empty() && text.front() == '-') text.remove_prefix(1);
  return text.size() > 1 && text[0] == '0' && is_digit(text[1]);
}

struct Unit {
  std::string_view name;
  double bytes;
};
constexpr std::array units = {Unit{"B", 1},
                              Unit{"KB", 1e3},
                              Unit{"kB", 1e3},
                              Unit{"MB", 1e6},
                              Unit{"GB", 1e9},
                              Unit{"KiB", 1024.0},
                              Unit{"MiB", 1024.0 * 1024},
                              Unit{"GiB", 1024.0 * 1024 * 1024}};

}  // namespace

std::optional<std::int64_t> to_whole(const std::string& text) {
  if (has_leading_zero(text)) return {};
  return convert<std::int64_t>(text);
}

std::optional<double> to_number(const std::string& text) {
  const std::size_t first = text.rfind('-', 0) == 0 ? 1 : 0;
  // from_chars would also take "inf" and "nan".
  if (text.size() <= first || !is_digit(text[first]) || has_leading_zero(text)) return {};
  const auto value = convert<double>(text);
  return value && std::isfinite(*value) ? value : std::nullopt;
}

std::optional<double> to_size(const std::string& text) {
  if (const auto plain = to_number(text)) return plain;
  const std::size_t digits = std::min(text.find_first_not_of("0123456789."), text.size());
  const auto number = to_number(text.substr(0, digits));
  if (!number) return {};
  const std::size_t start = std::min(text.find_first_not_of(' ', digits), text.size());
  for (const Unit& unit : units)
    if (text.substr(start) == unit.name) return *number * unit.bytes;
  return {};
}

bool is_identifier(const std::string& text) {
  return !text.empty() && is_letter(text[0]) &&
         std::ranges::all_of(text, [](char c) { return is_letter(c) || is_digit(c); });
}

bool is_qualified_identifier(const std::string& text) {
  std::size_t start = 0;
  for (std::size_t end; (end = text.find("::", start)) != std::string::npos; start = end + 2)
    if (!is_identifier(text.substr(start, end - start))) return false;
  return is_identifier(text.substr(start));
}

bool is_sha256(const std::string& text) {
  return text.size() == 64 &&
         std::ranges::all_of(text, [](char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); });
}

}  // namespace mlqc
