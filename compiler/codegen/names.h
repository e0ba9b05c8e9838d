// What things are called in C++: the manifest's word, else the nearest to the model's own.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "compiler/manifest/manifest.h"
#include "mlq/graph.h"

namespace mlqc {

// The fields of Input or Output, in the features' order. `kind` is "input" or "output". Throws Error
// (Exit::usage) for a section of a feature that the model does not have, a `rename` that C++ does not take,
// and two features of one name.
std::vector<std::string> field_names(const std::vector<mlq::Feature>& features, const Manifest& manifest,
                                     const std::map<std::string, At<FeatureSection>>& sections,
                                     const std::string& kind);

// Throw Error (Exit::usage) when the manifest's word is no name.
std::string class_name(const Manifest& manifest, const std::string& target);
std::string name_space(const Manifest& manifest);

}  // namespace mlqc
