// What a model is tried on.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "compiler/manifest/manifest.h"
#include "mlq/graph.h"
#include "mlq/model.h"

namespace mlqc {

// A list of samples, decoded one by one when asked for, so that memory does not grow with their number.
struct Samples {
  struct Item {
    std::string name;                // relative path, or "random-7"
    std::vector<std::string> files;  // one per input; empty for random
  };
  std::vector<Item> items;  // sorted by name, then chosen by limit and seed
  std::string sha256;       // over names and contents, in order
  int seed = 0;
};

// Finds and hashes the samples for the graph's inputs. Throws Error (Exit::usage, MLQ4xx): folder missing,
// nothing in it, inputs that images cannot feed.
//   images:  exactly one image input (or one tensor input of shape [1|3, H, W]); subfolders are searched,
//            extensions .jpg .jpeg .png in any case
//   tensors: DIR/NAME.npy for one input, or DIR/SAMPLE/INPUT.npy
//   random:  uniform in [0, 1) for tensors, whole numbers 0..255 for images; the same on every machine
Samples find_samples(const SamplesSection& section, const mlq::Graph& graph);

// One sample's inputs, in the order of graph.inputs. Fails with a sentence that names the file (corrupt, wrong
// shape or type).
mlq::Result<std::vector<mlq::Array>> load_sample(const Samples& samples, std::size_t index,
                                                 const mlq::Graph& graph);

}  // namespace mlqc
