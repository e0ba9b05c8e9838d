// The only place that includes CLI11.
#include "compiler/driver/options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "compiler/driver/commands.h"
#include "compiler/driver/machine.h"

namespace mlqc {

namespace {

using Words = std::vector<std::string>;
using Pairs = std::vector<std::pair<std::string, std::string>>;

[[noreturn]] void usage(const std::string& code, const std::string& what, const std::string& hint) {
  throw Error(Exit::usage, {{}, what, code, hint, {}});
}

const std::map<std::string, DiagnosticFormat> formats = {{"gcc", DiagnosticFormat::gcc},
                                                         {"msvc", DiagnosticFormat::msvc},
                                                         {"github", DiagnosticFormat::github},
                                                         {"json", DiagnosticFormat::json}};
const std::map<std::string, When> whens = {
    {"auto", When::automatic}, {"always", When::always}, {"never", When::never}};
const std::map<std::string, GateMode> modes = {
    {"error", GateMode::error}, {"warn", GateMode::warn}, {"off", GateMode::off}};

template <class T>
CLI::Option* choice(CLI::App& app, const char* flags, T& target, const std::map<std::string, T>& words,
                    const char* help) {
  Words keys;
  for (const auto& [key, value] : words) keys.push_back(key);
  const auto check = [keys](const std::string& word) {
    const std::string found = nearest(word, keys);
    if (std::ranges::find(keys, word) != keys.end()) return std::string();
    return fmt::format("'{}' is none of {}{}", word, fmt::join(keys, ", "),
                       found.empty() ? "" : "; did you mean '" + found + "'?");
  };
  return app
      .add_option_function<std::string>(
          flags, [&target, &words](const std::string& word) { target = words.at(word); }, help)
      ->check(CLI::Validator(check, fmt::format("{}", fmt::join(keys, "|"))));
}

// "NAME=FILE", or only FILE, which is then the first.
CLI::Option* pairs(CLI::App& app, const char* flags, Pairs& target, const char* help) {
  const auto add = [&target](const Words& words) {
    for (const std::string& word : words) {
      const std::size_t equals = word.find('=');
      if (equals == std::string::npos)
        target.emplace_back("0", word);
      else
        target.emplace_back(word.substr(0, equals), word.substr(equals + 1));
    }
  };
  return app.add_option_function<Words>(flags, add, help)->type_name("NAME=FILE")->allow_extra_args(false);
}

// Every option that some command has: how the commands that have it declare it.
struct Declaration {
  std::string_view flag;
  void (*add)(CLI::App& app, Options& o);
};
const Declaration declarations[] = {
    {"--out",
     [](CLI::App& app, Options& o) {
       app.add_option("-o,--out", o.out, "Folder for the outputs")->type_name("DIR");
     }},
    {"--file",
     [](CLI::App& app, Options& o) {
       app.add_option("-o,--out", o.out, "The manifest to write")->type_name("FILE");
     }},
    {"--to",
     [](CLI::App& app, Options& o) {
       app.add_option("-o,--out", o.out, "The file to write; its extension says the format")
           ->type_name("FILE");
     }},
    {"--name",
     [](CLI::App& app, Options& o) {
       app.add_option("--name", o.name, "Name of the outputs; default: the manifest's")->type_name("NAME");
     }},
    {"--depfile",
     [](CLI::App& app, Options& o) {
       app.add_option("--depfile", o.depfile, "Writes what was read, for make and Ninja")->type_name("FILE");
     }},
    {"--stamp",
     [](CLI::App& app, Options& o) {
       app.add_option("--stamp", o.stamp, "Written last, when all is good")->type_name("FILE");
     }},
    {"--json",
     [](CLI::App& app, Options& o) {
       app.add_option("--json", o.json, "Writes the results as JSON")->type_name("FILE");
     }},
    {"--all",
     [](CLI::App& app, Options& o) {
       app.add_option("--all", o.all, "Every model of this build, instead of a manifest")
           ->type_name("BUILD_DIR");
     }},
    {"--junit",
     [](CLI::App& app, Options& o) {
       app.add_option("--junit", o.junit, "Writes JUnit's XML")->type_name("FILE");
     }},
    {"--sarif",
     [](CLI::App& app, Options& o) {
       app.add_option("--sarif", o.sarif, "Writes SARIF for code scanning")->type_name("FILE");
     }},
    {"--markdown",
     [](CLI::App& app, Options& o) {
       app.add_option("--markdown", o.markdown, "Writes a summary in Markdown")->type_name("FILE");
     }},
    {"--html",
     [](CLI::App& app, Options& o) {
       app.add_option("--html", o.html, "Writes a page for a browser")->type_name("FILE");
     }},
    {"--bits",
     [](CLI::App& app, Options& o) {
       app.add_option("--bits", o.bits, "Bits to try, e.g. 8,6,5,4")->delimiter(',')->type_name("LIST");
     }},
    {"--algorithms",
     [](CLI::App& app, Options& o) {
       app.add_option("--algorithms", o.algorithms,
                      "Algorithms to try, with :per_channel, :per_group:16, ...")
           ->delimiter(',')
           ->type_name("LIST");
     }},
    {"--mode", [](CLI::App& app, Options& o) { choice(app, "--mode", o.mode, modes, "What a red gate is"); }},
    {"--reason",
     [](CLI::App& app, Options& o) {
       app.add_option("--reason", o.reason, "Why this is the new baseline; kept in it")->type_name("TEXT");
     }},
    {"--yes", [](CLI::App& app, Options& o) { app.add_flag("-y,--yes", o.yes, "Does not ask"); }},
    {"--manual",
     [](CLI::App& app, Options& o) {
       app.add_flag("--manual", o.manual, "Prints the reference tables of the manual instead");
     }},
    {"--layers",
     [](CLI::App& app, Options& o) {
       app.add_flag("--layers", o.layers, "Compares the values of every layer, too");
     }},
    {"--plugin",
     [](CLI::App& app, Options& o) {
       app.add_option("--plugin", o.plugins, "A module with custom layers or metrics; may be repeated")
           ->type_name("FILE")
           ->allow_extra_args(false);
     }},
    {"--plugin-seconds",
     [](CLI::App& app, Options& o) {
       app.add_option("--plugin-seconds", o.plugin_seconds, "What one call into a plugin may take")
           ->type_name("S")
           ->check(CLI::Range(0.001, 1e6))
           ->envname("MLQ_PLUGIN_SECONDS");
     }},
    {"--samples",
     [](CLI::App& app, Options& o) {
       app.add_option("--samples", o.samples, "A folder of images or .npy files, or random:N")
           ->type_name("DIR");
     }},
    {"--limit",
     [](CLI::App& app, Options& o) {
       app.add_option("--limit", o.limit, "At most this many samples")
           ->type_name("N")
           ->check(CLI::Range(1, 1000000000));
     }},
    {"--seed",
     [](CLI::App& app, Options& o) {
       app.add_option("--seed", o.seed, "Of the choice and of random samples")
           ->type_name("N")
           ->check(CLI::Range(0, 2147483647));
     }},
    {"--metric",
     [](CLI::App& app, Options& o) {
       app.add_option("--metric", o.metrics, "Only this; may be repeated")
           ->type_name("METRIC")
           ->allow_extra_args(false);
     }},
    {"--input",
     [](CLI::App& app, Options& o) {
       pairs(app, "--input", o.inputs, "An image or .npy for an input, by name or position");
     }},
    {"--save", [](CLI::App& app, Options& o) { pairs(app, "--save", o.saves, "Saves an output as .npy"); }},
};

void add_common(CLI::App& app, Options& o) {
  app.add_option("--threads", o.threads, "Threads; default: one per processor")
      ->type_name("N")
      ->check(CLI::Range(1, 1024))
      ->envname("MLQ_THREADS")
      ->group("Common");
  choice(app, "--diagnostics", o.diagnostics, formats, "Form of the messages")->group("Common");
  choice(app, "--progress", o.progress, whens, "A line that shows how far it is")->group("Common");
}

void add_command(CLI::App& app, const Command& command, Options& o) {
  CLI::App& sub = *app.add_subcommand(command.name, command.summary);
  sub.allow_extras();  // so that we say what is wrong with them
  if (!command.arguments.empty())
    sub.add_option(fmt::format("{}", fmt::join(command.arguments, " ")), o.arguments, "")->expected(0, 64);
  for (const std::string& flag : command.options)
    std::ranges::find(declarations, flag, &Declaration::flag)->add(sub, o);
  add_common(sub, o);
}

Words flags_of(const CLI::App& app) {
  Words flags;
  for (const CLI::Option* option : app.get_options())
    for (const std::string& name : option->get_lnames()) flags.push_back("--" + name);
  return flags;
}

void check_extras(const CLI::App& app, const Command& command) {
  for (const std::string& extra : app.remaining()) {
    if (!extra.starts_with("-")) continue;
    const std::string found = nearest(extra.substr(0, extra.find('=')), flags_of(app));
    usage(
        "MLQ121", fmt::format("'{}' has no option '{}'", command.name, extra),
        found.empty() ? fmt::format("see 'mlqc {} --help'", command.name) : "did you mean '" + found + "'?");
  }
}

void check_required(const CLI::App& app, const Command& command, const Options& o) {
  if (!o.all.empty() && o.arguments.empty()) return;  // the build's own models stand for the manifest
  if (o.arguments.size() < command.arguments.size())
    usage("MLQ122", fmt::format("'{}' needs {}", command.name, command.arguments[o.arguments.size()]),
          fmt::format("see 'mlqc {} --help'", command.name));
  if (o.arguments.size() > command.arguments.size())
    usage("MLQ122",
          fmt::format("'{}' is one argument too many for '{}'", o.arguments[command.arguments.size()],
                      command.name),
          fmt::format("see 'mlqc {} --help'", command.name));
  for (const std::string& flag : command.required)
    if (app.count(flag) == 0)
      usage("MLQ122", fmt::format("'{}' needs {}", command.name, flag),
            fmt::format("see 'mlqc {} --help'", command.name));
  for (const std::string& argument : o.arguments)
    if (argument.empty())
      usage("MLQ122", "an argument is empty", fmt::format("see 'mlqc {} --help'", command.name));
}

void unknown_command(const CLI::App& app) {
  const Words extras = app.remaining();
  Words names;
  for (const Command& command : commands()) names.push_back(command.name);
  if (extras.empty()) usage("MLQ120", "no command given", fmt::format("one of {}", fmt::join(names, ", ")));
  const std::string found = nearest(extras[0], names);
  usage("MLQ120", fmt::format("mlqc has no command '{}'", extras[0]),
        found.empty() ? fmt::format("one of {}", fmt::join(names, ", ")) : "did you mean '" + found + "'?");
}

}  // namespace

CommandLine parse_command_line(int argc, const char* const* argv, Options& o) {
  CLI::App app("mlqc: compiles trained neural networks for C++ apps", "mlqc");
  app.set_version_flag("--version", "mlqc " + version());
  app.allow_extras();
  for (const Command& command : commands()) add_command(app, command, o);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    return {o, false, (app.get_subcommands().empty() ? app : *app.get_subcommands()[0]).help()};
  } catch (const CLI::CallForVersion& found) {
    return {o, false, std::string(found.what()) + "\n"};
  } catch (const CLI::ParseError& error) {
    usage("MLQ123", error.what(), "see 'mlqc --help'");
  }
  if (app.get_subcommands().empty()) unknown_command(app);
  const CLI::App& sub = *app.get_subcommands()[0];
  const Command& command = *std::ranges::find(commands(), sub.get_name(), &Command::name);
  check_extras(sub, command);
  check_required(sub, command, o);
  o.command = command.name;
  return {o, true, {}};
}

}  // namespace mlqc
