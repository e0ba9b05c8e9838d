// The real mlqc in a process of its own.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace mlqc::test {

struct Outcome {
  int exit = -1;  // or 128 + signal
  std::string out, err;
};

// `environment` holds NAME=VALUE on top of the test's own; CI, NO_COLOR and MLQ_* are not inherited.
Outcome run_mlqc(const std::vector<std::string>& arguments, const std::vector<std::string>& environment = {});
// The same behind a shell's words, for limits: "ulimit -f 1; exec ".
Outcome run_mlqc_after(const std::string& shell, const std::vector<std::string>& arguments);

// Everything in a folder by name, with its content.
std::vector<std::string> names_in(const std::filesystem::path& folder);

}  // namespace mlqc::test
