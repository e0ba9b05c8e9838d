// An input or output of the model as C++ text.
#pragma once

#include <optional>
#include <string>

#include "mlq/graph.h"

namespace mlqc {

// What the generated code says about labels.
enum class Labels { none, text, integer };
Labels labels_of(const mlq::Graph& graph);

std::string input_type(const mlq::Feature& feature);
std::string output_type(const mlq::Feature& feature, Labels labels);

// The initializers of an mlq::FeatureInfo, and its rank.
std::string feature_info(const mlq::Feature& feature, Labels labels);
std::size_t feature_rank(const mlq::Feature& feature, Labels labels);

// What take() gets behind the field: ", labels(), 5" for scores.
std::string take_arguments(const mlq::Feature& feature, Labels labels, std::optional<int> top_k);

// "color image (bgr), 227 x 227 pixels; ...": what a reader should know beside the model's own words.
std::string type_sentence(const mlq::Feature& feature, const mlq::Graph& graph, bool is_input);

}  // namespace mlqc
