#include "compiler/driver/commands.h"

namespace mlqc {

namespace {

using Words = std::vector<std::string>;

const Words step = {"--out", "--name", "--depfile", "--stamp"};
const Words code = {"--plugin", "--plugin-seconds"};  // of custom layers and metrics
const Words step_with_code = {"--out", "--name", "--depfile", "--stamp", "--plugin", "--plugin-seconds"};

Words and_also(Words words, const Words& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

}  // namespace

std::span<const Command> commands() {
  static const std::vector<Command> table = {
      {"compile",
       "Wrapper, quantized model and verdict in one go",
       {"MANIFEST"},
       and_also(step_with_code, {"--mode", "--json"}),
       {"--out"},
       run_compile},
      {"codegen", "Only the C++ wrapper: milliseconds", {"MANIFEST"}, step_with_code, {"--out"}, run_codegen},
      {"quantize",
       "Only the weights: quantizes, writes, measures",
       {"MANIFEST"},
       step_with_code,
       {"--out"},
       run_quantize},
      {"gate",
       "Only the verdict on what was measured: milliseconds",
       {"MANIFEST"},
       and_also(step_with_code, {"--mode", "--json", "--all", "--junit", "--sarif", "--markdown", "--html"}),
       {"--out"},
       run_gate},
      {"accept",
       "Makes what was measured the baseline",
       {"MANIFEST"},
       {"--out", "--name", "--reason", "--yes"},
       {"--out", "--reason"},
       run_accept},
      {"compare",
       "Two models side by side",
       {"A", "B"},
       and_also(code, {"--samples", "--limit", "--seed", "--metric", "--layers", "--json", "--html"}),
       {"--samples"},
       run_compare},
      {"sweep",
       "Bits and algorithms against size and agreement, in one run",
       {"MANIFEST"},
       and_also(code, {"--bits", "--algorithms", "--json", "--html"}),
       {},
       run_sweep},
      {"tune",
       "Searches the bits of layers for 'bits: auto' and prints them",
       {"MANIFEST"},
       and_also(code, {"--out", "--name"}),
       {},
       run_tune},
      {"convert", "Another format, without quantization", {"MODEL"}, {"--to"}, {"--out"}, run_convert},
      {"plugin",
       "Only the source of the module with custom layers and metrics",
       {"MANIFEST"},
       step,
       {"--out"},
       run_plugin},
      {"predict",
       "One inference",
       {"MODEL"},
       and_also(code, {"--input", "--save", "--json"}),
       {"--input"},
       run_predict},
      {"inspect", "What is in a model", {"MODEL"}, and_also(code, {"--json", "--html"}), {}, run_inspect},
      {"init", "Writes a manifest to begin with", {"MODEL"}, {"--file"}, {}, run_init},
      {"schema", "Prints the manifest's JSON schema", {}, {"--manual"}, {}, run_schema},
      {"explain", "What a message's code means", {"CODE"}, {}, {}, run_explain},
      {"doctor", "What this mlqc is and can do here", {}, {"--json"}, {}, run_doctor},
  };
  return table;
}

}  // namespace mlqc
