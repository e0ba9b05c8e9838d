// What `bits: auto` found: rules of a manifest, that people can read, review and paste.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "compiler/driver/compile_model.h"
#include "compiler/manifest/manifest.h"

namespace mlqc {

struct Recipe {
  struct Layer {
    std::string name;
    int bits = 8;
    double step = 0;          // of uniform, which has no bits
    std::string algorithm;    // empty: the manifest's, with its granularity
    std::string granularity;  // of another algorithm
  };
  std::vector<Layer> layers;
  std::vector<std::string> remarks;  // lines for the reader: what was reached, on what
};

// The manifest with the recipe's bits for 'auto'. Its own rules come first.
Manifest with_recipe(Manifest manifest, const Recipe& recipe);

// A section `quantize:` under a comment with the key and the remarks.
std::string recipe_text(const Manifest& manifest, const Recipe& recipe, const std::string& key);

// What the search depends on, as a digest: model, samples, words about quantization, this program.
std::string recipe_key(const Manifest& manifest, const Inputs& inputs);

// The manifest with the section of a file that recipe_text() wrote with the same key; nothing where there is
// none, or another.
std::optional<Manifest> with_recipe_file(const Manifest& manifest, const std::filesystem::path& file,
                                         const std::string& key);

}  // namespace mlqc
