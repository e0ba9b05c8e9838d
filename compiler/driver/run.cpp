#include "compiler/driver/run.h"

#include <fmt/format.h>

#include <algorithm>
#include <new>

#include "compiler/driver/commands.h"
#include "compiler/driver/diagnostics.h"
#include "compiler/support/parallel.h"

namespace mlqc {

namespace {

Exit run_command(int argc, const char* const* argv, Options& options) {
  const CommandLine line = parse_command_line(argc, argv, options);
  if (!line.run) {
    fmt::print("{}", line.text);
    return Exit::good;
  }
  set_threads(options.threads);
  return std::ranges::find(commands(), options.command, &Command::name)->run(options);
}

Exit internal(const std::string& what, const std::string& hint, const Options& options) {
  report({{}, what, "MLQ900", hint, {}}, Severity::error, options);
  return Exit::internal;
}

}  // namespace

int run(int argc, const char* const* argv) {
  Options options;
  Exit exit = Exit::internal;
  try {
    exit = run_command(argc, argv, options);
  } catch (const Error& error) {
    report(error.diagnostic(), Severity::error, options);
    exit = error.exit();
  } catch (const std::bad_alloc&) {
    exit = internal("out of memory", "build fewer models at once, or give --threads 1", options);
  } catch (const std::exception& error) {
    exit = internal(fmt::format("an error that mlqc did not foresee: {}", error.what()),
                    "please report it with the model and the manifest", options);
  }
  return static_cast<int>(exit);
}

}  // namespace mlqc
