// Which arrays of the file belong to which layer.
#pragma once

#include "compiler/frontends/keras/network.h"

namespace mlqc::keras {

// How many arrays a layer keeps. Keras lists those of a model within a model with all trainable ones first.
struct Slots {
  std::size_t trainable = 0, fixed = 0;
};

// Fills Layer::weights. `file` must outlive the network. Throws Error MLQ312 when the numbers of arrays
// disagree.
void assign_weights(Network& network, const Hdf5& file, const std::filesystem::path& path);

}  // namespace mlqc::keras
