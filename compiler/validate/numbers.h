// Numbers of one type as numbers of another, where they keep their values.
#pragma once

#include <span>

#include "mlq/model.h"

namespace mlqc {

bool is_float(mlq::DataType type);

// Between floats numbers are rounded; whole numbers must be in range and stay what they are, else this fails.
// Halves are read but not made.
mlq::Result<mlq::Array> convert(mlq::Array array, mlq::DataType type);

// The same from doubles.
mlq::Result<mlq::Array> to_array(std::span<const double> values, mlq::DataType type, const mlq::Shape& shape);

}  // namespace mlqc
