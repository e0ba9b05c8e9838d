#include <fmt/format.h>

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <thread>

#include "compiler/backends/backend.h"
#include "compiler/driver/commands.h"
#include "compiler/driver/machine.h"
#include "compiler/frontends/frontend.h"
#include "compiler/quantize/quantize.h"
#include "compiler/support/bytes.h"
#include "compiler/support/parallel.h"
#include "compiler/validate/metric.h"

namespace mlqc {

namespace {

template <class Rows, class Name>
std::vector<std::string> names(const Rows& rows, Name name) {
  std::vector<std::string> all;
  for (const auto& row : rows) all.emplace_back(row.*name);
  return all;
}

nlohmann::ordered_json findings() {
  nlohmann::ordered_json json = {{"version", version()},
                                 {"compiler", __VERSION__},
                                 {"executable", tool_digest()},
                                 {"isa", isa()},
                                 {"processors", std::thread::hardware_concurrency()},
                                 {"threads", threads()},
                                 {"continuous_integration", is_continuous_integration()}};
  for (const char* variable : {"MLQ_THREADS", "MLQ_GATE", "NO_COLOR"})
    if (const char* value = std::getenv(variable)) json[variable] = value;
  json["reads"] = names(frontends(), &Frontend::format);
  json["writes"] = names(backends(), &Backend::name);
  json["algorithms"] = names(algorithms(), &Algorithm::name);
  json["metrics"] = names(metrics(), &Metric::name);
  return json;
}

}  // namespace

Exit run_doctor(const Options& options) {
  const nlohmann::ordered_json json = findings();
  for (const auto& [key, value] : json.items()) {
    std::string text = value.is_string() ? value.get<std::string>() : value.dump();
    if (value.is_array()) text = fmt::format("{}", fmt::join(value.get<std::vector<std::string>>(), ", "));
    fmt::print("{:<24} {}\n", key, text);
  }
  if (!options.json.empty()) write_if_changed(options.json, json.dump(2) + "\n");
  return Exit::good;
}

}  // namespace mlqc
