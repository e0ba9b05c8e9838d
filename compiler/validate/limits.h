// One limit against one figure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "compiler/validate/gate.h"

namespace mlqc {

// A limit with what it is held against.
struct Subject {
  const GateSection* entry;
  const Metric* metric;  // null for size
  std::string output;    // "" for size
  Measurement measured;
  std::size_t failed = 0;  // samples, which count in no figure
  const std::optional<Baseline>* baseline = nullptr;
  std::string samples_sha256;
};

// The checks of one entry: at_least, at_most, max_drop. Throws Error (Exit::usage) where no verdict is
// possible.
std::vector<Check> judge_entry(const Subject& subject);

// "98.44 %" of shares, "12.5 dB", "1234 B", else the number.
std::string figure_text(const std::string& metric, double value);

}  // namespace mlqc
