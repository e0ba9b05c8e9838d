// Quantizers, good and bad, as a module of the user's.
#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "mlq/plugin.h"

namespace {

using Made = mlq::Result<mlq::Lut>;

volatile bool forever = true;

// Two entries, in descending order: what is not negative becomes 0.5, the rest -0.5.
mlq::Lut two(const mlq::LutTask& task) {
  mlq::Lut lut{{0.5f, -0.5f}, {}};
  for (const float weight : task.weights) lut.indices.push_back(weight < 0);
  return lut;
}

Made signs(const mlq::LutTask& task) { return two(task); }
// The mean weight, or, where something is calibrated, the mean by importance; both in one entry.
Made mean(const mlq::LutTask& task) {
  double sum = 0, all = 0;
  for (std::size_t i = 0; i < task.weights.size(); ++i) {
    const double by = task.importance.empty() ? 1 : task.importance[i];
    sum += by * task.weights[i];
    all += by;
  }
  return mlq::Lut{{static_cast<float>(sum / all)}, std::vector<std::uint8_t>(task.weights.size())};
}
Made refuses(const mlq::LutTask&) { return mlq::Failure{"has no table for it"}; }
Made throws(const mlq::LutTask&) { throw std::runtime_error("out of ideas"); }
Made crashes(const mlq::LutTask& task) {
  *static_cast<volatile int*>(nullptr) = 1;
  return two(task);
}
Made loops(const mlq::LutTask& task) {
  while (forever) {
  }
  return two(task);
}
Made too_large(const mlq::LutTask& task) {
  mlq::Lut lut = two(task);
  lut.table.resize((std::size_t{1} << task.bits) + 1);
  return lut;
}
Made empty(const mlq::LutTask& task) {
  mlq::Lut lut = two(task);
  lut.table.clear();
  return lut;
}
Made nan(const mlq::LutTask& task) {
  mlq::Lut lut = two(task);
  lut.table[1] = std::nanf("");
  return lut;
}
Made beyond(const mlq::LutTask& task) {
  mlq::Lut lut = two(task);
  lut.indices.back() = 2;
  return lut;
}
Made too_few(const mlq::LutTask& task) {
  mlq::Lut lut = two(task);
  lut.indices.pop_back();
  return lut;
}

constexpr mlq::PluginLut luts[] = {
    {"app::signs", signs},         {"app::mean", mean},       {"app::refuses", refuses},
    {"app::throws", throws},       {"app::crashes", crashes}, {"app::loops", loops},
    {"app::too_large", too_large}, {"app::empty", empty},     {"app::nan", nan},
    {"app::beyond", beyond},       {"app::too_few", too_few}};

}  // namespace

extern "C" {
extern __attribute__((visibility("default"))) const mlq::Plugin mlq_plugin;
const mlq::Plugin mlq_plugin = {.lut_count = std::size(luts), .luts = luts};
}
