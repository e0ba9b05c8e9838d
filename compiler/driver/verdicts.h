// The verdicts over all models of a build, in the forms that build servers read. One file per form.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "compiler/manifest/manifest.h"
#include "compiler/support/error.h"
#include "compiler/validate/report.h"

namespace mlqc {

struct ModelVerdict {
  std::string name, manifest;
  Report report;
  bool judged = true;                  // false: `complaints` say why there is no verdict
  std::vector<Diagnostic> complaints;  // none when the gate is green
};

// Red checks and failed samples as messages into the manifest.
std::vector<Diagnostic> complaints(const Report& report, const Manifest& manifest);

bool is_green(const ModelVerdict& verdict);

// JUnit's XML, as Jenkins, GitLab and CTest understand it: a suite per model, a case per limit.
std::string to_junit(std::span<const ModelVerdict> verdicts);
// SARIF 2.1.0 (OASIS), one run for all models: code scanning takes at most 20 runs of a file. `root` is the
// folder that files are named from.
std::string to_sarif(std::span<const ModelVerdict> verdicts, const std::string& root);
// A table and what is wrong, for a job's summary or a comment.
std::string to_markdown(std::span<const ModelVerdict> verdicts);
// {"schema": 1, "passed": ..., "models": [report.json with "manifest" and "judged" in it]}
std::string to_json(std::span<const ModelVerdict> verdicts);

}  // namespace mlqc
