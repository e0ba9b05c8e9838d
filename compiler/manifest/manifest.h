// A manifest as values that remember where they stood. Keys, types and defaults: manifests/README.md.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "compiler/support/error.h"

namespace mlqc {

// A value and its place in the manifest; `where.line` is 0 for a default that was not written.
template <class T>
struct At {
  T value{};
  Place where;
  operator const T&() const { return value; }
  const T* operator->() const { return &value; }
};

struct ModelSection {
  At<std::filesystem::path> file;         // absolute or relative to the working directory, ready to open
  std::optional<At<std::string>> sha256;  // refuses another file
};

// What a model's file may not say of an input and of an output.
struct PictureSection {
  std::optional<At<std::string>> as, color, layout;
  std::optional<At<std::vector<float>>> scale, bias;  // one number, or those of red, green and blue
};
struct ClassifierSection {
  std::optional<At<std::filesystem::path>> labels;  // a text file, one a line
  std::optional<At<bool>> softmax;
};

struct FeatureSection {
  std::optional<At<std::string>> rename;
  std::optional<At<int>> top_k;
  std::optional<At<std::string>> shapes;  // of an input: those it is to take, as mlq/sizes.h writes them
  PictureSection picture;                 // of an input
  ClassifierSection classifier;           // of an output
};

struct InterfaceSection {
  std::optional<At<std::string>> name_space;
  std::optional<At<std::string>> class_name;
  std::map<std::string, At<FeatureSection>> inputs, outputs;  // by the model's own names
};

// `bits: auto`.
inline constexpr int auto_bits = 0;

// Those with levels at the multiples of a step, instead of 2^bits of them.
constexpr bool has_step(std::string_view algorithm) {
  return algorithm == "uniform" || algorithm == "trellis";
}

// What to do with the weights of one layer, or of all.
struct QuantizeSettings {
  // linear | linear_symmetric | linear_lut | kmeans_lut | custom_lut | uniform | trellis | none
  std::string algorithm = "none";
  int bits = 32;  // 1..8, 16, 32 (keep), auto_bits
  // per_tensor | per_channel | per_group | per_block | per_class; "" takes the algorithm's own default
  std::string granularity;
  std::string rounding = "nearest";
  double step = 0;                     // between the levels a weight has, in root mean squares of them all
  int group_size = 0, block_size = 0;  // of per_group and per_block; 0 else
};

// The first rule whose pattern matches the layer's name wins; what it does not say, QuantizeSettings does.
struct LayerRule {
  At<std::string> match;  // a glob: * ? [a-z]
  std::optional<At<std::string>> algorithm;
  std::optional<At<int>> bits;
  std::optional<At<double>> step;
  std::optional<At<std::string>> granularity;
  std::optional<At<int>> group_size, block_size;
  std::string reason;
};

// What `bits: auto` has to reach: exactly one of at_least, max_size.
struct BudgetSection {
  Place where;
  At<std::string> metric{"top1_agreement", {}};
  std::optional<At<double>> at_least, max_size;  // bytes of the artifact
};

struct QuantizeSection {
  At<QuantizeSettings> settings;
  // The places of the single keys, for errors about their combination.
  Place algorithm, bits, step, granularity, group_size, block_size, rounding;
  std::optional<BudgetSection> budget;
  At<std::string> storage{"packed", {}};
  std::optional<At<std::string>> function, header;  // the C++ function of custom_lut and what declares it
  std::vector<LayerRule> layers;
};

// The C++ code that stands for an operator of the user's own.
struct CustomLayerSection {
  using Parameter = std::variant<std::int64_t, double, bool, std::string>;
  Place where;                                     // of the entry
  std::optional<At<std::string>> layer_class, op;  // exactly one: the class in the model, or the operator
  At<std::string> type, header;                    // the C++ type and what declares it
  std::string description;
  std::map<std::string, At<Parameter>> parameters;
  bool quantize_weights = false;
};
// The class that its layers have in the graph: the model's, or of an operator the last part of the type's
// name.
std::string class_of(const CustomLayerSection& section);

// A metric that the user's own code computes.
struct OwnMetricSection {
  Place where;                       // of the entry
  At<std::string> name;              // for `gate:`
  At<std::string> function, header;  // the C++ function and what declares it
  bool higher_is_better = true;
  std::string over_samples = "mean";  // mean | worst | share
};

// Where samples come from: exactly one of images, tensors, random.
struct SamplesSection {
  Place where;
  std::optional<At<std::filesystem::path>> images;   // a folder, searched recursively for JPEG and PNG
  std::optional<At<std::filesystem::path>> tensors;  // a folder of .npy files
  std::optional<At<int>> random;                     // this many seeded random samples
  std::optional<At<int>> limit;                      // a seeded choice of this many; absent: all
  At<int> seed{0, {}};
  std::vector<At<std::string>> augment;  // "mirror", "crop": each image also so
};

struct GateSection {
  Place where;             // of the entry
  At<std::string> output;  // the model's name; "" when the model has one output or the metric none
  At<std::string> metric;
  std::optional<At<double>> at_least, at_most, max_drop;  // size in bytes
  std::optional<At<double>> confidence;                   // compares the bound of the interval, not the point
};

struct Manifest {
  std::filesystem::path file;
  std::string text;  // the file's own text, for the line under an error
  ModelSection model;
  InterfaceSection interface;
  QuantizeSection quantize;
  std::vector<CustomLayerSection> custom_layers;
  std::optional<SamplesSection> calibrate, samples;
  std::optional<At<std::filesystem::path>> labels;  // the samples' true labels
  std::vector<OwnMetricSection> metrics;            // beside those that mlq has
  std::vector<GateSection> gate;
  std::optional<At<std::filesystem::path>> baseline;
  std::vector<At<std::string>> emit;  // "mlq", "coreml", "onnx"; mlq always
};

// Throws Error (Exit::usage) at the first thing wrong, with its place, and the nearest key when one is
// misspelt.
Manifest parse_manifest(const std::filesystem::path& file);
Manifest parse_manifest(const std::filesystem::path& file, const std::string& text);

// The JSON schema of the language, made from the decoder's own field table.
std::string manifest_schema();

// The reference tables of manifests/README.md, made from the same table.
std::string manifest_manual();

}  // namespace mlqc
