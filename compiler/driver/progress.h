// One line on a terminal's error stream that is rewritten and goes when the work is done.
#pragma once

#include <cstddef>
#include <string>

#include "compiler/driver/options.h"

namespace mlqc {

class Progress {
 public:
  Progress(When when, std::string name);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // `total` 0: not known. Called from one thread at a time.
  void show(const std::string& stage, std::size_t done = 0, std::size_t total = 0);

 private:
  std::string name_;
  bool shown_ = false, enabled_ = false;
  double last_ = -1;  // seconds on a steady clock
  std::string stage_;
};

}  // namespace mlqc
