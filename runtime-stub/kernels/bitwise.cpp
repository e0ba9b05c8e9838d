// Bits of whole numbers.
#include "runtime-stub/kernels/elementwise.h"
#include "runtime-stub/kernels/rare_families.h"

namespace mlq::kernels {
namespace {

Status infer_bits(Call& call) {
  Status s = infer_broadcast(call);
  if (s && call.inputs[0].type != DataType::int64) return fail(call, "is for int64 only");
  return s;
}
Status infer_not(Call& call) {
  Status s = infer_same(call);
  if (s && call.inputs[0].type != DataType::int64) return fail(call, "is for int64 only");
  return s;
}

struct And {
  std::int64_t operator()(std::int64_t a, std::int64_t b) const { return a & b; }
};
struct Or {
  std::int64_t operator()(std::int64_t a, std::int64_t b) const { return a | b; }
};
struct Xor {
  std::int64_t operator()(std::int64_t a, std::int64_t b) const { return a ^ b; }
};
// On numbers without sign; whoever shifts everything out gets 0, as C++ alone would not say.
struct Left {
  std::int64_t operator()(std::int64_t a, std::int64_t b) const {
    return b < 0 || b > 63 ? 0 : static_cast<std::int64_t>(static_cast<std::uint64_t>(a) << b);
  }
};
struct Right {
  std::int64_t operator()(std::int64_t a, std::int64_t b) const {
    return b < 0 || b > 63 ? 0 : static_cast<std::int64_t>(static_cast<std::uint64_t>(a) >> b);
  }
};

template <class F>
Status evaluate(const Call& call) {
  return apply_binary<std::int64_t, std::int64_t>(call, F());
}
Status evaluate_not(const Call& call) {
  for (std::int64_t i = 0, n = product(call.outputs[0].shape); i < n; ++i)
    out<std::int64_t>(call)[i] = ~in<std::int64_t>(call, 0)[i];
  return {};
}

constexpr Kernel rows[] = {
    {"BitwiseAnd", infer_bits, evaluate<And>}, {"BitwiseOr", infer_bits, evaluate<Or>},
    {"BitwiseXor", infer_bits, evaluate<Xor>}, {"BitwiseNot", infer_not, evaluate_not},
    {"ShiftLeft", infer_bits, evaluate<Left>}, {"ShiftRight", infer_bits, evaluate<Right>},
};

}  // namespace

std::span<const Kernel> bitwise_kernels() { return rows; }

}  // namespace mlq::kernels
