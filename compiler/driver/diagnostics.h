// Messages as users and their tools read them.
#pragma once

#include <string>

#include "compiler/driver/options.h"
#include "compiler/support/error.h"

namespace mlqc {

enum class Severity { error, warning };

// One message, ending in a newline. Reads the line that it points to from the file.
//   gcc:    file:line:col: error: what [MLQnnn], the line, a caret, the hint, the notes
//   msvc:   file(line,col): error MLQnnn: what
//   github: a workflow command; json: one object on one line
std::string to_text(const Diagnostic& diagnostic, Severity severity, DiagnosticFormat format, bool colour);

// To the error stream, in colour on a terminal unless NO_COLOR is set (https://no-color.org).
void report(const Diagnostic& diagnostic, Severity severity, const Options& options);

}  // namespace mlqc
