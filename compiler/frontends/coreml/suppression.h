// Non-maximum suppression as the layer and the model of that name have it: the best box is kept, boxes that
// overlap it too much are not, and so on with what is left.
#pragma once

#include "compiler/frontends/coreml/build.h"

namespace mlqc::coreml {

struct Suppression {
  TensorId boxes;   // [B, N, 4]: x and y of the centre, width, height
  TensorId scores;  // [B, N, C]; the best class of each box counts
  TensorId iou;     // [1]: more overlap than this suppresses
  TensorId least;   // [1]: boxes of a lower score are out from the start
  bool per_class;   // only boxes of the same best class suppress each other
};

// The survivors first, best first, then zeros (-1 among the indices).
struct Survivors {
  TensorId boxes;    // [B, N, 4]
  TensorId scores;   // [B, N, C]
  TensorId indices;  // [B, N], int64
  TensorId count;    // [B], float32
};

// `at_least_one`: where no box has the least score, the best one survives.
Survivors suppress(Build& b, const Suppression& s, bool at_least_one);

}  // namespace mlqc::coreml
