#include "compiler/quantize/compensated.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "compiler/quantize/compensate.h"
#include "compiler/quantize/half.h"
#include "compiler/quantize/tensor_data.h"
#include "compiler/quantize/walk.h"
#include "compiler/support/parallel.h"

namespace mlqc {

namespace {

using mlq::Graph;
using mlq::Tensor;

// Columns of all samples together that a layer's moments are made from: as many of each sample as tell what
// it brings, within bounds; more add nothing but time.
constexpr std::size_t of_each = 250, fewest_columns = 40000, most_columns = 100000;
// Moments take 8 * 2 * columns^2 bytes, and solving for the weights as much again.
constexpr std::size_t widest = 6144;

struct Entry {
  Product product;
  std::size_t place;  // in the plans
};

class Rounder {
 public:
  // `alone`: layers see what the float network gives them, not what the layers before them do.
  Rounder(const Graph& graph, std::vector<const QuantizationPlan*> plans, std::vector<Graph> nearest,
          bool alone, const Calibration& calibration, std::size_t memory)
      : graph_(graph), plans_(std::move(plans)), alone_(alone), calibration_(calibration), memory_(memory) {
    for (Graph& each : nearest) results_.push_back({std::move(each), {}});
    const Uses uses = uses_of(graph);
    const std::string refusal = has_subgraphs() ? "the network has control flow" : "";
    for (std::size_t i = 0; i < plans_[0]->size(); ++i)
      if (std::ranges::any_of(plans_, [&](const auto* plan) { return is_ours((*plan)[i]); }))
        add(i, uses, refusal);
  }

  std::vector<CompensatedGraph> run() {
    std::vector<Product> products;
    for (const Entry& entry : entries_) products.push_back(entry.product);
    const std::vector<Stage> stages = make_stages(graph_, products);
    Walk walk(graph_, stages, calibration_, memory_);
    for (std::size_t s = 0; s < stages.size(); ++s) {
      if (calibration_.progress) calibration_.progress(s, stages.size());
      round_stage(stages[s], walk);
    }
    for (std::size_t i = 0; i < entries_.size(); ++i)
      if (!done_[i]) refuse(entries_[i].place, "no sample reaches it");
    return std::move(results_);
  }

 private:
  static bool is_ours(const TensorPlan& plan) {
    return plan.settings.rounding == "compensated" && plan.settings.bits <= 8;
  }

  bool has_subgraphs() const {
    for (const mlq::Node& node : graph_.nodes)
      for (const auto& [key, value] : node.attributes)
        if (std::holds_alternative<std::shared_ptr<const Graph>>(value)) return true;
    return false;
  }

  // The plan counted levels as halves; nearest rounding's are floats. Where a tensor does not shrink with
  // those, it stays as it is.
  void leave(RoundedTensor left, CompensatedGraph& result) const {
    const auto id = static_cast<std::size_t>(left.tensor);
    const Tensor& before = graph_.tensors[id];
    Tensor& tensor = result.graph.tensors[id];
    // Of more than 8 bits are even levels that are to be coded: they shrink by that.
    if (tensor.quantization && tensor.quantization->bits <= 8 && !before.quantization) {
      const mlq::Quantization& q = *tensor.quantization;
      const std::size_t levels = q.scale.size() + q.offset.size() + q.table.size();
      if (tensor.data->bytes.size() + levels * sizeof(float) >= before.data->bytes.size()) {
        tensor = before;
        left.why += "; so it would not shrink, and stays as it is";
      }
    }
    result.tensors.push_back(std::move(left));
  }

  void refuse(std::size_t place, const std::string& why) {
    for (std::size_t i = 0; i < plans_.size(); ++i)
      if (is_ours((*plans_[i])[place])) leave({(*plans_[i])[place].tensor, false, why, 0, 0}, results_[i]);
  }

  void add(std::size_t place, const Uses& uses, std::string why) {
    const TensorPlan& plan = (*plans_[0])[place];
    std::optional<Product> product;
    const std::vector<int>& readers = uses.readers[static_cast<std::size_t>(plan.tensor)];
    if (readers.empty()) why = "no layer reads it";
    if (why.empty()) product = product_of(graph_, uses, static_cast<std::size_t>(readers[0]), why);
    if (product && product->weights != plan.tensor) why = "its layer does not multiply by it from the right";
    if (product && product->columns > widest) why = "its layer sums over too many activations";
    if (!why.empty()) return refuse(place, why);
    entries_.push_back({std::move(*product), place});
    done_.push_back(false);
  }

