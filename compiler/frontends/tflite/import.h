// TensorFlow Lite (.tflite): FlatBuffers, channels-last, float or quantized.
#pragma once

#include "compiler/frontends/frontend.h"

namespace mlqc::tflite {

// A quantized network becomes the float network that it stands for: weights keep their bits, activations are
// clamped to the range that their type can hold but not rounded to it, inputs and outputs are real numbers.
// Throws Error: MLQ306 damaged, MLQ310 more than a plain network, MLQ311 unsupported operators, MLQ312.
mlq::Graph import(const Source& source);

}  // namespace mlqc::tflite
