// Exp, Sigmoid and Tanh through Eigen's vector forms: networks spend real time in these three.
#include <Eigen/Core>

#include "runtime-stub/kernels/families.h"
#include "runtime-stub/kernels/support.h"

namespace mlq::kernels {
namespace {

using In = Eigen::Map<const Eigen::ArrayXf>;
using Out = Eigen::Map<Eigen::ArrayXf>;

template <void (*f)(const In&, Out&)>
Status evaluate(const Call& call) {
  if (call.inputs[0].type != DataType::float32) return fail(call, "is for float32 only");
  auto n = product(call.outputs[0].shape);
  Out y(out<float>(call), n);
  f(In(in<float>(call, 0), n), y);
  return {};
}

void exponential(const In& x, Out& y) { y = x.exp(); }
void sigmoid(const In& x, Out& y) { y = x.logistic(); }
void tanh(const In& x, Out& y) { y = x.tanh(); }

constexpr Kernel rows[] = {
    {"Exp", infer_same, evaluate<exponential>, nullptr, true},
    {"Sigmoid", infer_same, evaluate<sigmoid>, nullptr, true},
    {"Tanh", infer_same, evaluate<tanh>, nullptr, true},
};

}  // namespace

std::span<const Kernel> exponential_kernels() { return rows; }

}  // namespace mlq::kernels
