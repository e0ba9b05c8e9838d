// How this folder reports: always a place, always Exit::usage.
#pragma once

#include <string>
#include <vector>

#include "compiler/support/error.h"

namespace mlqc {

[[noreturn]] inline void fail(const Place& where, std::string code, std::string what, std::string hint = {},
                              std::vector<std::string> notes = {}) {
  throw Error(Exit::usage, {where, std::move(what), std::move(code), std::move(hint), std::move(notes)});
}

}  // namespace mlqc
