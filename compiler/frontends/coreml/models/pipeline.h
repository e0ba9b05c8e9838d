// Models of other kinds than one neural network alone: small models, and pipelines of models that pass
// features on by their names.
#pragma once

#include <string>
#include <vector>

#include "compiler/frontends/coreml/build.h"

namespace mlqc::coreml {

class Model;

// "glmRegressor": the format's own name of a model's kind.
std::string kind_of(const Model& model);

// The models inside of all pipelines, in the order in which they run; the model itself where it is none.
std::vector<const Model*> models_of(const Model& model);

// Adds the whole to the graph: inputs, models, outputs, labels. All kinds are ones that mlq runs.
void lower_models(Build& build, const Model& model);

}  // namespace mlqc::coreml
