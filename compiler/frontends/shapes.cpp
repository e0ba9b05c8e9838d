#include "compiler/frontends/shapes.h"

#include "compiler/frontends/coreml/flexible.h"
#include "compiler/frontends/coreml/import.h"
#include "compiler/frontends/onnx/sizes.h"
#include "compiler/support/bytes.h"
#include "compiler/support/error.h"
#include "mlq/sizes.h"

namespace mlqc {

Source with_shapes(const Source& source, const std::string& input, const std::string& shapes) {
  const auto refuse = [&](std::string what, std::string hint) {
    throw Error(Exit::usage, {{source.path.string()}, std::move(what), "MLQ314", std::move(hint), {}});
  };
  if (source.format != "coreml" && source.format != "onnx")
    refuse("shapes can be given to the inputs of Core ML and ONNX models only",
           "export the model with open dimensions");
  const auto sizes = mlq::parse_sizes(shapes);
  if (!sizes)
    refuse("'" + shapes + "' is no list of shapes", "for example 1x3x224x224 or 1x3x64..512x64..512");
  const bool onnx = source.format == "onnx";
  const std::vector<std::byte> bytes =
      onnx ? onnx_format::with_sizes(source, input, *sizes) : coreml::with_sizes(source, input, *sizes);
  Source changed = source;
  changed.bytes = mlq::copy_data(std::span<const std::byte>(bytes));
  if (!onnx) return changed;
  if (const std::string why = coreml::fails_at(import_graph(changed)); !why.empty())
    throw Error(Exit::usage, {{source.path.string()},
                              "the network does not work at these shapes: " + why,
                              "MLQ315",
                              "give shapes that all operators of the network can work at",
                              {}});
  return changed;
}

}  // namespace mlqc
