// The algorithms of the table in algorithms.cpp; each is the file of its name.
#pragma once

#include "compiler/quantize/quantize.h"

namespace mlqc {

Quantized linear(const Weights& weights, int bits);
Quantized linear_symmetric(const Weights& weights, int bits);
Quantized linear_lut(const Weights& weights, int bits);
Quantized kmeans_lut(const Weights& weights, int bits);

}  // namespace mlqc
