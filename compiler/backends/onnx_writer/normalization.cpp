#include "compiler/backends/onnx_writer/writer.h"

namespace mlqc::onnx_writer {

namespace {

// ONNX's own operator knows neither an epsilon nor means alone.
void mean_variance(Writer& w, const Row&) {
  const mlq::Node& node = w.node();
  const Ints axes = node.get_ints("axes", {0, 2, 3});
  const auto mean_of = [&](const std::string& x) {
    const std::string mean = w.fresh();
    set(w.add("ReduceMean", {x}, {mean}), "axes", axes);
    return mean;
  };
  const std::string x = w.in(), mean = mean_of(x);
  if (!node.get_int("normalize_variance", 1)) {
    w.last("Sub", {x, mean});
    return;
  }
  const std::string moved = w.step("Sub", {x, mean}), variance = mean_of(w.step("Mul", {moved, moved}));
  const float epsilon = node.get_float("epsilon", 0);
  const std::string deviation = epsilon > 0 ? w.step("Sqrt", {w.step("Add", {variance, w.number(epsilon)})})
                                            : w.step("Add", {w.step("Sqrt", {variance}), w.number(1e-9f)});
  w.last("Div", {moved, deviation});
}

constexpr Row rows[] = {
    {"BatchNormalization", same, "epsilon"}, {"InstanceNormalization", same, "epsilon"},
    {"LRN", same, "alpha beta bias size"},   {"LayerNormalization", same, "axis epsilon"},
    {"LpNormalization", same, "axis p"},     {"MeanVarianceNormalization", mean_variance},
};

}  // namespace

std::span<const Row> normalization_rows() { return rows; }

}  // namespace mlqc::onnx_writer
