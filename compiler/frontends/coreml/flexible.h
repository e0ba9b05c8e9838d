// Inputs of several sizes: what a description says of them, and descriptions that say other things.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "compiler/frontends/coreml/build.h"
#include "mlq/sizes.h"

namespace mlqc::coreml {

class FeatureDescription;
class Model;

// The shapes that the input may have, of the rank that users see; none where it has one alone.
mlq::Sizes allowed_sizes(const FeatureDescription& input);

// The metadata's key under which an input that cannot be flexible says why.
inline constexpr const char* kept_at_default = "kept at its default size";

// -1 for each dimension in which the allowed shapes differ from each other or from this one.
Shape open_dimensions(const mlq::Sizes& sizes, Shape shape);

// All inputs have their default sizes alone.
void fix_sizes(Model& model);

// Why the network does not work at the smallest or largest of an input's allowed shapes; "" where it does.
std::string fails_at(const mlq::Graph& graph);

}  // namespace mlqc::coreml
