// Arithmetic of an ONNX model in floats where the file says halves.
#pragma once

namespace onnx {
class ModelProto;
}

namespace mlqc {

// Inputs, outputs and stored numbers keep their type; what is computed between them becomes float32, by Cast
// at each border. Weights restored from few bits are no halves: rounding them to halves once more changes
// the probabilities of SqueezeNet by 0.2 to 0.7 % of the largest, and the result is not what was validated.
void compute_in_floats(::onnx::ModelProto& model);

}  // namespace mlqc
