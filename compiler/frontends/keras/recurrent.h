// One direction of a recurrent layer, which Bidirectional wants twice.
#pragma once

#include "compiler/frontends/keras/layers.h"

namespace mlqc::keras {

struct Recurrence {
  const Layer& layer;          // whose settings are read
  std::size_t first = 0;       // of net.layer's arrays
  const char* direction = "";  // in front of the names of weights
  bool backwards = false;
};

// Results: the sequence or its last step, then the states when the layer gives them. `initial` may be empty.
Ids recur(Net& net, TensorId x, const Ids& initial, const Recurrence& recurrence);

bool is_recurrent(const Layer& layer);
Slots recurrent_slots(const Layer& layer);

}  // namespace mlqc::keras
