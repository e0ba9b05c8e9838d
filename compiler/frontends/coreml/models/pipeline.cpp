#include "compiler/frontends/coreml/models/pipeline.h"

#include <algorithm>

#include "compiler/frontends/coreml/features.h"
#include "compiler/frontends/coreml/model.pb.h"
#include "compiler/frontends/coreml/models/networks.h"
#include "compiler/frontends/coreml/models/stage.h"

namespace mlqc::coreml {

namespace {

using mlq::DataType;

const Pipeline* pipeline_of(const Model& model) {
  switch (model.kind_case()) {
    case Model::kPipeline:
      return &model.pipeline();
    case Model::kPipelineClassifier:
      return &model.pipeline_classifier().pipeline();
    case Model::kPipelineRegressor:
      return &model.pipeline_regressor().pipeline();
    default:
      return nullptr;
  }
}

// An input of the whole as the first model that reads it finds it. Texts and dictionaries wait for its words.
Flow input_flow(Build& b, const FeatureDescription& input) {
  Flow flow{Flow::numbers,
            {input.name(), input.short_description(), mlq::FeatureKind::tensor, mlq::no_tensor, {}},
            {},
            false};
  mlq::Feature& feature = flow.feature;
  switch (input.type().kind_case()) {
    case FeatureType::kImageType:
      flow.kind = Flow::picture;
      feature = image_feature(b, input);
      break;
    case FeatureType::kMultiArrayType:
      feature = array_feature(b, input);
      break;
    case FeatureType::kStringType:
    case FeatureType::kDictionaryType:
      flow.kind = input.type().has_string_type() ? Flow::text : Flow::dictionary;
      flow.open = true;
      return flow;
    case FeatureType::kInt64Type:
    case FeatureType::kDoubleType:
      feature.shape = {1};
      feature.type = input.type().has_int64_type() ? DataType::int64 : DataType::float32;
      break;
    default:
      b.fail("has the input '" + input.name() + "' of a type that mlq cannot pass");
  }
  note_sizes(b, feature, input);
  feature.tensor = mlq::add_tensor(b.graph, {input.name(), feature.type, tensor_shape(b, input), {}, {}});
  return flow;
}

// Thresholds that an app need not pass are the models' own.
bool left_out(const FeatureDescription& input) {
  return input.type().is_optional() && input.type().has_double_type();
}

void add_output(Build& b, const FeatureDescription& output, const Flow& flow) {
  if (flow.kind == Flow::text) b.fail("gives the text '" + output.name() + "', which is no class label");
  mlq::Feature feature = flow.feature;
  feature.name = output.name();
  feature.description = output.short_description();
  if (flow.kind == Flow::choice || flow.kind == Flow::dictionary) {
    if (!b.graph.labels.empty() && b.graph.labels != flow.words.list)
      b.fail("gives labels of more than one classifier");
    b.graph.labels = flow.words.list;
    b.graph.integer_labels = flow.words.integers;
  }
  b.graph.outputs.push_back(std::move(feature));
}

void lower_stage(Build& b, const Model& model, const std::string& name, std::map<std::string, Flow>& flows);

void lower_stages(Build& b, const Pipeline& pipeline, std::map<std::string, Flow>& flows) {
  const std::string prefix = b.prefix;
  for (int i = 0; i < pipeline.models_size(); ++i) {
    const Model& model = pipeline.models(i);
    b.prefix = prefix + "models." + std::to_string(i) + "/";
    const bool named = i < pipeline.names_size() && !pipeline.names(i).empty();
    lower_stage(b, model, named ? pipeline.names(i) : b.prefix + kind_of(model), flows);
  }
  b.prefix = prefix;
}

void lower_stage(Build& b, const Model& model, const std::string& name, std::map<std::string, Flow>& flows) {
  if (const Pipeline* inner = pipeline_of(model)) return lower_stages(b, *inner, flows);
  b.stage = name;
  b.subject = "the model '" + name + "'";
  Stage stage(b, model, flows);
  find_stage(model.kind_case())->lower(stage);
}

}  // namespace

std::string kind_of(const Model& model) {
  const auto* field = Model::descriptor()->FindFieldByNumber(model.kind_case());
  return field ? field->json_name() : "(unknown to this version of mlq)";
}

std::vector<const Model*> models_of(const Model& model) {
  std::vector<const Model*> all;
  if (const Pipeline* pipeline = pipeline_of(model)) {
    for (const Model& inner : pipeline->models())
      for (const Model* one : models_of(inner)) all.push_back(one);
  } else {
    all.push_back(&model);
  }
  return all;
}

void lower_models(Build& b, const Model& model) {
  b.subject = "the model";
  std::map<std::string, Flow> flows;
  const ModelDescription& description = model.description();
  for (const FeatureDescription& input : description.input()) {
    if (flows.count(input.name())) b.fail("has two inputs named '" + input.name() + "'");
    if (!left_out(input)) flows.emplace(input.name(), input_flow(b, input));
  }
  // Models may give names of the inputs anew, but what users pass stays what it is.
  std::map<std::string, Flow> inputs = flows;
  lower_stage(b, model, kind_of(model), flows);
  b.subject = "the model";
  for (const FeatureDescription& input : description.input()) {
    if (left_out(input)) continue;
    Flow& flow = inputs.at(input.name());
    if (flow.open) flow = flows.at(input.name());
    if (flow.open || flow.feature.tensor == mlq::no_tensor)
      b.fail("has the input '" + input.name() + "', whose words no model says");
    b.graph.inputs.push_back(flow.feature);
  }
  if (description.output().empty()) b.fail("has no outputs");
  for (const FeatureDescription& output : description.output()) {
    const auto found = flows.find(output.name());
    if (found == flows.end()) b.fail("has the output '" + output.name() + "', which no model gives");
    add_output(b, output, found->second);
  }
}

}  // namespace mlqc::coreml
