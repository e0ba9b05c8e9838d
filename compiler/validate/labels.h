// What samples really show: labels that no model gave them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "compiler/validate/samples.h"

namespace mlqc {

// One label per sample. `source` is a folder: then each sample's own folder has its label as its name; or a
// CSV file with lines "file,label", where `file` is the sample's path beneath its folder, or its name alone.
// Throws Error (Exit::usage, MLQ407) where a sample has no label.
std::vector<std::string> read_labels(const At<std::filesystem::path>& source, const Samples& samples);

// The places of these labels among the model's, upper and lower case alike; numbers where the model has no
// labels. Throws Error (Exit::usage, MLQ407) for a label that the model does not have.
std::vector<std::int64_t> places_of(const std::vector<std::string>& labels,
                                    const std::vector<std::string>& of_model);

}  // namespace mlqc
