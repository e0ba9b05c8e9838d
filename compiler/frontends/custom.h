// Custom layers: what a front end makes of a layer, or of an operator, that the user computes.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/frontends/frontend.h"

namespace mlqc {

// The entry for a class that the model names; null where there is none. One without code counts as one: see
// require_code.
const CustomEntry* find_class(const Source& source, std::string_view layer_class);

// The entry for an operator of a format that has no custom layers of its own: what a front end asks before it
// refuses an operator.
const CustomEntry* find_op(const Source& source, std::string_view op);

// What a layer says of itself in the source.
struct CustomLayerText {
  std::string name;
  std::string layer_class;  // "" where the source knows no classes: then the entry's
  std::string description;  // "" likewise
  mlq::Parameters parameters;
};

// The node of the layer, its outputs still to be added. The entry's parameters win over the layer's own.
// Throws Error MLQ314 when nothing gives the entry code: no shape could be told.
mlq::Node custom_node(const Source& source, const CustomEntry& entry, CustomLayerText layer,
                      std::vector<mlq::TensorId> inputs, std::vector<mlq::TensorId> weights);

// Adds the node with that many results of its own, their shapes told by its code. Throws Error MLQ312.
std::vector<mlq::TensorId> append_custom(const Source& source, mlq::Graph& graph, mlq::Node node,
                                         std::size_t outputs);

// The manifest's line that would let a class run, for hints.
std::string custom_layers_line(std::string_view key, std::string_view name, std::string_view type);

}  // namespace mlqc
