#include "compiler/driver/run.h"

#include <fmt/format.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include <algorithm>
#include <new>

#include "compiler/driver/commands.h"
#include "compiler/driver/diagnostics.h"
#include "compiler/plugins/supervise.h"
#include "compiler/support/parallel.h"

namespace mlqc {

namespace {

Exit internal(const std::string& what, const std::string& hint, const Options& options) {
  report({{}, what, "MLQ900", hint, {}}, Severity::error, options);
  return Exit::internal;
}

// What body throws becomes a message and a status.
template <class Body>
int guard(const Options& options, const Body& body) {
  Exit exit = Exit::internal;
  try {
    exit = body();
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

Exit run_in_child(const std::function<Exit()>& run, const Options& options) {
  const Supervised ended = supervise([&] { return guard(options, run); }, options.plugin_seconds);
  if (!ended.fault) return static_cast<Exit>(ended.status);
  throw Error(ended.of_plugin ? Exit::model : Exit::internal, *ended.fault);
}

// Blocks as large as weights go back to the system when they are freed. By itself glibc keeps those of up to
// 32 MB once one was freed, which is a third of what compiling a model of 100 MB takes.
void give_back_freed_weights() {
#ifdef __GLIBC__
  mallopt(M_MMAP_THRESHOLD, 4 << 20);
#endif
}

Exit run_command(int argc, const char* const* argv, Options& options) {
  const CommandLine line = parse_command_line(argc, argv, options);
  if (!line.run) {
    fmt::print("{}", line.text);
    return Exit::good;
  }
  const auto run_it = [&options] {
    set_threads(options.threads);
    return std::ranges::find(commands(), options.command, &Command::name)->run(options);
  };
  return options.plugins.empty() ? run_it() : run_in_child(run_it, options);
}

}  // namespace

int run(int argc, const char* const* argv) {
  give_back_freed_weights();
  Options options;
  return guard(options, [&] { return run_command(argc, argv, options); });
}

}  // namespace mlqc
