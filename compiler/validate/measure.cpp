#include "compiler/validate/measure.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <mutex>

#include "compiler/support/parallel.h"
#include "compiler/validate/labels.h"
#include "compiler/validate/match.h"

namespace mlqc {

namespace {

using mlq::Array;
using mlq::Graph;
using mlq::Model;
using mlq::Result;
using Arrays = std::vector<Array>;
using Progress = std::function<void(std::size_t, std::size_t)>;

constexpr std::size_t big_weights = std::size_t{64} << 20;
constexpr std::size_t kept_bytes = std::size_t{256} << 20;

// What is compared, the same for all samples.
struct Plan {
  const Samples* samples;
  std::vector<mlq::Feature> outputs;  // the reference's that are compared
  std::vector<OutputPair> pairs;
  std::vector<std::size_t> order;  // of the candidate's inputs
  std::vector<std::string> labels;
  std::vector<std::int64_t> truths;  // of each sample; empty where they have no labels

  bool measures(const Metric& metric, const mlq::Feature& output) const {
    return metric.applies(output) && (!metric.with_truth || !truths.empty());
  }
};

// Of one sample: one figure per output and metric, in the order of `figures_of`; or why there is none.
struct Outcome {
  std::vector<double> figures;
  std::vector<std::optional<Best>> best;  // per output
  std::string failure;
};

// Counts samples, one thread at a time. Of the two passes over big models each sample counts half.
class Counter {
 public:
  Counter(Progress progress, std::size_t total, std::size_t passes)
      : progress_(std::move(progress)), total_(total), passes_(passes) {}
  void step() {
    if (!progress_) return;
    const std::lock_guard lock(mutex_);
    ++steps_;
    progress_(steps_ / passes_, total_);
  }

