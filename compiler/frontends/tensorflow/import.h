// TensorFlow: a frozen graph (.pb), or a SavedModel folder with the values of its variables.
#pragma once

#include "compiler/frontends/frontend.h"

namespace mlqc::tensorflow {

// Outputs are the nodes that nobody reads and that depend on an input; what they do not need is not looked
// at. The batch is one sample. A scalar of bool that has to be fed (is this training?) is false. Throws
// Error: MLQ306 damaged, MLQ310 no network, MLQ311 unsupported operators, MLQ312.
mlq::Graph import(const Source& source);

// A folder. Inputs and outputs are those of the signature serving_default, or of the only one there is.
// Throws also MLQ301: the checkpoint is missing.
mlq::Graph import_saved_model(const Source& source);

}  // namespace mlqc::tensorflow
