// NumPy's .npy format, versions 1 to 3 (NumPy Enhancement Proposal 1).
#pragma once

#include <filesystem>
#include <span>
#include <string>

#include "mlq/model.h"

namespace mlqc {

// Little-endian numbers and booleans, C or Fortran order; the result is in C order. The sentence of a failure
// does not name the file.
mlq::Result<mlq::Array> read_npy(std::span<const std::byte> bytes);

// The bytes of a .npy file, version 1, C order.
std::string write_npy(const mlq::Array& array);

}  // namespace mlqc