 private:
  const Progress progress_;
  std::size_t total_, passes_, steps_ = 0;
  std::mutex mutex_;
};

std::size_t float_bytes(const mlq::Tensor& tensor) {
  return tensor.data ? static_cast<std::size_t>(mlq::element_count(tensor.shape).value_or(0)) * sizeof(float)
                     : 0;
}

std::size_t weight_bytes(const Graph& graph) {
  std::size_t bytes = 0;
  for (const mlq::Tensor& tensor : graph.tensors) bytes += float_bytes(tensor);
  return bytes;
}

// Weights that every prediction under way packs for itself; those of convolutions are shared.
std::size_t own_weight_bytes(const Graph& graph) {
  std::size_t bytes = 0;
  for (const mlq::Node& node : graph.nodes)
    if (!node.op.ends_with("ConvNhwc") && node.op != "Conv")
      for (const mlq::TensorId id : node.inputs)
        if (id != mlq::no_tensor) bytes += float_bytes(graph.tensors[id]);
  return bytes;
}

// One sample per thread, or one after the other where the model itself uses all threads.
void for_each_sample(int threads_each, std::size_t count, const std::function<void(std::size_t)>& body) {
  if (threads_each == 1) return parallel_for(count, body);
  for (std::size_t i = 0; i < count; ++i) body(i);
}

Plan make_plan(const Samples& samples, const Graph& reference, const Graph& candidate) {
  Plan plan{&samples,
            {},
            match_outputs(reference, candidate),
            match_inputs(reference, candidate),
            reference.labels,
            places_of(samples.labels, reference.labels)};
  for (const OutputPair& pair : plan.pairs) plan.outputs.push_back(reference.outputs[pair.reference]);
  return plan;
}

Result<Arrays> predict(const Model& model, const Arrays& inputs) {
  std::vector<mlq::View> views;
  for (const Array& input : inputs) views.push_back(input.view());
  return model.predict(views);
}

// Two models may take the same photograph in other sizes or colour orders; then each decodes its own.
bool takes_the_same(const Graph& reference, const Graph& candidate, std::span<const std::size_t> order) {
  for (std::size_t i = 0; i < order.size(); ++i) {
    const mlq::Feature &ours = reference.inputs[order[i]], &theirs = candidate.inputs[i];
    if (order[i] != i || ours.kind != theirs.kind || ours.shape != theirs.shape || ours.type != theirs.type ||
        ours.color != theirs.color)
      return false;
  }
  return true;
}

Outcome failed(std::string why) {
  Outcome outcome;
  outcome.failure = std::move(why);
  return outcome;
}

double figure_of(const Metric& metric, const Plan& plan, std::size_t index, const mlq::Feature& output,
                 const Array& reference, const Array& candidate) {
  if (metric.own) return metric.own(output, reference, candidate);
  return metric.with_truth ? metric.with_truth(output, reference, candidate, plan.truths[index])
                           : metric.sample(output, reference, candidate);
}

void compare(const Plan& plan, std::size_t index, const Arrays& reference, const Arrays& candidate,
             Outcome& outcome) {
  for (std::size_t i = 0; i < plan.pairs.size(); ++i) {
    const Array &ours = reference[plan.pairs[i].reference], &theirs = candidate[plan.pairs[i].candidate];
    if (mlq::element_count(ours.shape) != mlq::element_count(theirs.shape)) {
      outcome =
          failed(fmt::format("output '{}': the reference gives {}, the candidate {}", plan.outputs[i].name,
                             mlq::to_string(ours.shape), mlq::to_string(theirs.shape)));
      return;
    }
    for (const Metric& metric : metrics())
      if (plan.measures(metric, plan.outputs[i]))
        outcome.figures.push_back(figure_of(metric, plan, index, plan.outputs[i], ours, theirs));
    outcome.best.push_back(best_of(plan.outputs[i], ours, theirs));
  }
}

// Small models: both at once, one sample per thread, decoded once.
Outcome run_both(const Plan& plan, const Model& reference, const Model& candidate, bool same_inputs,
                 std::size_t index) {
  const Result<Arrays> inputs = load_sample(*plan.samples, index, reference.graph());
  if (!inputs) return failed(inputs.error());
  const Result<Arrays> ours = predict(reference, *inputs);
  if (!ours) return failed(fmt::format("the reference: {}", ours.error()));
  const Result<Arrays> other = same_inputs ? Result<Arrays>(Arrays{})
                                           : load_sample(*plan.samples, index, candidate.graph(), plan.order);
  if (!other) return failed(other.error());
  const Result<Arrays> theirs = predict(candidate, same_inputs ? *inputs : *other);
  if (!theirs) return failed(fmt::format("the candidate: {}", theirs.error()));
  Outcome outcome;
  compare(plan, index, *ours, *theirs, outcome);
  return outcome;
}

Graph interface_of(const Graph& graph) {
  Graph alone;
  alone.inputs = graph.inputs;
  alone.outputs = graph.outputs;
  alone.labels = graph.labels;
  return alone;
}

std::size_t bytes_of(const Arrays& arrays) {
  std::size_t bytes = 0;
  for (const Array& array : arrays) bytes += array.bytes.size();
  return bytes;
}

// The names of the samples that a figure rests on: all misses, or the one that is worst.
std::vector<std::string> names_behind(const Metric& metric, std::span<const double> figures,
                                      std::span<const std::string> names) {
  std::vector<std::string> behind;
  if (metric.summary == Summary::hits) {
    for (std::size_t i = 0; i < figures.size(); ++i)
      if (figures[i] != 1) behind.push_back(names[i]);
  } else if (metric.summary != Summary::worst_class && !figures.empty()) {
    const auto worse = [&](double a, double b) { return metric.higher_is_better ? a < b : a > b; };
    behind.push_back(
        names[static_cast<std::size_t>(std::ranges::min_element(figures, worse) - figures.begin())]);
  }
  return behind;
}

std::map<std::string, Ranking> rankings(const Plan& plan, const std::vector<Outcome>& outcomes,
                                        std::span<const std::string> names) {
  std::map<std::string, Ranking> all;
  for (std::size_t i = 0; i < plan.outputs.size(); ++i) {
    if (!is_ranking(plan.outputs[i], 2)) continue;
    std::vector<std::optional<Best>> best;
    for (const Outcome& outcome : outcomes)
      if (outcome.failure.empty()) best.push_back(outcome.best[i]);
    const bool labelled = plan.outputs[i].kind == mlq::FeatureKind::scores;
    all[plan.outputs[i].name] = rank(best, names, labelled ? plan.labels : std::vector<std::string>{});
  }
  return all;
}

Measured summarize_all(const Plan& plan, const std::vector<Outcome>& outcomes) {
  Measured measured;
  std::vector<std::string> names;
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    if (outcomes[i].failure.empty())
      names.push_back(plan.samples->items[i].name);
    else
      measured.failed.push_back({plan.samples->items[i].name, outcomes[i].failure});
  }
  measured.count = names.size();
  measured.rankings = rankings(plan, outcomes, names);
  std::size_t place = 0;
  std::vector<double> figures;
  for (const mlq::Feature& output : plan.outputs)
    for (const Metric& metric : metrics()) {
      if (!plan.measures(metric, output)) continue;
      figures.clear();
      for (const Outcome& outcome : outcomes)
        if (outcome.failure.empty()) figures.push_back(outcome.figures[place]);
      Measurement& figure = measured.outputs[output.name][std::string(metric.name)];
      figure = summarize(metric, figures);
      figure.samples = names_behind(metric, figures, names);
      ++place;
    }
  return measured;
}

Measured measure_small(const Model& reference, const Model& candidate, const Samples& samples,
                       const Progress& progress) {
  const Plan plan = make_plan(samples, reference.graph(), candidate.graph());
  const bool same_inputs = takes_the_same(reference.graph(), candidate.graph(), plan.order);
  std::vector<Outcome> outcomes(samples.items.size());
  Counter counter(progress, outcomes.size(), 1);
  parallel_for(outcomes.size(), [&](std::size_t i) {
    outcomes[i] = run_both(plan, reference, candidate, same_inputs, i);
    counter.step();
  });
  return summarize_all(plan, outcomes);
}

// What the reference was given for a sample and what it made of it. Inputs are kept where many candidates
// take the same: decoding a photograph takes half as long as running a small network on it.
struct Kept {
  Arrays inputs, outputs;
};

// How many samples may be kept, judged by the first one that runs.
std::size_t samples_kept(const Model& model, const Samples& samples, bool with_inputs) {
  for (std::size_t i = 0; i < samples.items.size(); ++i) {
    const Result<Arrays> inputs = load_sample(samples, i, model.graph());
    const Result<Arrays> outputs = inputs ? predict(model, *inputs) : Result<Arrays>(mlq::Failure{""});
    if (!outputs) continue;
    const std::size_t bytes = bytes_of(*outputs) + (with_inputs ? bytes_of(*inputs) : 0);
    return std::max<std::size_t>(1, kept_bytes / std::max<std::size_t>(1, bytes));
  }
  return samples.items.size();
}

// The reference's outputs of the samples from `first` on.
std::vector<Kept> run_range(const Samples& samples, const Model& model, int each, std::size_t first,
                            std::size_t count, bool with_inputs, std::vector<Outcome>& outcomes,
                            Counter& counter) {
  std::vector<Kept> kept(count);
  for_each_sample(each, count, [&](std::size_t i) {
    Result<Arrays> inputs = load_sample(samples, first + i, model.graph());
    Result<Arrays> outputs = inputs ? predict(model, *inputs) : Result<Arrays>(mlq::Failure{inputs.error()});
    if (outputs)
      kept[i] = {with_inputs ? std::move(*inputs) : Arrays{}, std::move(*outputs)};
    else
      outcomes[first + i].failure =
          inputs ? fmt::format("the reference: {}", outputs.error()) : inputs.error();
    counter.step();
  });
  return kept;
}

Outcome compare_one(const Plan& plan, const Model& model, std::size_t index, const Kept& reference,
                    bool same_inputs) {
  const Result<Arrays> inputs =
      same_inputs ? Result<Arrays>(Arrays{}) : load_sample(*plan.samples, index, model.graph(), plan.order);
  if (!inputs) return failed(inputs.error());
  const Result<Arrays> outputs = predict(model, same_inputs ? reference.inputs : *inputs);
  if (!outputs) return failed(fmt::format("the candidate: {}", outputs.error()));
  Outcome outcome;
  compare(plan, index, reference.outputs, *outputs, outcome);
  return outcome;
}

// The candidate's outputs against the kept ones. `same_inputs`: those of the reference are kept, too.
void compare_range(const Plan& plan, const Model& model, int each, std::size_t first, bool same_inputs,
                   const std::vector<Kept>& kept, std::vector<Outcome>& outcomes, Counter& counter) {
  for_each_sample(each, kept.size(), [&](std::size_t i) {
    if (outcomes[first + i].failure.empty())
      outcomes[first + i] = compare_one(plan, model, first + i, kept[i], same_inputs);
    counter.step();
  });
}

// One model after the other, so that the weights of one are gone before the other's are unpacked.
Measured measure_big(const ModelMaker& reference, const ModelMaker& candidate, int each,
                     const Samples& samples, const Progress& progress) {
  const std::size_t total = samples.items.size();
  std::vector<Outcome> outcomes(total);
  Counter counter(progress, total, 2);
  Plan plan;
  for (std::size_t first = 0, count = 0; first == 0 || first < total; first += count) {
    std::optional<Model> model = reference(each);
    count = std::min(samples_kept(*model, samples, false), total - first);
    const std::vector<Kept> kept = run_range(samples, *model, each, first, count, false, outcomes, counter);
    const Graph ours = interface_of(model->graph());  // nothing may keep the weights
    model.reset();
    model = candidate(each);
    if (first == 0) plan = make_plan(samples, ours, model->graph());
    compare_range(plan, *model, each, first, false, kept, outcomes, counter);
    if (count == 0) break;
  }
  return summarize_all(plan, outcomes);
}

}  // namespace

