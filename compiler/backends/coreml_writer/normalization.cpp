#include "compiler/backends/coreml_writer/writer.h"
#include "compiler/frontends/coreml/network.pb.h"

namespace mlqc::coreml_writer {

namespace {

void batch_normalization(Writer& w, const Row& row) {
  w.at_rank_4([&](NeuralNetworkLayer& layer) {
    coreml::Batchnorm& n = *layer.mutable_batchnorm();
    n.set_channels(static_cast<std::uint64_t>(w.shape(0)[1]));
    n.set_epsilon(w.node().get_float("epsilon", 1e-5f));
    w.weights(*n.mutable_gamma(), w.operand(1));
    w.weights(*n.mutable_beta(), w.operand(2));
    if (row.op == "InstanceNormalization") {
      n.set_compute_mean_var(true);
      n.set_instance_normalization(true);
    } else {
      w.weights(*n.mutable_mean(), w.operand(3));
      w.weights(*n.mutable_variance(), w.operand(4));
    }
    w.finish();
  });
}

void layer_normalization(Writer& w, const Row&) {
  const std::int64_t axis = w.node().get_int("axis", -1), first = axis < 0 ? axis + w.rank(0) : axis;
  w.require(w.is_constant(1) && (!w.given(2) || w.is_constant(2)), "has a scale that is not constant");
  coreml::LayerNormalization& n = *w.layer({w.in()}, {w.out()}).mutable_layer_normalization();
  std::int64_t count = 1;
  for (std::int64_t i = first; i < w.rank(0); ++i) {
    n.add_normalized_shape(w.shape(0)[static_cast<std::size_t>(i)]);
    count *= w.shape(0)[static_cast<std::size_t>(i)];
  }
  w.require(count > 0 && count < 1 << 24, "normalizes over sizes that are not known");
  n.set_eps(w.node().get_float("epsilon", 1e-5f));
  w.weights(*n.mutable_gamma(), w.operand(1));
  if (w.given(2))
    w.weights(*n.mutable_beta(), w.operand(2));
  else
    n.mutable_beta()->mutable_float_value()->Resize(static_cast<int>(count), 0);
  w.finish();
}

void response_normalization(Writer& w, const Row&) {
  coreml::Lrn& n = *w.layer({w.in()}, {w.out()}).mutable_lrn();
  n.set_alpha(w.node().get_float("alpha", 1e-4f));
  n.set_beta(w.node().get_float("beta", 0.75f));
  n.set_k(w.node().get_float("bias", 1));
  n.set_local_size(static_cast<std::uint64_t>(w.node().get_int("size", 1)));
}

constexpr Row rows[] = {
    {"BatchNormalization", batch_normalization},
    {"InstanceNormalization", batch_normalization},
    {"LRN", response_normalization},
    {"LayerNormalization", layer_normalization},
};

}  // namespace

std::span<const Row> normalization_rows() { return rows; }

}  // namespace mlqc::coreml_writer
