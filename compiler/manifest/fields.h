// The language of manifests as one table: the decoder, the JSON schema and the manual are read from it.
#pragma once

#include <string>
#include <vector>

namespace mlqc {

enum class Type {
  whole,       // 12
  number,      // 0.98
  numbers,     // 0.98, or three of them: [0.9, 1, 1.1]
  size,        // 0.98, or bytes: "1.4 MiB"
  text,        // anything on one line
  identifier,  // a C++ name
  qualified,   // a C++ name, perhaps with namespaces
  digest,      // 64 hexadecimal digits, or null
  path,        // of a file or folder, relative to the manifest
  word,        // one of `words`
  bits,        // one of `words`, all of them numbers
  words,       // a list of `words`
  section,     // a mapping with `fields`
  sections,    // a list of mappings with `fields`
  named,       // a mapping from names that the model chooses to mappings with `fields`
  parameters,  // a mapping from free names to numbers, booleans or text
};

// A word of the language that this version cannot act on, and what to write instead.
struct Refused {
  std::string word, instead;
};

struct Field {
  std::string key;
  Type type = Type::text;
  std::string what = "";       // for the manual and for editors
  std::string otherwise = "";  // what holds when the key is absent, for the manual
  bool required = false;
  std::vector<std::string> words = {};
  bool other_words = false;  // also those that the manifest defines elsewhere: rules.cpp judges them
  std::vector<Refused> refused = {};
  double min = -1e300, max = 1e300;
  std::vector<Field> fields = {};
  std::vector<std::string> one_of = {};  // of a section: exactly one of these keys
  std::vector<std::string> any_of = {};  // of a section: at least one of these keys
};

// The whole manifest: a section.
const Field& manifest_fields();

}  // namespace mlqc
