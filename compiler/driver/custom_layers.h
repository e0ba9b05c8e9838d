// The manifest's custom layers and the plugins' classes, brought together.
#pragma once

#include <span>
#include <vector>

#include "compiler/frontends/frontend.h"
#include "compiler/manifest/manifest.h"

namespace mlqc {

// The manifest's entries with their code, and the classes that only plugins name.
std::vector<CustomEntry> custom_entries(const Manifest& manifest, std::span<const mlq::CustomClass> classes);
std::vector<CustomEntry> custom_entries(std::span<const mlq::CustomClass> classes);

// Throws Error (Exit::usage, MLQ167) on an entry that is about no layer of the model.
void check_custom_layers(const Manifest& manifest, const mlq::Graph& graph);

}  // namespace mlqc
