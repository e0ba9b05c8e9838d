#include <fmt/format.h>

#include <algorithm>

#include "compiler/driver/codes.h"
#include "compiler/driver/commands.h"

namespace mlqc {

Exit run_explain(const Options& options) {
  std::string wanted = options.arguments[0];
  std::ranges::transform(wanted, wanted.begin(), [](unsigned char c) { return std::toupper(c); });
  std::vector<std::string> known;
  for (const Code& code : codes()) {
    if (code.code == wanted) {
      fmt::print("{}: {}\n\n{}\n", code.code, code.title, code.explanation);
      return Exit::good;
    }
    known.emplace_back(code.code);
  }
  const std::string found = nearest(wanted, known);
  throw Error(Exit::usage, {{},
                            fmt::format("there is no message '{}'", options.arguments[0]),
                            "MLQ123",
                            found.empty() ? "codes look like MLQ101" : "did you mean '" + found + "'?",
                            {}});
}

}  // namespace mlqc