  static std::size_t chosen_count(std::size_t all, std::size_t samples) {
    const std::size_t columns = std::clamp(samples * of_each, fewest_columns, most_columns);
    return std::min(all, (columns + samples - 1) / samples);
  }

  // Evenly spread, at another place in each sample.
  std::vector<std::size_t> chosen(std::size_t all, std::size_t sample) const {
    const std::size_t count = chosen_count(all, calibration_.count);
    const std::uint64_t scattered = (sample + 1) * 0x9e3779b97f4a7c15u;
    const double start = static_cast<double>(scattered >> 32) / 4294967296.0;
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < count; ++i)
      places.push_back(static_cast<std::size_t>((static_cast<double>(i) + start) * static_cast<double>(all) /
                                                static_cast<double>(count)));
    return places;
  }

  // A column: what the layer's weights are multiplied by at one position of one of some samples.
  struct Spot {
    std::size_t sample, position;
  };

  std::vector<Spot> spots_of(const Product& product, std::size_t first,
                             const std::vector<BothValues>& some) const {
    std::vector<Spot> spots;
    for (std::size_t i = 0; i < some.size(); ++i)
      for (const std::size_t position :
           chosen(positions(product, graph_, *some[i].exact.at(product.input)), first + i))
        spots.push_back({i, position});
    return spots;
  }

  // The columns of one group at the spots, one after the other.
  void gather_spots(const Product& product, const std::vector<BothValues>& some, Values BothValues::*which,
                    std::size_t group, std::span<const Spot> spots, float* out) const {
    for (std::size_t begin = 0, end = 0; begin < spots.size(); begin = end) {
      std::vector<std::size_t> places;
      for (; end < spots.size() && spots[end].sample == spots[begin].sample; ++end)
        places.push_back(spots[end].position);
      const mlq::Array& input = *(some[spots[begin].sample].*which).at(product.input);
      gather(product, graph_, input, group, places, out + begin * product.columns);
    }
  }

  // Group after group, each with its columns spot after spot.
  std::vector<float> gather_all(const Product& product, const std::vector<BothValues>& some,
                                Values BothValues::*which, std::span<const Spot> spots) const {
    constexpr std::size_t each = 64;
    std::vector<float> columns(product.groups * spots.size() * product.columns);
    parallel_for((spots.size() + each - 1) / each, [&](std::size_t part) {
      const std::size_t begin = part * each;
      const auto mine = spots.subspan(begin, std::min(each, spots.size() - begin));
      for (std::size_t g = 0; g < product.groups; ++g)
        gather_spots(product, some, which, g, mine,
                     columns.data() + (g * spots.size() + begin) * product.columns);
    });
    return columns;
  }

  void add_columns(const Product& product, std::size_t first, const std::vector<BothValues>& some,
                   std::vector<Moments>& moments) const {
    const std::vector<Spot> all = spots_of(product, first, some);
    const bool same = some[0].exact.at(product.input) == some[0].seen.at(product.input);
    // So many at a time, or a few large pictures would take more memory than their network.
    constexpr std::size_t at_once = 512;
    for (std::size_t begin = 0; begin < all.size(); begin += at_once) {
      const auto spots = std::span(all).subspan(begin, std::min(at_once, all.size() - begin));
      const std::vector<float> exact = gather_all(product, some, &BothValues::exact, spots);
      const std::vector<float> seen =
          same ? std::vector<float>() : gather_all(product, some, &BothValues::seen, spots);
      std::vector<Columns> columns;
      for (std::size_t g = 0; g < product.groups; ++g) {
        const float* ours = exact.data() + g * spots.size() * product.columns;
        columns.push_back(
            {ours, same ? ours : seen.data() + g * spots.size() * product.columns, spots.size()});
      }
      mlqc::add(moments, columns);
    }
  }

