#include "compiler/codegen/text.h"

#include <fmt/format.h>

#include <algorithm>

namespace mlqc {

namespace {

// Bytes of the UTF-8 sequence that begins `text`, 0 when it is none. Overlong forms and surrogates pass:
// compilers take them in comments.
std::size_t sequence_length(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text.front());
  const std::size_t length = lead < 0x80   ? 1
                             : lead < 0xC2 ? 0
                             : lead < 0xE0 ? 2
                             : lead < 0xF0 ? 3
                             : lead < 0xF5 ? 4
                                           : 0;
  if (length > text.size()) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xC0) != 0x80) return 0;
  }
  return length;
}

// U+200E, U+200F, U+202A..U+202E, U+2066..U+2069: they make code look different from what it says. U+2028 and
// U+2029 end a line for some readers, U+0080..U+009F are controls.
bool is_treacherous(std::string_view sequence) {
  if (sequence.size() == 2) return sequence[0] == '\xC2' && static_cast<unsigned char>(sequence[1]) < 0xA0;
  if (sequence.size() != 3 || sequence[0] != '\xE2') return false;
  const auto last = static_cast<unsigned char>(sequence[2]);
  if (sequence[1] == '\x80') return last == 0x8E || last == 0x8F || (last >= 0xA8 && last <= 0xAE);
  return sequence[1] == '\x81' && last >= 0xA6 && last <= 0xA9;
}

}  // namespace

std::string string_literal(std::string_view text) {
  std::string literal = "\"";
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    // Three octal digits always: the character behind them cannot be taken for a fourth.
    const bool plain = byte >= 0x20 && byte < 0x7F && c != '"' && c != '\\' && c != '?';
    literal += plain ? std::string(1, c) : fmt::format("\\{:03o}", byte);
  }
  return literal + '"';
}

std::vector<std::string> comment_lines(std::string_view text) {
  std::vector<std::string> lines(1);
  while (!text.empty()) {
    const std::size_t length = sequence_length(text);
    const std::string_view sequence = text.substr(0, length);
    if (text.front() == '\n') {
      lines.emplace_back();
    } else if (length == 0 || is_treacherous(sequence) || text.starts_with("?\?/")) {
      lines.back() += '.';
    } else {
      const auto byte = static_cast<unsigned char>(text.front());
      lines.back() += byte < 0x20 || byte == 0x7F ? " " : std::string(sequence);
    }
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  for (std::string& line : lines) {
    // A backslash at the end would make the next line part of the comment.
    while (!line.empty() && (line.back() == ' ' || line.back() == '\\')) line.pop_back();
  }
  while (!lines.empty() && lines.back().empty()) lines.pop_back();
  return lines;
}

}  // namespace mlqc
