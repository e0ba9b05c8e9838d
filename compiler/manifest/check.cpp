#include "compiler/manifest/check.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "compiler/manifest/fail.h"
#include "compiler/manifest/scalars.h"

namespace mlqc {

namespace {

using Words = std::vector<std::string>;

std::string list(const Words& words) { return fmt::format("{}", fmt::join(words, ", ")); }

// "did you mean 'bits'?", or all there are.
std::string suggest(const std::string& word, const Words& candidates, const std::string& all) {
  const std::string found = nearest(word, candidates);
  return found.empty() ? all + list(candidates) : "did you mean '" + found + "'?";
}

std::string shown(const Yaml& value) {
  switch (value.kind) {
    case Yaml::Kind::null:
      return "nothing";
    case Yaml::Kind::list:
      return "a list";
    case Yaml::Kind::map:
      return "a mapping";
    case Yaml::Kind::scalar:
      break;
  }
  const std::string text = value.text.size() > 60 ? value.text.substr(0, 57) + "..." : value.text;
  return value.quoted ? "the text \"" + text + "\"" : "'" + text + "'";
}

// An empty value's own mark is on a later line, so it is reported at its key.
[[noreturn]] void mistyped(const Yaml& value, const Field& field, const Place& key, const std::string& wanted,
                           const std::string& hint) {
  fail(value.kind == Yaml::Kind::null ? key : value.where, "MLQ103",
       fmt::format("'{}' must be {}, not {}", field.key, wanted, shown(value)), hint);
}

const std::string& scalar(const Yaml& value, const Field& field, const Place& key,
                          const std::string& wanted) {
  if (value.kind != Yaml::Kind::scalar) mistyped(value, field, key, wanted, "");
  return value.text;
}

void check_range(const Yaml& value, const Field& field, double number) {
  if (number >= field.min && number <= field.max) return;
  const std::string range = field.max < 1e300 ? fmt::format("from {} to {}", field.min, field.max)
                                              : fmt::format("{} or more", field.min);
  fail(value.where, "MLQ106", fmt::format("'{}' must be {}, not {}", field.key, range, shown(value)));
}

std::string hint_for_number(const Yaml& value) {
  if (value.quoted && to_size(value.text)) return "remove the quotes";
  std::string digits = value.text;
  if (digits.ends_with('%')) {
    digits.pop_back();
    if (const auto percent = to_number(digits)) return fmt::format("write {}", *percent / 100);
  }
  return "write it in plain decimal digits";
}

void check_whole(const Yaml& value, const Field& field, const Place& key) {
  const std::string& text = scalar(value, field, key, "a whole number");
  const auto number = to_whole(text);
  if (!number || value.quoted) mistyped(value, field, key, "a whole number", hint_for_number(value));
  check_range(value, field, static_cast<double>(*number));
}

void check_number(const Yaml& value, const Field& field, const Place& key) {
  const std::string& text = scalar(value, field, key, "a number");
  const auto number = to_number(text);
  if (!number || value.quoted) mistyped(value, field, key, "a number", hint_for_number(value));
  check_range(value, field, *number);
}

void check_numbers(const Yaml& value, const Field& field, const Place& key) {
  if (value.kind != Yaml::Kind::list) return check_number(value, field, key);
  if (value.items.size() != 3)
    fail(value.where, "MLQ103",
         fmt::format("'{}' must be one number or three, not {}", field.key, value.items.size()),
         "give those of red, green and blue: [1, 1, 1]");
  for (const Yaml& item : value.items) check_number(item, field, item.where);
}

void check_size(const Yaml& value, const Field& field, const Place& key) {
  const std::string& text = scalar(value, field, key, "a number");
  const auto number = to_size(text);
  // A size with its unit is text to YAML, so quotes change nothing there.
  if (!number || (value.quoted && to_number(text)))
    mistyped(
        value, field, key, "a number or a size",
        number || text.ends_with('%') ? hint_for_number(value) : "write for example 0.98, 700 KB or 1.4 MiB");
  check_range(value, field, *number);
}

void check_text(const Yaml& value, const Field& field, const Place& key) {
  const std::string& text = scalar(value, field, key, "text");
  if (text.empty()) fail(value.where, "MLQ104", fmt::format("'{}' is empty", field.key));
  if (std::ranges::any_of(text, [](unsigned char c) { return c < 32 || c == 127; }))
    fail(value.where, "MLQ103", fmt::format("'{}' must be one line without control characters", field.key));
}

void check_name(const Yaml& value, const Field& field, const Place& key) {
  check_text(value, field, key);
  const bool qualified = field.type == Type::qualified;
  if (!(qualified ? is_qualified_identifier(value.text) : is_identifier(value.text)))
    mistyped(value, field, key, qualified ? "a C++ name such as app::Name" : "a C++ name",
             "letters, digits and '_', not starting with a digit");
}

void check_digest(const Yaml& value, const Field& field, const Place& key) {
  if (value.kind == Yaml::Kind::null) return;
  if (!is_sha256(scalar(value, field, key, "a SHA-256")))
    mistyped(value, field, key, "a SHA-256",
             "64 digits 0-9 a-f, as sha256sum prints them; or leave the key out");
}

void check_word(const Yaml& value, const Field& field, const Place& key) {
  const std::string wanted = field.type == Type::bits ? "a number" : "a word";
  const std::string& text = scalar(value, field, key, fmt::format("one of {}", list(field.words)));
  for (const Refused& refused : field.refused)
    if (text == refused.word)
      fail(value.where, "MLQ110", fmt::format("'{}: {}' is not yet supported", field.key, text),
           refused.instead);
  if (!field.other_words && std::ranges::find(field.words, text) == field.words.end())
    fail(value.where, "MLQ105", fmt::format("{} is no value of '{}'", shown(value), field.key),
         field.type == Type::bits ? "one of " + list(field.words) : suggest(text, field.words, "one of "));
  if (field.type == Type::bits && value.quoted) mistyped(value, field, key, wanted, "remove the quotes");
}

void check_words(const Yaml& value, const Field& field, const Place& key) {
  if (value.kind != Yaml::Kind::list)
    mistyped(value, field, key, "a list", fmt::format("write [{}]", field.words.front()));
  Words seen;
  for (const Yaml& item : value.items) {
    check_word(item, field, item.where);
    if (std::ranges::find(seen, item.text) != seen.end())
      fail(item.where, "MLQ102", fmt::format("'{}' is given twice", item.text), "remove one of the two");
    seen.push_back(item.text);
  }
}

std::string joined(const Words& keys) {
  Words quoted;
  for (const std::string& key : keys) quoted.push_back("'" + key + "'");
  return fmt::format("{}", fmt::join(quoted, ", "));
}

void check_combination(const Yaml& value, const Field& field, const Place& where) {
  std::vector<const YamlEntry*> given;
  for (const YamlEntry& entry : value.entries)
    if (std::ranges::find(field.one_of, entry.key) != field.one_of.end()) given.push_back(&entry);
  if (given.size() > 1)
    fail(given[1]->where, "MLQ109",
         fmt::format("'{}' and '{}' exclude each other", given[0]->key, given[1]->key),
         fmt::format("give exactly one of {}", joined(field.one_of)));
  if (given.empty() && !field.one_of.empty())
    fail(where, "MLQ104", fmt::format("'{}' needs one of {}", field.key, joined(field.one_of)));
  if (!field.any_of.empty() && std::ranges::none_of(field.any_of, [&](auto& key) { return value.find(key); }))
    fail(where, "MLQ104", fmt::format("an entry of '{}' needs {}", field.key, joined(field.any_of)),
         "give at least one of them");
}

void check_section(const Yaml& value, const Field& field, const Place& where) {
  if (value.kind != Yaml::Kind::map)
    mistyped(value, field, where, "a mapping of keys to values", "write 'key: value' lines");
  Words keys;
  for (const Field& inner : field.fields) keys.push_back(inner.key);
  for (const YamlEntry& entry : value.entries) {
    const auto inner = std::ranges::find(field.fields, entry.key, &Field::key);
    if (inner == field.fields.end())
      fail(entry.where, "MLQ101", fmt::format("unknown key '{}' in '{}'", entry.key, field.key),
           suggest(entry.key, keys, "its keys are: "));
    check(entry.value, *inner, entry.where);
  }
  for (const Field& inner : field.fields)
    if (inner.required && !value.find(inner.key))
      fail(where, "MLQ104", fmt::format("'{}' needs the key '{}'", field.key, inner.key), inner.what);
  check_combination(value, field, where);
}

void check_sections(const Yaml& value, const Field& field, const Place& key) {
  if (value.kind != Yaml::Kind::list)
    mistyped(value, field, key, "a list of entries", "write '- ' before each entry");
  for (const Yaml& item : value.items) check_section(item, field, item.where);
}

void check_named(const Yaml& value, const Field& field, const Place& key) {
  if (value.kind != Yaml::Kind::map) mistyped(value, field, key, "a mapping from names to settings", "");
  for (const YamlEntry& entry : value.entries) {
    Field inner = field;
    inner.key = entry.key;
    check_section(entry.value, inner, entry.where);
  }
}

void check_parameters(const Yaml& value, const Field& field, const Place& key) {
  if (value.kind != Yaml::Kind::map) mistyped(value, field, key, "a mapping from names to values", "");
  for (const YamlEntry& entry : value.entries)
    if (entry.value.kind != Yaml::Kind::scalar)
      fail(entry.where, "MLQ103",
           fmt::format("'{}' must be a number, true, false or text, not {}", entry.key, shown(entry.value)));
}

}  // namespace

void check(const Yaml& value, const Field& field, const Place& where) {
  switch (field.type) {
    case Type::whole:
      return check_whole(value, field, where);
    case Type::number:
      return check_number(value, field, where);
    case Type::numbers:
      return check_numbers(value, field, where);
    case Type::size:
      return check_size(value, field, where);
    case Type::text:
    case Type::path:
      return check_text(value, field, where);
    case Type::identifier:
    case Type::qualified:
      return check_name(value, field, where);
    case Type::digest:
      return check_digest(value, field, where);
    case Type::word:
    case Type::bits:
      return check_word(value, field, where);
    case Type::words:
      return check_words(value, field, where);
    case Type::section:
      return check_section(value, field, where);
    case Type::sections:
      return check_sections(value, field, where);
    case Type::named:
      return check_named(value, field, where);
    case Type::parameters:
      return check_parameters(value, field, where);
  }
}

}  // namespace mlqc
