#include "compiler/driver/layers.h"

#include <limits>
#include <numeric>

#include "compiler/support/parallel.h"

namespace mlqc {

namespace {

std::vector<float> floats_of(const mlq::Tensor& tensor) {
  std::vector<float> values(static_cast<std::size_t>(mlq::element_count(tensor.shape).value_or(0)));
  if (const mlq::Status status = mlq::dequantize(tensor, values); !status)
    throw Error(Exit::internal, {{}, tensor.name + ": " + status.error(), "MLQ901", "", {}});
  return values;
}

int bits_of(const mlq::Tensor& tensor) {
  return tensor.quantization ? tensor.quantization->bits : static_cast<int>(8 * mlq::size_of(tensor.type));
}

LayerReport report_of(const TensorPlan& plan, const mlq::Tensor& before, const mlq::Tensor& after,
                      bool coded) {
  LayerReport layer;
  layer.name = plan.layer;
  layer.op = plan.op;
  layer.bits = bits_of(after);
  layer.elements = static_cast<std::size_t>(mlq::element_count(after.shape).value_or(0));
  layer.bytes = stored_bytes(after, coded);
  layer.snr_db = std::numeric_limits<double>::infinity();
  layer.algorithm = "none";
  // Sharing its bytes with the source means that nothing was done to it.
  if (after.data->bytes.data() == before.data->bytes.data()) return layer;
  if (after.quantization) {
    layer.algorithm = plan.settings.algorithm;
    layer.granularity = granularity_text(plan.settings);
  }
  layer.snr_db = weights_snr_db(floats_of(before), floats_of(after));
  return layer;
}

void add_rounding(const RoundedTensor& rounded, LayerReport& layer) {
  layer.rounding = rounded.compensated ? "compensated" : "nearest";
  layer.nearest_since = rounded.why;
}

}  // namespace

std::size_t weight_bytes(const mlq::Graph& graph, bool coded) {
  std::vector<std::size_t> each(graph.tensors.size());
  parallel_for(each.size(), [&](std::size_t i) { each[i] = stored_bytes(graph.tensors[i], coded); });
  return std::accumulate(each.begin(), each.end(), std::size_t{0});
}

std::vector<LayerReport> layer_reports(const QuantizationPlan& plan, const mlq::Graph& reference,
                                       const CompensatedGraph& candidate, bool coded) {
  std::vector<LayerReport> reports(plan.size());
  parallel_for(plan.size(), [&](std::size_t i) {
    const auto id = static_cast<std::size_t>(plan[i].tensor);
    reports[i] = report_of(plan[i], reference.tensors[id], candidate.graph.tensors[id], coded);
    if (candidate.graph.tensors[id].quantization && reports[i].algorithm != "none")
      reports[i].rounding = "nearest";
    for (const RoundedTensor& rounded : candidate.tensors)
      if (rounded.tensor == plan[i].tensor) add_rounding(rounded, reports[i]);
  });
  return reports;
}

}  // namespace mlqc
