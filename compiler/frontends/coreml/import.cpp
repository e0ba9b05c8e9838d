#include "compiler/frontends/coreml/import.h"

#include <google/protobuf/stubs/logging.h>

#include <algorithm>
#include <map>

#include "compiler/frontends/coreml/build.h"
#include "compiler/frontends/coreml/control.h"
#include "compiler/frontends/coreml/custom.h"
#include "compiler/frontends/coreml/features.h"
#include "compiler/frontends/coreml/flexible.h"
#include "compiler/frontends/coreml/layers.h"
#include "compiler/frontends/coreml/model.pb.h"
#include "compiler/frontends/coreml/models/networks.h"
#include "compiler/frontends/coreml/models/pipeline.h"
#include "compiler/frontends/coreml/models/stage.h"
#include "compiler/frontends/coreml/weights.h"
#include "compiler/support/error.h"

namespace mlqc::coreml {

namespace {

// The last specification that this importer was written for.
constexpr int newest_version = 10;

[[noreturn]] void refuse(const Source& source, std::string what, std::string hint) {
  throw Error(Exit::model, {{source.path.string()}, std::move(what), "MLQ310", std::move(hint), {}});
}

std::string why_not(const Model& model) {
  switch (model.kind_case()) {
    case Model::kMlProgram:
      return "an ML program is converted to a network by Core ML Tools: convert_to=\"neuralnetwork\"";
    case Model::kVisionFeaturePrint:
    case Model::kAudioFeaturePrint:
    case Model::kSoundAnalysisPreprocessing:
    case Model::kTextClassifier:
    case Model::kWordTagger:
    case Model::kGazetteer:
    case Model::kWordEmbedding:
      return "only Apple's own systems hold its weights";
    default:
      return "mlq compiles neural networks, pipelines of them, and the models listed in "
             "compiler/frontends/COREML.md";
  }
}

const NeuralNetwork* find_network(const Model& model) {
  switch (model.kind_case()) {
    case Model::kNeuralNetwork:
      return &model.neural_network();
    case Model::kNeuralNetworkClassifier:
      return &model.neural_network_classifier();
    case Model::kNeuralNetworkRegressor:
      return &model.neural_network_regressor();
    default:
      return nullptr;
  }
}

// All kinds of models that cannot run are named, then all layers.
void check_models(const Build& build, const Model& model) {
  const Source& source = build.source;
  if (model.kind_case() == Model::KIND_NOT_SET)
    refuse(source, "this is not a Core ML model, or one of a kind that mlq does not know",
           "a .mlmodel is one serialized Core ML specification");
  const std::vector<const Model*> models = models_of(model);
  if (models.empty()) refuse(source, "the pipeline is empty", "");
  std::string kinds, hint;
  for (const Model* one : models)
    if (!find_stage(one->kind_case())) {
      kinds += (kinds.empty() ? "" : ", ") + kind_of(*one);
      hint = why_not(*one);
    }
  const bool alone = models.size() == 1 && models[0] == &model;
  if (!kinds.empty())
    refuse(source,
           alone ? "a model of kind " + kinds + " is not supported"
                 : "a " + kind_of(model) + " with models of kind " + kinds + " is not supported",
           hint);
  for (const Model* one : models)
    if (const NeuralNetwork* network = find_network(*one)) check_supported(build, *network);
}

Model parse(const Source& source, const WeightMap& weights) {
  // What it says on the terminal about bad UTF-8 is no message of ours.
  const google::protobuf::LogSilencer silence;
  Model model;
  if (!model.ParseFromString(weights.skeleton))
    throw Error(Exit::model, {{source.path.string()},
                              "this is not a Core ML model, or it is truncated or damaged",
                              "MLQ306",
                              "compare its size and checksum with the original's",
                              {}});
  return model;
}

void check_version(const Source& source, const Model& model) {
  if (model.specification_version() > newest_version)
    refuse(source,
           "the model has specification version " + std::to_string(model.specification_version()) +
               "; this mlq knows those up to " + std::to_string(newest_version),
           "export it for an older system, or use a newer mlq");
}

std::vector<std::pair<std::string, std::string>> metadata(const Model& model) {
  const Metadata& m = model.description().metadata();
  std::vector<std::pair<std::string, std::string>> all;
  const auto add = [&](const char* key, const std::string& value) {
    if (!value.empty()) all.emplace_back(key, value);
  };
  add("description", m.short_description());
  add("version", m.version_string());
  add("author", m.author());
  add("license", m.license());
  // The file's map has no order of its own.
  const std::map<std::string, std::string> own(m.user_defined().begin(), m.user_defined().end());
  for (const auto& [key, value] : own) all.emplace_back(key, value);
  return all;
}

// How often each blob is read, by layers and by the model's user.
std::map<std::string, int, std::less<>> all_reads(const ModelDescription& description,
                                                  const NeuralNetwork& network) {
  std::map<std::string, int, std::less<>> reads;
  count_reads(network, reads);
  for (const FeatureDescription& output : description.output()) ++reads[output.name()];
  ++reads[network.label_probability_layer_name()];
  return reads;
}

}  // namespace

void lower_network(Build& build, const Model& model) {
  const NeuralNetwork& network = *find_network(model);
  build.rank5 = network.array_input_shape_mapping() == NeuralNetwork::RANK5_ARRAY_MAPPING;
  build.reads = all_reads(model.description(), network);
  add_inputs(build, model.description(), network);
  lower_layers(build, network);
  add_outputs(build, model.description(), network);
}

namespace {

mlq::Graph lower(const Source& source, const WeightMap& weights, const Model& model) {
  Build build(source, weights);
  if (find_network(model))
    lower_network(build, model);
  else
    lower_models(build, model);
  for (auto& entry : metadata(model)) build.graph.metadata.push_back(std::move(entry));
  return std::move(build.graph);
}

bool is_flexible(const Model& model) {
  const auto& inputs = model.description().input();
  return std::any_of(inputs.begin(), inputs.end(),
                     [](const FeatureDescription& input) { return !allowed_sizes(input).empty(); });
}

// A description may promise sizes at which the network does not work: then it has its default size alone, and
// says why.
mlq::Graph lower_flexible(const Source& source, const WeightMap& weights, Model model) {
  std::string why;
  try {
    mlq::Graph graph = lower(source, weights, model);
    why = fails_at(graph);
    if (why.empty()) return graph;
  } catch (const Error& error) {
    why = error.diagnostic().what;
  }
  fix_sizes(model);
  mlq::Graph graph = lower(source, weights, model);
  graph.metadata.emplace_back(kept_at_default, why);
  return graph;
}

}  // namespace

mlq::Graph import(const Source& source) {
  const WeightMap weights = walk_weights(source.bytes.bytes, source.path);
  Model model = parse(source, weights);
  check_version(source, model);
  Build build(source, weights);
  expand_custom_models(build, model);
  check_models(build, model);
  return is_flexible(model) ? lower_flexible(source, weights, model) : lower(source, weights, model);
}

}  // namespace mlqc::coreml
