// What the table of fields cannot say: keys that contradict each other across a manifest.
#pragma once

#include "compiler/manifest/manifest.h"

namespace mlqc {

// Throws Error MLQ109, with the place of the second of the two.
void check_rules(const Manifest& manifest);

}  // namespace mlqc
