// Which steps of a sequence count: what Embedding and Masking say, and recurrent layers, averages and
// attention heed.
#pragma once

#include "compiler/frontends/keras/layers.h"

namespace mlqc::keras {

// [N, T], 1 where a step of the value counts and 0 where it does not; no_tensor where all do. Fails where
// layers merged masks in a way that mlq does not follow.
TensorId mask_of(const Net& net, TensorId x);

// Gives results of net.layer the mask of its operands, where layers of its kind pass masks on.
void pass_masks(Net& net, const Ids& operands, const Ids& results);

// A sequence [T, 1, ...] whose steps that count come first, so that a recurrent operator runs over these
// alone.
struct Packed {
  TensorId x;      // steps in the new order
  TensorId count;  // [1], int32: how many count
  TensorId place;  // [T]: where the result of each old step lies, that of the last one which counted
  TensorId begun;  // [T]: 0 before the first step that counts
};

// `mask` is [1, T]: of one sample.
Packed pack_steps(Net& net, TensorId x, TensorId mask, bool backwards);

// Results [T, ...] of the packed steps in the old order: what does not count repeats what was before it, and
// is 0 at the beginning.
TensorId unpack_steps(Net& net, TensorId y, const Packed& packed);

}  // namespace mlqc::keras
