// Numbers of one type as numbers of another.
#pragma once

#include <cstddef>

#include "mlq/graph.h"

namespace mlq {

// To integers: rounded toward zero, held at the type's ends, NaN to 0. To boolean: whether it is not 0.
// Through doubles, so that 64-bit integers above 2^53 are rounded, unless both types are the same.
void convert(DataType from, const void* source, DataType to, void* target, std::size_t count);

}  // namespace mlq
