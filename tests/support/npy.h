// Reads NumPy's .npy for tests (the compiler's own reader is under test elsewhere).
#pragma once

#include <filesystem>

#include "mlq/model.h"

namespace mlq::test {

// Little-endian, C or Fortran order (returned as C order), float and integer types; throws on anything else.
Array read_npy(const std::filesystem::path& path);

}  // namespace mlq::test
