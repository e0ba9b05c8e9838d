// The three cuts of a build, each of which can run alone.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "compiler/driver/options.h"
#include "compiler/support/error.h"
#include "compiler/validate/report.h"

namespace mlqc {

struct Step {
  Exit exit = Exit::good;
  std::vector<std::filesystem::path> read;  // for the depfile
  Report report;                            // of the gate
};

Step codegen_step(const Options& options);
Step quantize_step(const Options& options);
Step gate_step(const Options& options);

// Depfile, then stamp, when the step was good.
Exit finish(const Options& options, const Step& step);

// A model in a page: {"report": ..., "details": ...}, with the details that quantizing left beside the
// figures.
std::string page_entry(const Options& options, const Report& report);
std::string report_pages(const std::vector<std::string>& entries);

// What steps share. The name of the outputs: --name, else the manifest's without its extensions.
std::string output_name(const Options& options);
std::filesystem::path output_file(const Options& options, const std::string& extension);
// Fails before any work where nothing can be written.
void check_folder(const Options& options);
// NAME.measured.json, when it is of the manifest's settings. Throws Error (Exit::usage).
Report read_measured(const Options& options, const Manifest& manifest);

}  // namespace mlqc
