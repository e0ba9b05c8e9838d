// Runs reference and candidate over the samples.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "compiler/validate/report.h"
#include "compiler/validate/samples.h"
#include "mlq/model.h"

namespace mlqc {

struct Measured {
  std::map<std::string, std::map<std::string, Measurement>> outputs;
  std::vector<FailedSample> failed;
  std::size_t count = 0;  // samples that both models ran
};

// A model that is loaded when it is needed: the reference is gone before the candidate comes, so that peak
// memory is one of them (unless the kept outputs would be larger than the models).
using ModelMaker = std::function<mlq::Model()>;

// One sample per thread. `progress(done, total)` is called now and then, from one thread at a time. All
// metrics that apply to an output are measured. Same result for any number of threads.
Measured measure(const ModelMaker& reference, const ModelMaker& candidate, const Samples& samples,
                 const std::function<void(std::size_t, std::size_t)>& progress);

}  // namespace mlqc
