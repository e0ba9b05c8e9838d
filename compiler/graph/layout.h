// Channel-first and channels-last forms of tensors of rank 4, side by side, made where somebody asks.
#pragma once

#include "compiler/graph/edit.h"

namespace mlqc {

// Where axis a of [N, C, H, W] lies in [N, H, W, C].
inline constexpr std::int64_t axis_last[4] = {0, 3, 1, 2};
// Values listed per axis of [N, C, H, W], in the order of [N, H, W, C].
template <class T>
std::vector<T> to_last(const std::vector<T>& v) {
  return {v[0], v[2], v[3], v[1]};
}

class Layout {
 public:
  explicit Layout(mlq::Graph& graph);

  // Only the channels-last form exists so far.
  bool lives_last(mlq::TensorId id) const {
    return id != mlq::no_tensor && static_cast<std::size_t>(id) < twin_.size() &&
           twin_[id] != mlq::no_tensor && !first_[id];
  }
  bool is_image(mlq::TensorId id) const {
    return id != mlq::no_tensor && graph_.tensors[id].shape.size() == 4;
  }

  // The form, made by a transposition (or, where nothing moves, a reshape) if need be.
  mlq::TensorId first(mlq::TensorId id);
  mlq::TensorId last(mlq::TensorId id);
  // The channels-last form of a result that is about to be made in it.
  mlq::TensorId make_last(mlq::TensorId id);
  // The id of a result made channel-first.
  mlq::TensorId make_first(mlq::TensorId id);
  // A constant operand that broadcasts against images, for use against channels-last ones; no_tensor when it
  // cannot be had (too large, of a type that is not moved about).
  mlq::TensorId constant_last(mlq::TensorId id);

  std::vector<mlq::Node> nodes;  // the new graph's

 private:
  // Constants that were added to the graph meanwhile.
  void see_new_tensors();
  void convert(mlq::TensorId from, mlq::TensorId to, const std::vector<std::int64_t>& perm);

  mlq::Graph& graph_;
  std::vector<bool> first_;
  std::vector<mlq::TensorId> twin_;
};

}  // namespace mlqc
