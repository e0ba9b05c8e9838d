#include "compiler/frontends/coreml/import.h"

#include <google/protobuf/stubs/logging.h>

#include <map>

#include "compiler/frontends/coreml/build.h"
#include "compiler/frontends/coreml/features.h"
#include "compiler/frontends/coreml/layers.h"
#include "compiler/frontends/coreml/model.pb.h"
#include "compiler/frontends/coreml/weights.h"
#include "compiler/support/error.h"

namespace mlqc::coreml {

namespace {

// The last specification that this importer was written for.
constexpr int newest_version = 10;

[[noreturn]] void refuse(const Source& source, std::string what, std::string hint) {
  throw Error(Exit::model, {{source.path.string()}, std::move(what), "MLQ310", std::move(hint), {}});
}

std::string kind_of(const Model& model) {
  const auto* field = Model::descriptor()->FindFieldByNumber(model.kind_case());
  return field ? field->json_name() : "";
}

// The kinds of a pipeline's stages, in order.
std::string stages(const Pipeline& pipeline) {
  std::string text;
  for (const Model& model : pipeline.models()) text += (text.empty() ? "" : ", ") + kind_of(model);
  return text;
}

std::string why_not(const Model& model) {
  switch (model.kind_case()) {
    case Model::kMlProgram:
      return "an ML program is converted to a network by Core ML Tools: convert_to=\"neuralnetwork\"";
    case Model::kPipeline:
      return "it holds " + stages(model.pipeline()) + "; give the network among them alone";
    case Model::kPipelineClassifier:
      return "it holds " + stages(model.pipeline_classifier().pipeline()) +
             "; give the network among them alone";
    case Model::kPipelineRegressor:
      return "it holds " + stages(model.pipeline_regressor().pipeline()) +
             "; give the network among them alone";
    case Model::kVisionFeaturePrint:
    case Model::kAudioFeaturePrint:
    case Model::kSoundAnalysisPreprocessing:
    case Model::kTextClassifier:
    case Model::kWordTagger:
    case Model::kGazetteer:
    case Model::kWordEmbedding:
      return "only Apple's own systems hold its weights";
    default:
      return "mlq compiles neural networks: neuralNetwork, neuralNetworkClassifier, neuralNetworkRegressor";
  }
}

const NeuralNetwork& network_of(const Source& source, const Model& model) {
  switch (model.kind_case()) {
    case Model::kNeuralNetwork:
      return model.neural_network();
    case Model::kNeuralNetworkClassifier:
      return model.neural_network_classifier();
    case Model::kNeuralNetworkRegressor:
      return model.neural_network_regressor();
    case Model::KIND_NOT_SET:
      refuse(source, "this is not a Core ML model, or one of a kind that mlq does not know",
             "a .mlmodel is one serialized Core ML specification");
    default:
      refuse(source, "a model of kind " + kind_of(model) + " is not supported", why_not(model));
  }
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

}  // namespace

mlq::Graph import(const Source& source) {
  const WeightMap weights = walk_weights(source.bytes.bytes, source.path);
  const Model model = parse(source, weights);
  check_version(source, model);
  const NeuralNetwork& network = network_of(source, model);
  Build build(source, weights);
  build.rank5 = network.array_input_shape_mapping() == NeuralNetwork::RANK5_ARRAY_MAPPING;
  check_supported(build, network);
  add_inputs(build, model.description(), network);
  lower_layers(build, network);
  add_outputs(build, model.description(), network);
  build.graph.metadata = metadata(model);
  return std::move(build.graph);
}

}  // namespace mlqc::coreml
