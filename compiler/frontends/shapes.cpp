#include "compiler/frontends/shapes.h"

#include "compiler/frontends/coreml/import.h"
#include "compiler/support/bytes.h"
#include "compiler/support/error.h"
#include "mlq/sizes.h"

namespace mlqc {

Source with_shapes(const Source& source, const std::string& input, const std::string& shapes) {
  const auto refuse = [&](std::string what, std::string hint) {
    throw Error(Exit::usage, {{source.path.string()}, std::move(what), "MLQ314", std::move(hint), {}});
  };
  if (source.format != "coreml")
    refuse("shapes can be given to the inputs of Core ML models only",
           "export the model with open dimensions");
  const auto sizes = mlq::parse_sizes(shapes);
  if (!sizes)
    refuse("'" + shapes + "' is no list of shapes", "for example 1x3x224x224 or 1x3x64..512x64..512");
  const std::vector<std::byte> bytes = coreml::with_sizes(source, input, *sizes);
  Source changed = source;
  changed.bytes = mlq::copy_data(std::span<const std::byte>(bytes));
  return changed;
}

}  // namespace mlqc
