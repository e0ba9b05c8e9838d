// Models of several files.
#pragma once

#include <filesystem>
#include <vector>

#include "compiler/frontends/frontend.h"

namespace mlqc {

// The further files that the model is made of: a SavedModel's graph and variables, an ONNX model's external
// data, as far as they are there. Source::sha256 is of all of them.
std::vector<std::filesystem::path> files_beside(const Source& source);

}  // namespace mlqc
