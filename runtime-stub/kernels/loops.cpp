#include "runtime-stub/kernels/loops.h"

#include <cstring>

namespace mlq::kernels {
namespace {

bool mergeable(const std::vector<Shape>& strides, std::size_t outer, std::size_t inner, std::int64_t extent) {
  for (const Shape& s : strides)
    if (s[outer] != s[inner] * extent) return false;
  return true;
}

template <class T>
void copy_elements(const Loops& loops, T* to, const T* from) {
  for_each_run(loops, [&](const std::int64_t* at, std::int64_t n, const std::int64_t* step) {
    T* t = to + at[0];
    const T* f = from + at[1];
    if (step[0] == 1 && step[1] == 1) {
      std::memcpy(t, f, n * sizeof(T));
    } else if (step[0] == 1) {
      for (std::int64_t i = 0; i < n; ++i) t[i] = f[i * step[1]];
    } else {
      for (std::int64_t i = 0; i < n; ++i) t[i * step[0]] = f[i * step[1]];
    }
  });
}

}  // namespace

Loops make_loops(const Shape& extents, std::vector<Shape> strides) {
  Loops loops;
  loops.strides.resize(strides.size());
  std::size_t previous = 0;
  for (std::size_t i = 0; i < extents.size(); ++i) {
    if (extents[i] == 1) continue;
    if (!loops.extents.empty() && mergeable(strides, previous, i, extents[i])) {
      loops.extents.back() *= extents[i];
      for (std::size_t k = 0; k < strides.size(); ++k) loops.strides[k].back() = strides[k][i];
    } else {
      loops.extents.push_back(extents[i]);
      for (std::size_t k = 0; k < strides.size(); ++k) loops.strides[k].push_back(strides[k][i]);
    }
    previous = i;
  }
  return loops;
}

bool next_run(const Loops& loops, Shape& position, std::vector<std::int64_t>& offsets) {
  if (loops.extents.size() < 2) return false;
  for (std::size_t d = loops.extents.size() - 1; d-- > 0;) {
    for (std::size_t k = 0; k < offsets.size(); ++k) offsets[k] += loops.strides[k][d];
    if (++position[d] < loops.extents[d]) return true;
    for (std::size_t k = 0; k < offsets.size(); ++k) offsets[k] -= loops.strides[k][d] * loops.extents[d];
    position[d] = 0;
  }
  return false;
}

void copy_strided(const Loops& loops, void* to, const void* from, std::size_t size) {
  switch (size) {
    case 1:
      return copy_elements(loops, static_cast<std::uint8_t*>(to), static_cast<const std::uint8_t*>(from));
    case 2:
      return copy_elements(loops, static_cast<std::uint16_t*>(to), static_cast<const std::uint16_t*>(from));
    case 4:
      return copy_elements(loops, static_cast<std::uint32_t*>(to), static_cast<const std::uint32_t*>(from));
    default:
      return copy_elements(loops, static_cast<std::uint64_t*>(to), static_cast<const std::uint64_t*>(from));
  }
}

}  // namespace mlq::kernels
