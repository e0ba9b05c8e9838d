// Graphs that have an interface and nothing else, which is all that codegen looks at.
#pragma once

#include "mlq/graph.h"

namespace mlqc {

// A feature with a tensor of its own.
mlq::Feature feature(std::string name, mlq::FeatureKind kind, mlq::Shape shape,
                     mlq::DataType type = mlq::DataType::float32);

// An image classifier with everything that its maker may say about it.
mlq::Graph classifier_graph();
// Arrays of every type, with open dimensions and without.
mlq::Graph array_graph();
// Images in and out, integer labels.
mlq::Graph image_graph();
// Names and words that are no C++, or would do harm as C++.
mlq::Graph hostile_graph();

}  // namespace mlqc
