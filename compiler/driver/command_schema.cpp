#include <fmt/format.h>

#include "compiler/driver/commands.h"
#include "compiler/manifest/manifest.h"

namespace mlqc {

Exit run_schema(const Options& options) {
  fmt::print("{}", options.manual ? manifest_manual() : manifest_schema());
  return Exit::good;
}

}  // namespace mlqc
