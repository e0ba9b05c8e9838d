// Numbers with a shape that the compiler knows: what generated wrappers take and give.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "mlq/model.h"

namespace mlq {

// A dimension that the model leaves open.
inline constexpr std::int64_t dynamic = -1;

// The bits of an IEEE half.
struct Half {
  std::uint16_t bits = 0;
};

namespace wrapper {

// How many values a type holds for sure; std::dynamic_extent where only a running program knows.
template <class Range>
inline constexpr std::size_t extent_of = std::dynamic_extent;
template <class T, std::size_t n>
inline constexpr std::size_t extent_of<std::array<T, n>> = n;
template <class T, std::size_t n>
inline constexpr std::size_t extent_of<T[n]> = n;
template <class T, std::size_t n>
inline constexpr std::size_t extent_of<std::span<T, n>> = n;

// What TensorView and TensorValue both know of their dimensions.
template <std::int64_t... dims>
struct Dimensions {
  static constexpr std::size_t rank = sizeof...(dims);
  static constexpr std::array<std::int64_t, rank> declared_shape{dims...};
  static constexpr bool is_static = ((dims >= 0) && ...);
  // Of a static shape; std::dynamic_extent otherwise.
  static constexpr std::size_t declared_size =
      is_static ? static_cast<std::size_t>((std::int64_t{1} * ... * dims)) : std::dynamic_extent;
};

}  // namespace wrapper

// Somebody else's numbers, row-major and contiguous, T being const: `TensorView<const float, 1, 28, 28>`. A
// span, array or C array of another size does not compile; a vector or a pointer with a size is checked by
// predict(), as are shapes with `dynamic` dimensions. The numbers must outlive the call they are passed to.
template <class T, std::int64_t... dims>
class TensorView : public wrapper::Dimensions<dims...> {
  using Base = wrapper::Dimensions<dims...>;
  static_assert(std::is_const_v<T>, "a model does not write to its inputs");

  template <class Range>
  static constexpr bool is_accepted =
      std::is_convertible_v<Range, std::span<T>> && !std::is_same_v<std::remove_cvref_t<Range>, TensorView> &&
      (!Base::is_static || wrapper::extent_of<std::remove_cvref_t<Range>> == std::dynamic_extent ||
       wrapper::extent_of<std::remove_cvref_t<Range>> == Base::declared_size);

 public:
  using Sizes = std::array<std::int64_t, Base::rank>;

  constexpr TensorView() = default;
  constexpr TensorView(T* data, std::size_t size) : values_(data, size) {}
  template <class Range>
  requires is_accepted<Range>
  constexpr TensorView(Range&& values) : values_(std::forward<Range>(values)) {}
  // For shapes with more than one dynamic dimension; with one of them, its size follows from the others.
  constexpr TensorView(std::span<T> values, const Sizes& shape) : values_(values), shape_(shape) {}

  constexpr T* data() const { return values_.data(); }
  constexpr std::size_t size() const { return values_.size(); }
  constexpr std::span<T> values() const { return values_; }
  // As passed, or as declared.
  constexpr const Sizes& shape() const { return shape_; }

 private:
  std::span<T> values_;
  Sizes shape_ = Base::declared_shape;
};

// Numbers that a model gave, owned, row-major.
template <class T, std::int64_t... dims>
class TensorValue : public wrapper::Dimensions<dims...> {
  using Base = wrapper::Dimensions<dims...>;

 public:
  TensorValue() = default;
  explicit TensorValue(Array array) : array_(std::move(array)) {}

  const T* data() const { return reinterpret_cast<const T*>(array_.bytes.data()); }
  std::size_t size() const { return array_.bytes.size() / sizeof(T); }
  std::span<const T> values() const { return {data(), size()}; }
  const Shape& shape() const { return array_.shape; }
  const T* begin() const { return data(); }
  const T* end() const { return data() + size(); }
  // The i-th value in row-major order, and the value at one index per dimension; neither checks its range.
  const T& operator[](std::size_t i) const { return data()[i]; }
  template <class... Index>
  requires(sizeof...(Index) == Base::rank && Base::rank > 0) const T& operator()(Index... index) const {
    std::size_t offset = 0, d = 0;
    ((offset = offset * static_cast<std::size_t>(array_.shape[d++]) + static_cast<std::size_t>(index)), ...);
    return data()[offset];
  }
  // One model's output as the next one's input.
  operator TensorView<const T, dims...>() const {
    typename TensorView<const T, dims...>::Sizes sizes = Base::declared_shape;
    for (std::size_t d = 0; d < sizes.size() && d < array_.shape.size(); ++d) sizes[d] = array_.shape[d];
    return {values(), sizes};
  }

 private:
  Array array_;
};

}  // namespace mlq
