// Comparisons, logic and selection.
#include "runtime-stub/kernels/elementwise.h"
#include "runtime-stub/kernels/families.h"

namespace mlq::kernels {
namespace {

struct Equal {
  template <class T>
  std::uint8_t operator()(T a, T b) const {
    return a == b;
  }
};
struct NotEqual {
  template <class T>
  std::uint8_t operator()(T a, T b) const {
    return a != b;
  }
};
struct Less {
  template <class T>
  std::uint8_t operator()(T a, T b) const {
    return a < b;
  }
};
struct LessOrEqual {
  template <class T>
  std::uint8_t operator()(T a, T b) const {
    return a <= b;
  }
};
struct Greater {
  template <class T>
  std::uint8_t operator()(T a, T b) const {
    return a > b;
  }
};
struct GreaterOrEqual {
  template <class T>
  std::uint8_t operator()(T a, T b) const {
    return a >= b;
  }
};
struct And {
  std::uint8_t operator()(std::uint8_t a, std::uint8_t b) const { return a && b; }
};
struct Or {
  std::uint8_t operator()(std::uint8_t a, std::uint8_t b) const { return a || b; }
};
struct Xor {
  std::uint8_t operator()(std::uint8_t a, std::uint8_t b) const { return !a != !b; }
};

Status infer_comparison(Call& call) {
  Status s = infer_broadcast(call);
  if (s) call.outputs[0].type = DataType::boolean;
  return s;
}
Status infer_logic(Call& call) {
  Status s = infer_broadcast(call);
  if (s && call.inputs[0].type != DataType::boolean) return fail(call, "is for booleans");
  return s;
}

template <class F>
Status compare(const Call& call) {
  switch (call.inputs[0].type) {
    case DataType::float32:
      return apply_binary<float, std::uint8_t>(call, F());
    case DataType::int64:
      return apply_binary<std::int64_t, std::uint8_t>(call, F());
    case DataType::int32:
      return apply_binary<std::int32_t, std::uint8_t>(call, F());
    case DataType::boolean:
    case DataType::uint8:
      return apply_binary<std::uint8_t, std::uint8_t>(call, F());
    default:
      return fail(call, "is for float32, int64, int32, uint8 and booleans only");
  }
}
template <class F>
Status logic(const Call& call) {
  return apply_binary<std::uint8_t, std::uint8_t>(call, F());
}

Status infer_where(Call& call) {
  if (!has_operands(call, 3)) return fail(call, "needs a condition and two operands");
  if (call.inputs[0].type != DataType::boolean) return fail(call, "the condition must be boolean");
  if (call.inputs[1].type != call.inputs[2].type) return fail(call, "operands of different types");
  auto shape = broadcast(call.inputs[1].shape, call.inputs[2].shape);
  if (shape) shape = broadcast(*shape, call.inputs[0].shape);
  if (!shape) return fail(call, "operands do not broadcast");
  set_output(call, 0, call.inputs[1].type, *shape);
  return {};
}

template <class T>
void select(const Call& call) {
  const Shape& target = call.outputs[0].shape;
  auto loops = make_loops(target, {strides_of(target), broadcast_strides(call.inputs[0].shape, target),
                                   broadcast_strides(call.inputs[1].shape, target),
                                   broadcast_strides(call.inputs[2].shape, target)});
  T* y = out<T>(call);
  auto* c = in<std::uint8_t>(call, 0);
  const T *a = in<T>(call, 1), *b = in<T>(call, 2);
  for_each_run(loops, [&](const std::int64_t* at, std::int64_t n, const std::int64_t* s) {
    for (std::int64_t i = 0; i < n; ++i)
      y[at[0] + i * s[0]] = c[at[1] + i * s[1]] ? a[at[2] + i * s[2]] : b[at[3] + i * s[3]];
  });
}
Status evaluate_where(const Call& call) {
  switch (size_of(call.outputs[0].type)) {
    case 1:
      select<std::uint8_t>(call);
      break;
    case 2:
      select<std::uint16_t>(call);
      break;
    case 4:
      select<std::uint32_t>(call);
      break;
    default:
      select<std::uint64_t>(call);
      break;
  }
  return {};
}

constexpr Kernel rows[] = {
    {"Equal", infer_comparison, compare<Equal>},
    {"NotEqual", infer_comparison, compare<NotEqual>},
    {"Less", infer_comparison, compare<Less>},
    {"LessOrEqual", infer_comparison, compare<LessOrEqual>},
    {"Greater", infer_comparison, compare<Greater>},
    {"GreaterOrEqual", infer_comparison, compare<GreaterOrEqual>},
    {"And", infer_logic, logic<And>, nullptr, true},
    {"Or", infer_logic, logic<Or>, nullptr, true},
    {"Xor", infer_logic, logic<Xor>, nullptr, true},
    {"Where", infer_where, evaluate_where, nullptr, true},
};

}  // namespace

std::span<const Kernel> compare_kernels() { return rows; }

}  // namespace mlq::kernels
