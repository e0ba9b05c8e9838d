// Softmax, LogSoftmax and Hardmax along one axis.
#include <Eigen/Core>

#include "runtime-stub/kernels/families.h"
#include "runtime-stub/kernels/support.h"

namespace mlq::kernels {
namespace {

Status infer_along_axis(Call& call) {
  if (Status s = infer_same(call); !s) return s;
  std::int64_t axis = call.node.get_int("axis", -1);
  if (call.inputs[0].type != DataType::float32) return fail(call, "is for float32 only");
  if (!normalize_axis(axis, rank(call.inputs[0].shape))) return fail(call, "axis outside the operand's rank");
  return {};
}

// The axis lies along the columns, what is inside of it along the rows (Eigen stores column by column).
using In = Eigen::Map<const Eigen::ArrayXXf>;
using Out = Eigen::Map<Eigen::ArrayXXf>;

void softmax(const In& x, Out& y) {
  if (x.rows() == 1) {  // one row: Eigen takes vector instructions along the axis instead of across
    Eigen::Map<const Eigen::ArrayXf> from(x.data(), x.cols());
    Eigen::Map<Eigen::ArrayXf> to(y.data(), x.cols());
    to = (from - from.maxCoeff()).exp();
    to *= 1.0f / to.sum();
    return;
  }
  Eigen::ArrayXf top = x.rowwise().maxCoeff();
  for (Eigen::Index i = 0; i < x.cols(); ++i) y.col(i) = (x.col(i) - top).exp();
  Eigen::ArrayXf factor = y.rowwise().sum().inverse();
  y.colwise() *= factor;
}

void log_softmax(const In& x, Out& y) {
  Eigen::ArrayXf top = x.rowwise().maxCoeff();
  Eigen::ArrayXf sum = Eigen::ArrayXf::Zero(x.rows());
  for (Eigen::Index i = 0; i < x.cols(); ++i) sum += (x.col(i) - top).exp();
  y = x.colwise() - (top + sum.log());
}

void hardmax(const In& x, Out& y) {
  y.setZero();
  for (Eigen::Index r = 0; r < x.rows(); ++r) {
    Eigen::Index best = 0;
    x.row(r).maxCoeff(&best);
    y(r, best) = 1.0f;
  }
}

template <void (*f)(const In&, Out&)>
Status evaluate(const Call& call) {
  const Shape& shape = call.inputs[0].shape;
  std::int64_t axis = call.node.get_int("axis", -1);
  normalize_axis(axis, rank(shape));
  std::int64_t inner = product(shape, axis + 1, rank(shape)), outer = product(shape, 0, axis),
               n = shape[axis];
  if (outer * inner * n == 0) return {};
  for (std::int64_t i = 0; i < outer; ++i) {
    In x(in<float>(call, 0) + i * n * inner, inner, n);
    Out y(out<float>(call) + i * n * inner, inner, n);
    f(x, y);
  }
  return {};
}

constexpr Kernel rows[] = {
    {"Softmax", infer_along_axis, evaluate<softmax>, nullptr, true},
    {"LogSoftmax", infer_along_axis, evaluate<log_softmax>, nullptr, true},
    {"Hardmax", infer_along_axis, evaluate<hardmax>},
};

}  // namespace

std::span<const Kernel> softmax_kernels() { return rows; }

}  // namespace mlq::kernels
