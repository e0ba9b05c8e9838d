// Figures that wait for a person's word, beside the accepted ones.
#pragma once

#include <filesystem>

#include "compiler/manifest/manifest.h"
#include "compiler/validate/report.h"

namespace mlqc {

// FILE.pending of the manifest's baseline FILE.
std::filesystem::path pending_file(const Manifest& manifest);

// Writes the measured figures there when `wanted`, else removes what was there. Does nothing without a
// baseline, in continuous integration, and where the folder cannot be written: a verdict needs no such file.
void keep_pending(const Manifest& manifest, const Report& report, bool wanted);

}  // namespace mlqc
