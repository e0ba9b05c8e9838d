// Parts of a list of samples.
#pragma once

#include <cstddef>
#include <vector>

#include "compiler/validate/samples.h"

namespace mlqc {

// At most so many places of 0..count-1, evenly spread: lists are sorted by name, and folders are classes.
std::vector<std::size_t> spread(std::size_t count, std::size_t most);

// Some of the samples, in order.
Samples chosen_samples(const Samples& samples, const std::vector<std::size_t>& which);

// Every fourth sample judges trials that the others steered. Of a picture and what was made of it (mirrored,
// cropped) none judges what another steered; only pictures as they are judge. Fewer than 8 samples do both.
struct SampleParts {
  Samples steering, held;
};
SampleParts split(const Samples& samples);

}  // namespace mlqc
