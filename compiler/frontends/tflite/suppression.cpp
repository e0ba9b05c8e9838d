// Boxes without those that overlap a better one: their places, zeros behind them up to a fixed count.
#include <array>

#include "compiler/frontends/nhwc/arrays.h"
#include "compiler/frontends/tflite/operators.h"
#include "model_generated.h"

namespace mlqc::tflite {

namespace {

// The first `count` of a vector that is followed by zeros.
TensorId padded(nhwc::Build& b, TensorId vector, TensorId zeros, std::int64_t count) {
  return nhwc::slice(b, nhwc::concat(b, {vector, zeros}, 0), {0}, {count});
}

// Operands: boxes [n, 4], scores [n], how many at most, which overlap is too much, which score too low and,
// of version 5, how much scores fade with overlap.
void suppress(Net& net, const char* version) {
  nhwc::Build& b = net.b;
  const bool five = std::string_view(version) == "5";
  const Ints most = b.constant_ints(net.in(2), "the number of boxes");
  b.require(most.size() == 1 && most[0] > 0 && most[0] < 1 << 20, "asks for a number of boxes out of range");
  if (five) {
    const mlq::Tensor& sigma = b.tensor(net.in(5));
    std::array<float, 1> value{};
    b.require(sigma.data && mlq::element_count(sigma.shape) == 1 && mlq::dequantize(sigma, value).ok() &&
                  value[0] == 0,
              "lets scores fade with overlap, which mlq does not support");
  }
  const TensorId boxes = net.in(0), scores = net.in(1);
  b.require(b.rank(boxes) == 2 && b.rank(scores) == 1, "has operands of another rank");
  const TensorId triples =
      b.node("NonMaxSuppression", {nhwc::expand_dims(b, boxes, 0), b.reshape(scores, {1, 1, -1}),
                                   b.ints(most), b.reshape(net.in(3), {1}), b.reshape(net.in(4), {1})});
  const TensorId chosen = nhwc::gather(b, triples, b.scalar(2), 1);
  net.out(padded(b, chosen, b.ints(Ints(static_cast<std::size_t>(most[0]), 0)), most[0]), 0);
  if (five) {
    const std::vector<float> zeros(static_cast<std::size_t>(most[0]), 0);
    net.out(padded(b, nhwc::gather(b, scores, chosen, 0), b.floats({most[0]}, zeros), most[0]), 1);
  }
  net.out(b.reshape(b.node("Shape", {chosen}), {}), five ? 2 : 1);
}

constexpr Row rows[] = {
    {120, "NON_MAX_SUPPRESSION_V4", suppress, "4"},
    {121, "NON_MAX_SUPPRESSION_V5", suppress, "5"},
};

}  // namespace

std::span<const Row> suppression_rows() { return rows; }

}  // namespace mlqc::tflite
