// The one exception of the compiler: what is wrong, where, and what to do about it.
#pragma once

#include <exception>
#include <string>
#include <vector>

namespace mlqc {

// A place in a text file. Lines and columns count from 1; 0 means unknown. Columns count bytes.
struct Place {
  std::string file;
  int line = 0;
  int column = 0;
};

// Exit statuses of mlqc, part of its contract (DESIGN.md).
enum class Exit : int { good = 0, red_gate = 1, usage = 2, model = 3, internal = 4, skipped = 77 };

// One message as users see it: file:line:col: error: what [MLQnnn], the source line, a caret, the hint.
struct Diagnostic {
  Place where;
  std::string what;  // one sentence, lower case, no full stop
  std::string code;  // "MLQ101": see `mlqc explain`; 1xx manifest, 2xx gate, 3xx model, 4xx samples, 5xx
                     // output, 9xx internal
  std::string hint;  // what the user can do, may be empty
  std::vector<std::string> notes;
};

class Error : public std::exception {
 public:
  Error(Exit exit, Diagnostic diagnostic) : exit_(exit), diagnostic_(std::move(diagnostic)) {}
  Exit exit() const { return exit_; }
  const Diagnostic& diagnostic() const { return diagnostic_; }
  const char* what() const noexcept override { return diagnostic_.what.c_str(); }

 private:
  Exit exit_;
  Diagnostic diagnostic_;
};

// The candidate nearest to `word` by edit distance, or "" when none is near enough to be meant.
std::string nearest(const std::string& word, const std::vector<std::string>& candidates);

}  // namespace mlqc
