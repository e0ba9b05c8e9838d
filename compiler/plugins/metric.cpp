#include <fmt/format.h>

#include "compiler/plugins/board.h"
#include "compiler/plugins/plugins.h"
#include "compiler/plugins/thrown.h"
#include "compiler/support/error.h"

namespace mlqc {

double call_metric(const mlq::PluginMetric& metric, const mlq::Feature& output,
                   std::span<const double> reference, std::span<const double> candidate) {
  const std::string what = fmt::format("metric '{}' of output '{}'", metric.name, output.name);
  const OnBoard note(what, "one sample");
  try {
    return metric.function(output, reference, candidate);
  } catch (...) {
    throw Error(Exit::model, {{},
                              what + " " + words_of_exception(),
                              "MLQ317",
                              "a metric returns NaN where it cannot say, it does not throw",
                              {}});
  }
}

}  // namespace mlqc
