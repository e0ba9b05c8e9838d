// All commands of mlqc. Adding one is a file command_NAME.cpp, a line here and a row in commands.cpp.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "compiler/driver/options.h"
#include "compiler/support/error.h"

namespace mlqc {

struct Command {
  std::string name, summary;
  std::vector<std::string> arguments;  // all required
  std::vector<std::string> options;    // of options.cpp's table, without the common ones
  std::vector<std::string> required;   // those among them that must be given
  Exit (*run)(const Options& options);
};

std::span<const Command> commands();

Exit run_compile(const Options& options);
Exit run_codegen(const Options& options);
Exit run_quantize(const Options& options);
Exit run_gate(const Options& options);
Exit gate_all(const Options& options);  // of run_gate, where --all is given
Exit run_accept(const Options& options);
Exit run_compare(const Options& options);
Exit run_sweep(const Options& options);
Exit run_tune(const Options& options);
Exit run_convert(const Options& options);
Exit run_plugin(const Options& options);
Exit run_predict(const Options& options);
Exit run_inspect(const Options& options);
Exit run_init(const Options& options);
Exit run_schema(const Options& options);
Exit run_explain(const Options& options);
Exit run_doctor(const Options& options);

}  // namespace mlqc
