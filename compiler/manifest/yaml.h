// YAML text as values that know their place. Only what a manifest needs: no anchors, aliases or tags, one
// document, bounded depth and size.
#pragma once

#include <string>
#include <vector>

#include "compiler/support/error.h"

namespace mlqc {

struct YamlEntry;

struct Yaml {
  enum class Kind { null, scalar, list, map };
  Kind kind = Kind::null;
  Place where;          // of the first character; of a block mapping: its first key
  std::string text;     // of a scalar
  bool quoted = false;  // "8" is text, 8 is a number
  std::vector<Yaml> items;
  std::vector<YamlEntry> entries;  // in the file's order, keys unique

  // The value of a key, or null.
  const Yaml* find(std::string_view key) const;
};

struct YamlEntry {
  std::string key;
  Place where;  // of the key
  Yaml value;
};

// Throws Error with the place: syntax (MLQ107), what a manifest does not use (MLQ108), duplicate keys
// (MLQ102).
Yaml parse_yaml(const std::string& file, const std::string& text);

}  // namespace mlqc
