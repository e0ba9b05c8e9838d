// Tiles of an image as samples of a batch and back: how TensorFlow 1 and TFLite write dilated convolutions.
#pragma once

#include "compiler/frontends/nhwc/build.h"

namespace mlqc::nhwc {

// x [N, spatial..., rest...]; `block` has a size per spatial axis that is cut, `pads` two numbers for each.
// The result is [N * prod(block), (spatial + pads) / block..., rest...].
TensorId space_to_batch(Build& build, TensorId x, const Ints& block, const Ints& pads);
// The inverse; `crops` two numbers per axis are cut off at the end.
TensorId batch_to_space(Build& build, TensorId x, const Ints& block, const Ints& crops);

}  // namespace mlqc::nhwc
