#include "compiler/codegen/identifier.h"

#include <algorithm>
#include <array>

namespace mlqc {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_word(char c) { return is_digit(c) || is_lower(c) || is_upper(c); }

// Keywords of C++23 with the alternative tokens and the names that grammar gives a meaning in places; then
// macros that compilers, the C library, Qt or X11 define, which no namespace keeps away.
constexpr std::array taken = std::to_array<std::string_view>({
    "alignas",
    "alignof",
    "and",
    "and_eq",
    "asm",
    "auto",
    "bitand",
    "bitor",
    "bool",
    "break",
    "case",
    "catch",
    "char",
    "char16_t",
    "char32_t",
    "char8_t",
    "class",
    "co_await",
    "co_return",
    "co_yield",
    "compl",
    "concept",
    "const",
    "const_cast",
    "consteval",
    "constexpr",
    "constinit",
    "continue",
    "decltype",
    "default",
    "delete",
    "do",
    "double",
    "dynamic_cast",
    "else",
    "enum",
    "explicit",
    "export",
    "extern",
    "false",
    "final",
    "float",
    "for",
    "friend",
    "goto",
    "if",
    "import",
    "inline",
    "int",
    "long",
    "module",
    "mutable",
    "namespace",
    "new",
    "noexcept",
    "not",
    "not_eq",
    "nullptr",
    "operator",
    "or",
    "or_eq",
    "override",
    "private",
    "protected",
    "public",
    "register",
    "reinterpret_cast",
    "requires",
    "return",
    "short",
    "signed",
    "sizeof",
    "static",
    "static_assert",
    "static_cast",
    "struct",
    "switch",
    "template",
    "this",
    "thread_local",
    "throw",
    "true",
    "try",
    "typedef",
    "typeid",
    "typename",
    "union",
    "unsigned",
    "using",
    "virtual",
    "void",
    "volatile",
    "wchar_t",
    "while",
    "xor",
    "xor_eq",
    "BUFSIZ",
    "Bool",
    "EOF",
    "False",
    "I",
    "NAN",
    "NULL",
    "None",
    "RAND_MAX",
    "Status",
    "Success",
    "True",
    "assert",
    "complex",
    "emit",
    "errno",
    "foreach",
    "forever",
    "i386",
    "linux",
    "major",
    "makedev",
    "minor",
    "signals",
    "slots",
    "stderr",
    "stdin",
    "stdout",
    "unix",
});

}  // namespace

bool is_usable_identifier(std::string_view name) {
  if (name.empty() || is_digit(name.front()) || name.front() == '_') return false;
  const bool words = std::all_of(name.begin(), name.end(), [](char c) { return is_word(c) || c == '_'; });
  // Two underscores in a row, wherever they are, belong to the compiler.
  return words && name.find("__") == std::string_view::npos && std::ranges::find(taken, name) == taken.end();
}

std::string to_identifier(std::string_view name, std::string_view kind) {
  std::string identifier;
  for (char c : name) {
    if (is_word(c)) {
      identifier += c;
    } else if (!identifier.empty() && identifier.back() != '_') {
      identifier += '_';
    }
  }
  while (!identifier.empty() && identifier.back() == '_') identifier.pop_back();
  if (identifier.empty()) return std::string(kind);
  if (is_digit(identifier.front())) return std::string(kind) + "_" + identifier;
  return is_usable_identifier(identifier) ? identifier : identifier + "_";
}

std::string to_camel_case(std::string_view name) {
  std::string camel;
  bool first = true;
  for (char c : name) {
    if (is_word(c)) camel += first && is_lower(c) ? static_cast<char>(c - 'a' + 'A') : c;
    first = !is_word(c) || (first && is_digit(c));
  }
  if (camel.empty() || is_digit(camel.front())) camel = "Model" + camel;
  return is_usable_identifier(camel) ? camel : camel + "Model";
}

}  // namespace mlqc
