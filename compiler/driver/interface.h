// What a model's file does not say of its inputs and outputs, and the manifest does.
#pragma once

#include <string>

#include "compiler/manifest/manifest.h"
#include "mlq/graph.h"

namespace mlqc {

// The graph with the manifest's images and labels, whatever format it came from: preprocessing becomes nodes
// as that of a Core ML model is; scores get their labels and a softmax where it is asked for, and the best
// label is one more output, `classLabel`. Throws Error (Exit::usage) with the place in the manifest: no such
// feature (MLQ162), an input that is no picture (MLQ167), labels that do not fit (MLQ168).
mlq::Graph with_interface(mlq::Graph graph, const Manifest& manifest);

// What of it decides the network: changed, everything is quantized and measured anew. Files of labels by
// their content.
std::string interface_settings(const Manifest& manifest);

// The files of labels that the manifest names, for the build.
std::vector<std::filesystem::path> interface_files(const Manifest& manifest);

}  // namespace mlqc
