// Products of matrices, and tables of vectors.
#include "compiler/frontends/keras/layers.h"
#include "compiler/frontends/nhwc/arrays.h"

namespace mlqc::keras {

namespace {

Ids dense(Net& net, const char*) {
  const TensorId bias = has_bias(net.config()) ? net.weight(1, "bias") : mlq::no_tensor;
  const TensorId y = nhwc::dense(net.b, net.x(), net.weight(0, "weights"), bias, false);
  return {activate(net, y, net.config()["activation"])};
}

Ids embedding(Net& net, const char*) {
  const TensorId table = net.weight(0, "weights");
  net.b.require(net.b.rank(table) == 2, "needs a matrix of vectors");
  const TensorId y = nhwc::gather(net.b, table, net.b.cast(net.x(), mlq::DataType::int64), 0);
  if (net.config()["mask_zero"].truth(false))
    net.masks[y] =
        net.b.cast(net.b.node("NotEqual", {net.b.cast(net.x(), mlq::DataType::int64), net.b.scalar(0)}),
                   mlq::DataType::float32);
  return {y};
}

Slots table(const Layer&) { return {1, 0}; }

// "ab,bc->ac" where Keras may write dots for leading axes.
Ids einsum_dense(Net& net, const char*) {
  const std::string equation = net.config()["equation"].text();
  net.b.require(!equation.empty() && equation.find("...") == std::string::npos,
                "has an equation with dots, which mlq does not support");
  TensorId y = net.b.node("Einsum", {net.x(), net.weight(0, "weights")}, {{"equation", equation}});
  if (!net.config()["bias_axes"].null()) y = net.b.node("Add", {y, net.weight(1, "bias")});
  return {activate(net, y, net.config()["activation"])};
}

Slots einsum_slots(const Layer& layer) { return {std::size_t{1} + !(*layer.config)["bias_axes"].null(), 0}; }

constexpr Row rows[] = {
    {"Dense", dense, kernel_and_bias},
    {"EinsumDense", einsum_dense, einsum_slots},
    {"Embedding", embedding, table},
};

}  // namespace

std::span<const Row> dense_rows() { return rows; }

}  // namespace mlqc::keras
