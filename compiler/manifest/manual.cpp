#include <fmt/format.h>
#include <fmt/ranges.h>

#include "compiler/manifest/fields.h"
#include "compiler/manifest/manifest.h"

namespace mlqc {

namespace {

std::string values(const Field& field) {
  switch (field.type) {
    case Type::whole:
      return "whole number";
    case Type::number:
      return "number";
    case Type::numbers:
      return "number or `[red, green, blue]`";
    case Type::size:
      return "number or size";
    case Type::text:
      return "text";
    case Type::identifier:
      return "C++ name";
    case Type::qualified:
      return "C++ name, `a::b`";
    case Type::digest:
      return "64 hex digits or `null`";
    case Type::path:
      return "path";
    case Type::word:
    case Type::bits:
      return fmt::format("`{}`{}", fmt::join(field.words, "`, `"), field.other_words ? " or one's own" : "");
    case Type::words:
      return fmt::format("list of `{}`", fmt::join(field.words, "`, `"));
    case Type::section:
      return "section";
    case Type::sections:
      return "list of sections";
    case Type::named:
      return "section per name";
    case Type::parameters:
      return "names to numbers, booleans or text";
  }
  return "";
}

std::string row(const Field& field) {
  const std::string otherwise = field.required ? "**required**" : field.otherwise;
  return fmt::format("| `{}` | {} | {} | {} |\n", field.key, values(field), otherwise, field.what);
}

std::string needs(const Field& field) {
  if (!field.one_of.empty()) return fmt::format("Exactly one of `{}`.\n\n", fmt::join(field.one_of, "`, `"));
  if (!field.any_of.empty()) return fmt::format("At least one of `{}`.\n\n", fmt::join(field.any_of, "`, `"));
  return "";
}

void write(const Field& field, const std::string& title, std::string& manual) {
  manual += fmt::format("### {}\n\n{}", title, needs(field));
  manual += "| key | value | when absent | |\n|---|---|---|---|\n";
  for (const Field& inner : field.fields) manual += row(inner);
  manual += "\n";
  for (const Field& inner : field.fields)
    if (!inner.fields.empty()) {
      const std::string prefix = &field == &manifest_fields() ? "" : title + ".";
      write(inner, prefix + inner.key, manual);
    }
}

}  // namespace

std::string manifest_manual() {
  std::string manual;
  write(manifest_fields(), "manifest", manual);
  manual.pop_back();  // the blank line after the last table
  return manual;
}

}  // namespace mlqc