  void round_stage(const Stage& stage, Walk& walk) {
    std::vector<std::vector<Moments>> moments;
    for (const std::size_t p : stage.products) {
      const Product& product = entries_[p].product;
      std::vector<Moments>& groups = moments.emplace_back();
      groups.reserve(product.groups);
      for (std::size_t g = 0; g < product.groups; ++g)
        groups.emplace_back(product.columns);  // no copies: they are large
    }
    walk.next(alone_ ? graph_ : results_[0].graph,
              [&](std::size_t first, const std::vector<BothValues>& some) {
                for (std::size_t i = 0; i < stage.products.size(); ++i)
                  add_columns(entries_[stage.products[i]].product, first, some, moments[i]);
              });
    for (std::size_t i = 0; i < stage.products.size(); ++i) {
      done_[stage.products[i]] = true;
      for (std::size_t p = 0; p < plans_.size(); ++p)
        if (const TensorPlan& plan = (*plans_[p])[entries_[stage.products[i]].place]; is_ours(plan))
          round_layer(entries_[stage.products[i]], plan,
                      p + 1 < plans_.size() ? moments[i] : std::move(moments[i]), results_[p]);
    }
  }

  void round_layer(const Entry& entry, const TensorPlan& plan, std::vector<Moments> moments,
                   CompensatedGraph& result) {
    const auto id = static_cast<std::size_t>(entry.product.weights);
    Tensor& tensor = result.graph.tensors[id];
    const Floats weights = floats_of(graph_.tensors[id]), nearest = floats_of(tensor);
    const CompensateTask task{entry.product, graph_.tensors[id], weights.values, nearest.values, plan};
    CompensateResult made = compensate(task, std::move(moments));
    if (!made.ok)
      return leave(
          {plan.tensor, false, "the samples' activations before it never change or are not finite", 0, 0},
          result);
    if (!(made.error < made.nearest_error))  // nor where it is no number
      return leave({plan.tensor, false, "nearest rounding costs its output less on the calibration samples",
                    made.error, made.nearest_error},
                   result);
    result.tensors.push_back({plan.tensor, true, "", made.error, made.nearest_error});
    if (entry.product.bias != mlq::no_tensor) shift_bias(entry.product.bias, made.bias, result.graph);
    mlq::Quantization& q = *tensor.quantization;
    tensor.data = store(std::move(made.quantized), q);
  }

  static void shift_bias(mlq::TensorId id, const std::vector<double>& by, Graph& graph) {
    Tensor& bias = graph.tensors[static_cast<std::size_t>(id)];
    const Floats old = floats_of(bias);
    std::vector<float> values;
    for (std::size_t i = 0; i < by.size(); ++i) values.push_back(static_cast<float>(old.values[i] + by[i]));
    if (bias.type == mlq::DataType::float32) {
      bias.data = own(std::move(values));
      return;
    }
    std::int64_t overflow = -1;
    std::vector<std::uint16_t> halves = to_halves(values, overflow);
    if (overflow < 0) bias.data = own(std::move(halves));
  }

  const Graph& graph_;
  std::vector<const QuantizationPlan*> plans_;
  bool alone_;
  const Calibration& calibration_;
  std::size_t memory_;
  std::vector<Entry> entries_;
  std::vector<bool> done_;
  std::vector<CompensatedGraph> results_;  // one a plan
};

Graph with_shapes(Graph graph) {
  static_cast<void>(mlq::infer_shapes(graph).ok());  // those that it cannot infer, the samples tell
  return graph;
}

}  // namespace

CompensatedGraph compensated(const Graph& graph, const QuantizationPlan& plan, Graph nearest,
                             const Calibration& calibration, std::size_t memory) {
  if (calibration.count == 0) return {std::move(nearest), {}};
  const Graph shaped = with_shapes(graph);
  std::vector<Graph> one;
  one.push_back(std::move(nearest));
  return std::move(Rounder(shaped, {&plan}, std::move(one), false, calibration, memory).run()[0]);
}

std::vector<CompensatedGraph> compensated_alone(const Graph& graph,
                                                const std::vector<QuantizationPlan>& plans,
                                                std::vector<Graph> nearest, const Calibration& calibration,
                                                std::size_t memory) {
  const Graph shaped = with_shapes(graph);
  std::vector<const QuantizationPlan*> all;
  for (const QuantizationPlan& plan : plans) all.push_back(&plan);
  return Rounder(shaped, std::move(all), std::move(nearest), true, calibration, memory).run();
}

}  // namespace mlqc
