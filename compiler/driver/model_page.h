// `mlqc inspect --html`: a network to look at.
#pragma once

#include <string>

#include "compiler/driver/model_file.h"

namespace mlqc {

// `inspection` is what `inspect --json` writes.
std::string model_page(const ModelFile& file, const std::string& inspection);

}  // namespace mlqc
