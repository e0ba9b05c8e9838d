// Runs reference and candidate over the samples.
#pragma once

#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "compiler/validate/report.h"
#include "compiler/validate/samples.h"
#include "mlq/model.h"

namespace mlqc {

struct Measured {
  std::map<std::string, std::map<std::string, Measurement>> outputs;
  std::vector<FailedSample> failed;
  std::map<std::string, Ranking> rankings;  // of outputs that are scores
  std::size_t count = 0;                    // samples that both models ran
};

// Loads a model when it is needed, so that it can be gone before the next one comes. `threads` goes into
// LoadOptions. May be called more than once and must give the same model each time.
using ModelMaker = std::function<mlq::Model(int threads)>;

// Small models run side by side, one sample per thread. Big ones (weights over 64 MB) run one after the
// other, each with all threads on one sample, because every concurrent prediction may pack its own copy of
// the weights; the reference's outputs are kept meanwhile, in chunks of at most 256 MB.
//
// Inputs and outputs are matched by name, else by position. `progress(done, total)` is called now and then,
// from one thread at a time; it may be empty. All metrics that apply to an output are measured. Same result
// for any number of threads. Throws Error (Exit::usage) when the models do not fit each other.
Measured measure(const ModelMaker& reference, const ModelMaker& candidate, const Samples& samples,
                 const std::function<void(std::size_t, std::size_t)>& progress);

// One run of the reference against many candidates, which are loaded one after the other. `progress(model,
// done, total)` is called after each sample of each model, the reference being 0, the first candidate 1.
std::vector<Measured> measure_all(const ModelMaker& reference, std::span<const ModelMaker> candidates,
                                  const Samples& samples,
                                  const std::function<void(std::size_t, std::size_t, std::size_t)>& progress);

// A reference that runs once, now, against candidates that are not known yet. All samples' inputs and outputs
// are kept, with `samples`, until the last copy is gone.
using AgainstReference = std::function<Measured(const ModelMaker& candidate)>;
AgainstReference run_reference(const ModelMaker& reference, const Samples& samples);
// How many samples may be kept so: 256 MB, judged by the first one that runs.
std::size_t samples_that_fit(const ModelMaker& reference, const Samples& samples);

}  // namespace mlqc