std::vector<Measured> measure_all(
    const ModelMaker& reference, std::span<const ModelMaker> candidates, const Samples& samples,
    const std::function<void(std::size_t, std::size_t, std::size_t)>& progress) {
  const Model ours = reference(1);
  const std::size_t total = samples.items.size(), most = samples_kept(ours, samples, true);
  std::size_t model = 0;  // the one that runs
  const Progress with_model = [&](std::size_t done, std::size_t all) { progress(model, done, all); };
  Counter counter(progress ? with_model : Progress{}, total * (1 + candidates.size()), 1);
  std::vector<Outcome> failures(total);
  std::vector<std::vector<Outcome>> outcomes(candidates.size(), std::vector<Outcome>(total));
  std::vector<Plan> plans(candidates.size());
  for (std::size_t first = 0; first < total; first += most) {
    model = 0;
    const std::size_t count = std::min(most, total - first);
    const std::vector<Kept> kept = run_range(samples, ours, 1, first, count, true, failures, counter);
    for (std::size_t c = 0; c < candidates.size(); ++c) {
      model = c + 1;
      const Model theirs = candidates[c](1);
      plans[c] = make_plan(samples, ours.graph(), theirs.graph());
      for (std::size_t i = first; i < first + count; ++i) outcomes[c][i].failure = failures[i].failure;
      const bool same = takes_the_same(ours.graph(), theirs.graph(), plans[c].order);
      compare_range(plans[c], theirs, 1, first, same, kept, outcomes[c], counter);
    }
  }
  std::vector<Measured> all;
  for (std::size_t c = 0; c < candidates.size(); ++c) all.push_back(summarize_all(plans[c], outcomes[c]));
  return all;
}

