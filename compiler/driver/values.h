// What a model's outputs hold, for commands that show them.
#pragma once

#include <string>
#include <vector>

#include "mlq/model.h"

namespace mlqc {

const char* word_of(mlq::FeatureKind kind);
const char* word_of(mlq::Color color);

// Every element as a double.
std::vector<double> values_of(const mlq::Array& array);

}  // namespace mlqc
