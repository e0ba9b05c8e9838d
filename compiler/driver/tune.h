// `bits: auto`: the search for the bits of each layer.
#pragma once

#include "compiler/driver/compile_model.h"
#include "compiler/driver/progress.h"
#include "compiler/driver/recipe.h"

namespace mlqc {

// Everything is measured on the samples of `calibrate`; those of `validate` see the result only, once, and
// four times more where it missed `at_least` there. Throws Error (Exit::red) when the budget cannot be
// reached, Error (Exit::usage) when its metric suits no output.
Recipe tune(const Manifest& manifest, const Inputs& inputs, Progress& progress);

// The manifest with bits for 'auto', where it says so: from the recipe in `file` where it is still good, else
// searched and written there. An empty path: always searched, nowhere written.
Manifest tuned(const Manifest& manifest, const Inputs& inputs, const std::filesystem::path& file,
               Progress& progress);

}  // namespace mlqc
