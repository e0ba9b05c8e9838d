// The command line as values.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace mlqc {

enum class DiagnosticFormat { gcc, msvc, github, json };
enum class When { automatic, always, never };
enum class GateMode { error, warn, off };

// One type for all commands: each reads what its row of the command table lets a user give.
struct Options {
  std::string command;
  std::vector<std::string> arguments;  // MANIFEST, MODEL, A B, ...

  std::filesystem::path out;  // folder, or the file of `init`
  std::string name;           // the CMake target; of the output files
  std::filesystem::path depfile, stamp, json;
  GateMode mode = GateMode::error;
  std::string reason;
  bool yes = false;
  bool manual = false;
  bool layers = false;                                 // of `compare`: every layer, too
  std::filesystem::path all;                           // of `gate`: a build's folder instead of a manifest
  std::filesystem::path junit, sarif, markdown, html;  // files to write

  std::string samples;  // a folder or random:N
  int limit = 0;        // 0: all
  int seed = 0;
  std::vector<std::string> metrics;
  std::vector<std::string> bits, algorithms;                       // of `sweep`
  std::vector<std::pair<std::string, std::string>> inputs, saves;  // NAME=FILE

  std::vector<std::filesystem::path> plugins;  // modules with custom layers or metrics
  double plugin_seconds = 60;                  // that one call into them may take

  int threads = 0;  // 0: one per processor
  DiagnosticFormat diagnostics = DiagnosticFormat::gcc;
  When progress = When::automatic;
};

// What --help and --version print is in `text`; `wanted` is false then.
struct CommandLine {
  Options options;
  bool run = true;
  std::string text;
};

// Throws Error (Exit::usage) on a command or option that does not exist, with the nearest that does, and on
// what is missing. `options.diagnostics` is already that of the command line when it throws.
CommandLine parse_command_line(int argc, const char* const* argv, Options& options);

}  // namespace mlqc
