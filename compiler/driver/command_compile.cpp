#include <fmt/format.h>

#include "compiler/driver/commands.h"
#include "compiler/driver/steps.h"

namespace mlqc {

Exit run_compile(const Options& options) {
  const Step wrapper = codegen_step(options);
  const Step weights = quantize_step(options);
  Step verdict = gate_step(options);
  fmt::print("{}", to_text(verdict.report));
  for (const Step& step : {wrapper, weights})
    verdict.read.insert(verdict.read.end(), step.read.begin(), step.read.end());
  return finish(options, verdict);
}

}  // namespace mlqc
