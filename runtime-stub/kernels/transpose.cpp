// Permutation of axes.
#include <algorithm>
#include <cstdint>
#include <numeric>

#include "runtime-stub/kernels/families.h"
#include "runtime-stub/kernels/loops.h"
#include "runtime-stub/kernels/support.h"

namespace mlq::kernels {
namespace {

std::vector<std::int64_t> permutation(const Call& call) {
  std::vector<std::int64_t> reversed(call.inputs[0].shape.size());
  for (std::size_t i = 0; i < reversed.size(); ++i) reversed[i] = reversed.size() - 1 - i;
  return call.node.get_ints("perm", reversed);
}

Status infer_transpose(Call& call) {
  if (!has_operands(call, 1)) return fail(call, "needs an operand");
  const Shape& x = call.inputs[0].shape;
  auto perm = permutation(call), sorted = perm;
  std::sort(sorted.begin(), sorted.end());
  bool right = sorted.size() == x.size();
  for (std::size_t i = 0; right && i < sorted.size(); ++i) right = sorted[i] == static_cast<std::int64_t>(i);
  if (!right) return fail(call, "'perm' is no permutation of the operand's axes");
  Shape y(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) y[i] = x[perm[i]];
  set_output(call, 0, call.inputs[0].type, y);
  return {};
}

// rows x columns -> columns x rows in tiles that stay in the cache.
template <class T>
void transpose_matrix(T* to, const T* from, std::int64_t rows, std::int64_t columns) {
  constexpr std::int64_t tile = 16;
  for (std::int64_t r = 0; r < rows; r += tile)
    for (std::int64_t c = 0; c < columns; c += tile)
      for (std::int64_t i = r; i < std::min(r + tile, rows); ++i)
        for (std::int64_t j = c; j < std::min(c + tile, columns); ++j)
          to[j * rows + i] = from[i * columns + j];
}

// Few rows (an image's colours): each row is read once and the results are written in order.
template <class T>
void interleave(T* to, const T* from, std::int64_t rows, std::int64_t columns) {
  for (std::int64_t j = 0; j < columns; ++j)
    for (std::int64_t i = 0; i < rows; ++i) *to++ = from[i * columns + j];
}

template <class T>
void transpose_batch(const Call& call, std::int64_t batch, std::int64_t rows, std::int64_t columns) {
  auto* from = in<T>(call, 0);
  auto* to = out<T>(call);
  for (std::int64_t b = 0; b < batch; ++b, from += rows * columns, to += rows * columns)
    rows <= 4 ? interleave(to, from, rows, columns) : transpose_matrix(to, from, rows, columns);
}

// After merging, an exchange of the last two of at most three loops is a batch of matrix transpositions.
bool is_matrix_exchange(const Loops& loops) {
  std::size_t n = loops.extents.size();
  if (n != 2 && n != 3) return false;
  const Shape &to = loops.strides[0], &from = loops.strides[1];
  std::int64_t rows = loops.extents[n - 1], columns = loops.extents[n - 2];
  if (to[n - 1] != 1 || from[n - 2] != 1 || from[n - 1] != columns) return false;
  return n == 2 || from[0] == rows * columns;
}

Status evaluate_transpose(const Call& call) {
  auto perm = permutation(call);
  Shape own = strides_of(call.inputs[0].shape), steps(perm.size());
  for (std::size_t i = 0; i < perm.size(); ++i) steps[i] = own[perm[i]];
  const Shape& y = call.outputs[0].shape;
  auto loops = make_loops(y, {strides_of(y), steps});
  std::size_t size = size_of(call.outputs[0].type), n = loops.extents.size();
  if (size != 4 || product(y) == 0 || !is_matrix_exchange(loops)) {
    copy_strided(loops, call.outputs[0].data, call.inputs[0].data, size);
    return {};
  }
  transpose_batch<std::uint32_t>(call, n == 3 ? loops.extents[0] : 1, loops.extents[n - 1],
                                 loops.extents[n - 2]);
  return {};
}

constexpr Kernel rows[] = {{"Transpose", infer_transpose, evaluate_transpose}};

}  // namespace

std::span<const Kernel> transpose_kernels() { return rows; }

}  // namespace mlq::kernels
