// Random numbers: the same seed gives the same numbers everywhere. A network without seed gets seed 0.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>

#include "runtime-stub/kernels/families.h"
#include "runtime-stub/kernels/support.h"

namespace mlq::kernels {
namespace {

// SplitMix64 (Steele, Lea and Flood, 2014). The standard library's distributions differ between libraries.
class Generator {
 public:
  explicit Generator(const Node& node) : state_(std::bit_cast<std::uint32_t>(node.get_float("seed", 0.0f))) {}

  // [0, 1) in steps of 2^-53.
  double uniform() {
    state_ += 0x9e3779b97f4a7c15u;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return static_cast<double>((z ^ (z >> 31)) >> 11) * 0x1p-53;
  }
  // Box and Muller's transformation.
  double normal() {
    double u = 1.0 - uniform(), v = uniform();
    return std::sqrt(-2.0 * std::log(u)) * std::cos(6.283185307179586 * v);
  }

 private:
  std::uint64_t state_;
};

// Of attribute shape, or of the operand's where the operator is one of those "Like" another tensor.
Status infer_random(Call& call) {
  Shape shape = call.node.get_ints("shape");
  if (call.node.op.ends_with("Like") || call.node.op == "Bernoulli") {
    if (!has_operands(call, 1)) return fail(call, "needs an operand");
    shape = call.inputs[0].shape;
  } else if (!is_known(shape)) {
    return fail(call, "negative dimension");
  }
  set_output(call, 0, DataType::float32, shape);
  return {};
}

template <class Draw>
Status fill(const Call& call, Draw draw) {
  Generator generator(call.node);
  auto n = product(call.outputs[0].shape);
  for (std::int64_t i = 0; i < n; ++i) out<float>(call)[i] = static_cast<float>(draw(generator, i));
  return {};
}

Status evaluate_normal(const Call& call) {
  double mean = call.node.get_float("mean", 0.0f), scale = call.node.get_float("scale", 1.0f);
  return fill(call, [&](Generator& g, std::int64_t) { return mean + scale * g.normal(); });
}
Status evaluate_uniform(const Call& call) {
  double low = call.node.get_float("low", 0.0f), high = call.node.get_float("high", 1.0f);
  return fill(call, [&](Generator& g, std::int64_t) { return low + (high - low) * g.uniform(); });
}
Status evaluate_bernoulli(const Call& call) {
  if (call.inputs[0].type != DataType::float32) return fail(call, "is for float32 only");
  return fill(call,
              [&](Generator& g, std::int64_t i) { return g.uniform() < in<float>(call, 0)[i] ? 1.0 : 0.0; });
}

// Operand: logarithms of unnormalized probabilities [rows, classes]; result: classes drawn [rows,
// sample_size].
Status infer_multinomial(Call& call) {
  if (!has_operands(call, 1) || call.inputs[0].type != DataType::float32 || call.inputs[0].shape.size() != 2)
    return fail(call, "needs a float32 matrix");
  std::int64_t samples = call.node.get_int("sample_size", 1);
  if (samples < 0 || call.inputs[0].shape[1] == 0) return fail(call, "nothing to draw from");
  set_output(call, 0, DataType::int64, {call.inputs[0].shape[0], samples});
  return {};
}
Status evaluate_multinomial(const Call& call) {
  Generator generator(call.node);
  std::int64_t rows = call.outputs[0].shape[0], samples = call.outputs[0].shape[1];
  std::int64_t classes = call.inputs[0].shape[1];
  for (std::int64_t r = 0; r < rows; ++r) {
    const float* logits = in<float>(call, 0) + r * classes;
    double top = *std::max_element(logits, logits + classes), total = 0;
    for (std::int64_t c = 0; c < classes; ++c) total += std::exp(logits[c] - top);
    for (std::int64_t s = 0; s < samples; ++s) {
      double left = generator.uniform() * total;
      std::int64_t c = 0;
      while (c + 1 < classes && (left -= std::exp(logits[c] - top)) >= 0) ++c;
      out<std::int64_t>(call)[r * samples + s] = c;
    }
  }
  return {};
}

constexpr Kernel rows[] = {
    {"RandomNormal", infer_random, evaluate_normal},
    {"RandomNormalLike", infer_random, evaluate_normal},
    {"RandomUniform", infer_random, evaluate_uniform},
    {"RandomUniformLike", infer_random, evaluate_uniform},
    {"Bernoulli", infer_random, evaluate_bernoulli},
    {"Multinomial", infer_multinomial, evaluate_multinomial},
};

}  // namespace

std::span<const Kernel> random_kernels() { return rows; }

}  // namespace mlq::kernels
