// A Keras 3 file: a zip archive of a description and an HDF5 file of weights.
#pragma once

#include <optional>
#include <string>

#include "compiler/frontends/frontend.h"

namespace mlqc::keras {

bool is_zip(std::span<const std::byte> bytes);

// A member's bytes; throws Error MLQ306 when it is not there, damaged, or far larger than the archive.
mlq::Data read_member(const Source& source, const char* name);

}  // namespace mlqc::keras
