// Metrics, good and bad, as a module of the user's.
#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "mlq/plugin.h"

namespace {

using Numbers = std::span<const double>;

volatile bool forever = true;

double distance(const mlq::Feature&, Numbers reference, Numbers candidate) {
  double most = 0;
  for (std::size_t i = 0; i < reference.size(); ++i)
    most = std::max(most, std::abs(reference[i] - candidate[i]));
  return most;
}

double throws(const mlq::Feature& output, Numbers, Numbers) { throw std::runtime_error("no " + output.name); }

double crashes(const mlq::Feature&, Numbers, Numbers) {
  *static_cast<volatile int*>(nullptr) = 1;
  return 0;
}

double loops(const mlq::Feature&, Numbers, Numbers) {
  while (forever) {
  }
  return 0;
}

double cannot_say(const mlq::Feature&, Numbers, Numbers) { return std::nan(""); }

constexpr mlq::PluginMetric metrics[] = {{"distance", distance},
                                         {"throws", throws},
                                         {"crashes", crashes},
                                         {"loops", loops},
                                         {"cannot_say", cannot_say}};

}  // namespace

extern "C" {
extern __attribute__((visibility("default"))) const mlq::Plugin mlq_plugin;
const mlq::Plugin mlq_plugin = {.metric_count = std::size(metrics), .metrics = metrics};
}
