// Two forms of each tensor of rank 4, side by side, made where somebody asks: the plain one, in the order of
// axes that the graph was written in, and its twin, whose axes are permuted.
#pragma once

#include "compiler/graph/edit.h"

namespace mlqc {

using Permutation = std::vector<std::int64_t>;  // as a Transpose's `perm`
inline const Permutation first_to_last = {0, 2, 3, 1}, last_to_first = {0, 3, 1, 2};

class Layout {
 public:
  // `to_twin` makes a twin of a plain form; `from_twin` is its inverse.
  Layout(mlq::Graph& graph, Permutation to_twin, Permutation from_twin);

  const Permutation& to_twin() const { return to_twin_; }
  const Permutation& from_twin() const { return from_twin_; }
  // Where an axis of the plain form lies in the twin.
  std::int64_t moved_axis(std::int64_t axis) const { return from_twin_[static_cast<std::size_t>(axis)]; }
  // Values listed per axis of the plain form, in the order of the twin's axes.
  template <class T>
  std::vector<T> moved(const std::vector<T>& v) const {
    std::vector<T> result;
    for (const std::int64_t axis : to_twin_) result.push_back(v[static_cast<std::size_t>(axis)]);
    return result;
  }

  // Only the twin exists so far.
  bool lives_as_twin(mlq::TensorId id) const {
    return id != mlq::no_tensor && static_cast<std::size_t>(id) < twin_.size() &&
           twin_[id] != mlq::no_tensor && !plain_[id];
  }
  bool is_image(mlq::TensorId id) const {
    return id != mlq::no_tensor && graph_.tensors[id].shape.size() == 4;
  }

  // The form, made by a transposition (or, where nothing moves, a reshape) if need be.
  mlq::TensorId plain(mlq::TensorId id);
  mlq::TensorId twin(mlq::TensorId id);
  // The twin of a result that is about to be made in that form.
  mlq::TensorId make_twin(mlq::TensorId id);
  // A result that is about to be made, whose twin exists already under another id.
  void adopt_twin(mlq::TensorId id, mlq::TensorId twin);
  // The id of a result made in its plain form.
  mlq::TensorId make_plain(mlq::TensorId id);
  // A constant operand that broadcasts against images, for use against twins; no_tensor when it cannot be had
  // (too large, of a type that is not moved about).
  mlq::TensorId constant_twin(mlq::TensorId id);

  std::vector<mlq::Node> nodes;  // the new graph's

 private:
  // Constants that were added to the graph meanwhile.
  void see_new_tensors();
  void convert(mlq::TensorId from, mlq::TensorId to, const Permutation& perm);

  mlq::Graph& graph_;
  Permutation to_twin_, from_twin_;
  std::string suffix_;  // of the names of twins
  std::vector<bool> plain_;
  std::vector<mlq::TensorId> twin_;
};

}  // namespace mlqc