std::size_t samples_that_fit(const ModelMaker& reference, const Samples& samples) {
  return samples_kept(reference(1), samples, true);
}

AgainstReference run_reference(const ModelMaker& reference, const Samples& samples) {
  struct Run {
    Samples samples;
    Graph interface;
    std::vector<Outcome> failures;
    std::vector<Kept> kept;
  };
  auto run = std::make_shared<Run>();
  const Model model = reference(1);
  Counter counter({}, 0, 1);
  run->samples = samples;
  run->interface = interface_of(model.graph());
  run->failures.resize(samples.items.size());
  run->kept = run_range(samples, model, 1, 0, samples.items.size(), true, run->failures, counter);
  return [run = std::shared_ptr<const Run>(std::move(run))](const ModelMaker& candidate) {
    const Model theirs = candidate(1);
    const Plan plan = make_plan(run->samples, run->interface, theirs.graph());
    const bool same = takes_the_same(run->interface, theirs.graph(), plan.order);
    std::vector<Outcome> outcomes = run->failures;
    Counter counter({}, 0, 1);
    compare_range(plan, theirs, 1, 0, same, run->kept, outcomes, counter);
    return summarize_all(plan, outcomes);
  };
}

Measured measure(const ModelMaker& reference, const ModelMaker& candidate, const Samples& samples,
                 const Progress& progress) {
  int each = 1;
  {
    const Model first = reference(1);
    if (weight_bytes(first.graph()) <= big_weights) {
      const Model second = candidate(1);
      if (weight_bytes(second.graph()) <= big_weights) return measure_small(first, second, samples, progress);
    }
    each = own_weight_bytes(first.graph()) <= big_weights ? 1 : threads();
  }
  return measure_big(reference, candidate, each, samples, progress);
}

}  // namespace mlqc
