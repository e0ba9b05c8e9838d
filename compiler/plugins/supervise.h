// Code of the user's runs in a child of this process, so that its crash or its endless loop is a message.
#pragma once

#include <functional>
#include <optional>

#include "compiler/support/error.h"

namespace mlqc {

struct Supervised {
  int status = 0;                   // what body returned
  std::optional<Diagnostic> fault;  // how the child ended instead
  bool of_plugin = false;           // a call into a plugin was at fault
};

// body() in a child process. To be called before this process has threads. A call into a plugin (board.h)
// that takes longer than `seconds` is ended.
Supervised supervise(const std::function<int()>& body, double seconds);

}  // namespace mlqc
