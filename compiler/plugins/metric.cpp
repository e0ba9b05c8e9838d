#include <fmt/format.h>

#include "compiler/plugins/board.h"
#include "compiler/plugins/plugins.h"
#include "compiler/support/error.h"

namespace mlqc {

namespace {

[[noreturn]] void fell_over(const std::string& what, const char* words) {
  throw Error(Exit::model, {{},
                            fmt::format("{} threw an exception{}", what, words),
                            "MLQ317",
                            "a metric returns NaN where it cannot say, it does not throw",
                            {}});
}

}  // namespace

double call_metric(const mlq::PluginMetric& metric, const mlq::Feature& output,
                   std::span<const double> reference, std::span<const double> candidate) {
  const std::string what = fmt::format("metric '{}' of output '{}'", metric.name, output.name);
  const OnBoard note(what, "one sample");
  try {
    return metric.function(output, reference, candidate);
  } catch (const std::exception& error) {
    fell_over(what, fmt::format(": {}", error.what()).c_str());
  } catch (...) {
    fell_over(what, "");
  }
}

}  // namespace mlqc
