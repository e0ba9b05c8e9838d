// Two networks of the same shape, run side by side over calibration samples, a stage at a time.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "compiler/quantize/calibration.h"
#include "compiler/quantize/stages.h"

namespace mlqc {

// Values of one sample, in the float network and in the one that is rounded so far. Equal ones are shared.
using Values = std::map<mlq::TensorId, std::shared_ptr<const mlq::Array>>;
struct BothValues {
  Values exact, seen;
};

class Walk {
 public:
  Walk(const mlq::Graph& exact, const std::vector<Stage>& stages, const Calibration& calibration,
       std::size_t memory)
      : exact_(exact),
        stages_(stages),
        calibration_(calibration),
        memory_(memory),
        kept_(calibration.count) {}

  // Runs all samples to the next stage, a few at a time; `visit` gets those few, with the number of the
  // first. `candidate` is the graph as it is rounded so far.
  template <class Visit>
  void next(const mlq::Graph& candidate, const Visit& visit) {
    start(candidate);
    for (std::size_t first = 0; first < calibration_.count; first += together) {
      const std::vector<BothValues> some = run(first, std::min(together, calibration_.count - first));
      visit(first, some);
      keep(first, some);
    }
    finish();
  }

 private:
  static constexpr std::size_t together = 8;

  void start(const mlq::Graph& candidate);
  std::vector<BothValues> run(std::size_t first, std::size_t count);
  BothValues run_sample(std::size_t index) const;
  void keep(std::size_t first, const std::vector<BothValues>& some);
  void finish();

  const mlq::Graph& exact_;
  const std::vector<Stage>& stages_;
  const Calibration& calibration_;
  std::size_t memory_;
  std::size_t stage_ = 0, kept_stage_ = 0;  // counted from 1; 0: before everything
  std::vector<BothValues> kept_, coming_;   // of each sample, at kept_stage_ and at the next stage
  bool keeping_ = true;
  bool kept_same_ = true, same_ = true;  // whether both networks are the same, at either stage
  std::vector<mlq::TensorId> inputs_, outputs_, passing_;
  std::optional<mlq::Model> exact_model_, seen_model_;
};

}  // namespace mlqc
