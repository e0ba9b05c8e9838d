// Whether the quantized model that is there is the one that would be made.
#pragma once

#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "compiler/driver/compile_model.h"

namespace mlqc {

// What the result depends on, by name, as digests.
using Key = std::map<std::string, std::string>;

// Of the manifest's words about quantization and samples alone: limits, names and comments are not in it.
std::string settings_digest(const Manifest& manifest);
Key key_of(const Manifest& manifest, const Inputs& inputs,
           std::span<const std::filesystem::path> plugins = {});

// NAME.key: the key and the digests of the files that were made with it.
void write_key(const std::filesystem::path& file, const Key& key,
               const std::vector<std::filesystem::path>& outputs);
// Whether the file holds this key and the outputs are still what they were. False for anything unreadable.
bool is_current(const std::filesystem::path& file, const Key& key);
// The settings' digest in a key file; "" when there is none.
std::string settings_in(const std::filesystem::path& file);

}  // namespace mlqc
