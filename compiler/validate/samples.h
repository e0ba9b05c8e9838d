// What a model is tried on.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "compiler/manifest/manifest.h"
#include "compiler/validate/image_input.h"
#include "mlq/graph.h"
#include "mlq/model.h"

namespace mlqc {

// A list of samples, decoded one by one when asked for, so that memory does not grow with their number.
struct Samples {
  struct Item {
    std::string name;                // relative path, or "random-7"
    std::vector<std::string> files;  // one per input; empty for random
    bool mirrored = false;           // an image with left and right swapped
    bool cropped = false;            // a part of an image, which the name decides
  };
  std::vector<Item> items;  // sorted by name; which ones, `limit` and `seed` decide (by a hash of the name,
                            // so that one file more or less changes the choice by one at most); behind them,
                            // in the same order, the mirrored and cropped ones where they are asked for
  std::vector<std::string> labels;  // of each item, what it really shows; empty where nobody said
  std::string sha256;               // over names and contents, in order
  int seed = 0;
};

// Finds and hashes the samples for the graph's inputs. Throws Error (Exit::usage, MLQ4xx): folder missing,
// nothing in it, inputs that images cannot feed.
//   images:  exactly one image input (or one tensor input of shape [1|3, H, W]); subfolders are searched,
//            links to folders followed, each folder once; extensions .jpg .jpeg .png in any case
//   tensors: DIR/NAME.npy for one input, or DIR/SAMPLE/INPUT.npy (a / in the input's name becomes _)
//   random:  uniform in [0, 1) for tensors (0 or 1 where they hold whole numbers), whole numbers 0..255 for
//            images; the same on every machine; each dimension needs a size (MLQ408)
// A file that cannot be read is still a sample: load_sample names it, it does not go missing.
Samples find_samples(const SamplesSection& section, const mlq::Graph& graph);

// One sample's inputs, in the order of graph.inputs. Fails with a sentence that names the file (corrupt,
// wrong shape or type). `order[i]` is the place of graph's input i among those that the samples were found
// for; empty for the same graph.
mlq::Result<std::vector<mlq::Array>> load_sample(const Samples& samples, std::size_t index,
                                                 const mlq::Graph& graph,
                                                 std::span<const std::size_t> order = {});

// One input from one file, by its extension: this part of a JPEG or PNG squeezed to the input's size, or
// numbers from .npy converted to the input's type where none of them changes its value (but for rounding
// between floats).
mlq::Result<mlq::Array> load_input(const std::string& file, const mlq::Graph& graph, std::size_t input,
                                   const Crop& crop = {});

}  // namespace mlqc
