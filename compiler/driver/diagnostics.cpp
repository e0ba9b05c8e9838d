#include "compiler/driver/diagnostics.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

namespace mlqc {

namespace {

struct Colours {
  const char *bold = "", *severity = "", *caret = "", *off = "";
};

Colours colours_for(Severity severity, bool colour) {
  if (!colour) return {};
  return {"\033[1m", severity == Severity::error ? "\033[1;31m" : "\033[1;35m", "\033[1;32m", "\033[0m"};
}

const char* word(Severity severity) { return severity == Severity::error ? "error" : "warning"; }

constexpr std::size_t widest_line = 160;

// The line that the place is in; empty when there is none. What would move the cursor is shown as '?'.
std::string source_line(const Place& where) {
  if (where.line <= 0) return {};
  std::ifstream file(where.file, std::ios::binary);
  std::string line;
  for (int i = 0; i < where.line; ++i)
    if (!std::getline(file, line)) return {};
  if (!line.empty() && line.back() == '\r') line.pop_back();
  for (char& c : line)
    if ((static_cast<unsigned char>(c) < 32 && c != '\t') || c == 127) c = '?';
  return line;
}

bool starts_character(char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }

// Spaces up to the column: one per character, not per byte, and tabs kept as tabs.
std::string indent_to(const std::string& line, std::size_t column) {
  std::string indent;
  for (std::size_t i = 0; i + 1 < column; ++i)
    if (i >= line.size() || starts_character(line[i]))
      indent += i < line.size() && line[i] == '\t' ? '\t' : ' ';
  return indent;
}

std::string excerpt(const Place& where, const Colours& c) {
  std::string line = source_line(where);
  if (line.empty()) return {};
  const auto column = static_cast<std::size_t>(std::max(where.column, 1));
  if (column > widest_line) return {};
  const std::string caret = indent_to(line, column);
  if (line.size() > widest_line) {
    std::size_t end = widest_line;
    while (end > 0 && !starts_character(line[end])) --end;
    line = line.substr(0, end) + "...";
  }
  return fmt::format("{:5} | {}\n      | {}{}^{}\n", where.line, line, caret, c.caret, c.off);
}

std::string position(const Place& where) {
  std::string text = where.file.empty() ? "mlqc" : where.file;
  if (where.line > 0) text += fmt::format(":{}", where.line);
  if (where.line > 0 && where.column > 0) text += fmt::format(":{}", where.column);
  return text;
}

std::string code_suffix(const Diagnostic& d) { return d.code.empty() ? "" : " [" + d.code + "]"; }

std::string gcc(const Diagnostic& d, Severity severity, const Colours& c) {
  std::string text = fmt::format("{}{}:{} {}{}:{} {}{}\n", c.bold, position(d.where), c.off, c.severity,
                                 word(severity), c.off, d.what, code_suffix(d));
  text += excerpt(d.where, c);
  if (!d.hint.empty()) text += fmt::format("      = hint: {}\n", d.hint);
  for (const std::string& note : d.notes) text += fmt::format("      = note: {}\n", note);
  return text;
}

// One line, for tools that take no more.
std::string sentence(const Diagnostic& d) {
  std::string text = d.what;
  if (!d.hint.empty()) text += "; hint: " + d.hint;
  for (const std::string& note : d.notes) text += "; note: " + note;
  return text;
}

std::string msvc(const Diagnostic& d, Severity severity) {
  std::string place = d.where.file.empty() ? "mlqc" : d.where.file;
  if (d.where.line > 0) place += fmt::format("({},{})", d.where.line, std::max(d.where.column, 1));
  return fmt::format("{}: {} {}: {}\n", place, word(severity), d.code, sentence(d));
}

// The escapes of GitHub's workflow commands; properties also end at ':' and ','.
std::string escape(const std::string& text, bool property) {
  std::string out;
  for (const char c : text)
    if (c == '%' || c == '\r' || c == '\n' || (property && (c == ':' || c == ',')))
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    else
      out += c;
  return out;
}

std::string github(const Diagnostic& d, Severity severity) {
  std::string properties = fmt::format("title={}", escape(d.code, true));
  if (!d.where.file.empty()) properties += ",file=" + escape(d.where.file, true);
  if (d.where.line > 0)
    properties += fmt::format(",line={},col={}", d.where.line, std::max(d.where.column, 1));
  std::string message = d.what;
  if (!d.hint.empty()) message += "\nhint: " + d.hint;
  for (const std::string& note : d.notes) message += "\nnote: " + note;
  return fmt::format("::{} {}::{}\n", word(severity), properties, escape(message, false));
}

std::string json(const Diagnostic& d, Severity severity) {
  const nlohmann::ordered_json object = {
      {"severity", word(severity)}, {"code", d.code},    {"file", d.where.file}, {"line", d.where.line},
      {"column", d.where.column},   {"message", d.what}, {"hint", d.hint},       {"notes", d.notes}};
  return object.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace

std::string to_text(const Diagnostic& diagnostic, Severity severity, DiagnosticFormat format, bool colour) {
  switch (format) {
    case DiagnosticFormat::gcc:
      return gcc(diagnostic, severity, colours_for(severity, colour));
    case DiagnosticFormat::msvc:
      return msvc(diagnostic, severity);
    case DiagnosticFormat::github:
      return github(diagnostic, severity);
    case DiagnosticFormat::json:
      return json(diagnostic, severity);
  }
  return {};
}

void report(const Diagnostic& diagnostic, Severity severity, const Options& options) {
  const char* no_colour = std::getenv("NO_COLOR");
  const bool colour = ::isatty(STDERR_FILENO) && !(no_colour && *no_colour);
  const std::string text = to_text(diagnostic, severity, options.diagnostics, colour);
  // In one call, so that processes of a parallel build do not mix their messages.
  std::fflush(stdout);
  std::fwrite(text.data(), 1, text.size(), stderr);
}

}  // namespace mlqc
