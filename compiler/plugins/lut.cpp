#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "compiler/plugins/board.h"
#include "compiler/plugins/plugins.h"
#include "compiler/plugins/thrown.h"
#include "compiler/support/error.h"

namespace mlqc {

namespace {

// What is wrong with it, as the end of a sentence; "" when nothing is.
std::string fault_of(const mlq::Lut& made, const mlq::LutTask& task) {
  const std::size_t most = std::size_t{1} << task.bits;
  if (made.table.empty() || made.table.size() > most)
    return fmt::format("gave a table of {} entries; {} bits hold 1 to {}", made.table.size(), task.bits,
                       most);
  for (std::size_t i = 0; i < made.table.size(); ++i)
    if (!std::isfinite(made.table[i]))
      return fmt::format("gave {} as entry {} of the table", made.table[i], i);
  if (made.indices.size() != task.weights.size())
    return fmt::format("gave {} indices for {} weights", made.indices.size(), task.weights.size());
  const auto beyond =
      std::ranges::find_if(made.indices, [&](std::uint8_t index) { return index >= made.table.size(); });
  if (beyond == made.indices.end()) return "";
  return fmt::format("gave the index {} to weight {}, but the table has {} entries", *beyond,
                     beyond - made.indices.begin(), made.table.size());
}

mlq::Result<mlq::Lut> call(const mlq::PluginLut& lut, const mlq::LutTask& task) {
  try {
    return lut.function(task);
  } catch (...) {
    return mlq::Failure{words_of_exception()};
  }
}

}  // namespace

mlq::Lut call_lut(const mlq::PluginLut& lut, const mlq::LutTask& task) {
  const std::string what = fmt::format("quantizer {} of layer '{}'", lut.name, task.layer);
  const OnBoard note(what, "one table");
  mlq::Result<mlq::Lut> made = call(lut, task);
  const std::string fault = made ? fault_of(*made, task) : made.error();
  if (!fault.empty())
    throw Error(Exit::model,
                {{}, what + " " + fault, "MLQ318", "mlq/lut_function.h says what it is to give", {}});
  return std::move(*made);
}

}  // namespace mlqc
