// A YAML value against the table of fields.
#pragma once

#include "compiler/manifest/fields.h"
#include "compiler/manifest/yaml.h"

namespace mlqc {

// Throws Error at the first thing wrong, in the file's order. After it, every value has the form of its type.
// `where` is the place of the field's key: values that are absent are reported there.
void check(const Yaml& value, const Field& field, const Place& where);

}  // namespace mlqc
