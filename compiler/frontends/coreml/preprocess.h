// What the file says to do with an image's pixels before the network sees them.
#pragma once

#include "compiler/frontends/coreml/build.h"

namespace mlqc::coreml {

class NeuralNetwork;

// `pixels` is the input [1, C, H, W] of 0..255 named `feature`, one of `images` image inputs.
TensorId preprocess(Build& build, const NeuralNetwork& network, const std::string& feature, mlq::Color color,
                    TensorId pixels, int images);

}  // namespace mlqc::coreml
