// What a file says about itself: words, labels, and how pictures become numbers.
#pragma once

#include <string>
#include <vector>

#include "compiler/frontends/frontend.h"

namespace mlqc::tflite {

namespace wire {
struct Model;
}

// Of one input or output.
struct TensorWords {
  std::string description;
  bool image = false, gray = false;
  std::vector<float> mean, deviation;  // one number, or one per channel
  std::vector<std::string> labels;
};

struct Words {
  std::vector<std::pair<std::string, std::string>> metadata;
  std::vector<TensorWords> inputs, outputs;  // may be fewer than the network has
};

// Nothing but empty lists when the file says nothing, or says it in a way that cannot be read.
Words read_metadata(const Source& source, const wire::Model& model);

}  // namespace mlqc::tflite
