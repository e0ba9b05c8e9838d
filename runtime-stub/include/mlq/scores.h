// A classifier's scores with the labels that they belong to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace mlq {

namespace wrapper {
// Indices of the k greatest values, greatest first, the first of equals first, NaN last.
std::vector<std::size_t> greatest(std::span<const float> values, std::size_t k);
}  // namespace wrapper

template <class Label>
struct Score {
  Label label{};
  float value = 0;
};

// The labels are the wrapper's own constants: they live as long as the program.
template <class Label>
class BasicScores {
 public:
  BasicScores() = default;
  BasicScores(std::span<const Label> labels, std::vector<float> values, std::size_t top_k)
      : labels_(labels), values_(std::move(values)), top_k_(top_k) {}

  std::size_t size() const { return values_.size(); }
  std::span<const float> values() const { return values_; }
  std::span<const Label> labels() const { return labels_; }

  // The k best, best first; without k, the manifest's `top_k`.
  std::vector<Score<Label>> top(std::size_t k) const {
    std::vector<Score<Label>> best;
    for (std::size_t i : wrapper::greatest(values_, k)) best.push_back({labels_[i], values_[i]});
    return best;
  }
  std::vector<Score<Label>> top() const { return top(top_k_); }

  // The label's score; NaN, which no threshold accepts, for a label that the model does not have.
  float operator[](Label label) const {
    for (std::size_t i = 0; i < values_.size(); ++i) {
      if (labels_[i] == label) return values_[i];
    }
    return std::numeric_limits<float>::quiet_NaN();
  }

  // Iteration gives each Score in the order of the labels.
  class Iterator {
   public:
    Iterator(const BasicScores* scores, std::size_t i) : scores_(scores), i_(i) {}
    Score<Label> operator*() const { return {scores_->labels_[i_], scores_->values_[i_]}; }
    Iterator& operator++() {
      ++i_;
      return *this;
    }
    bool operator==(const Iterator& other) const { return i_ == other.i_; }

   private:
    const BasicScores* scores_;
    std::size_t i_;
  };
  Iterator begin() const { return {this, 0}; }
  Iterator end() const { return {this, size()}; }

 private:
  std::span<const Label> labels_;
  std::vector<float> values_;
  std::size_t top_k_ = 5;
};

using Scores = BasicScores<std::string_view>;
using IntegerScores = BasicScores<std::int64_t>;

}  // namespace mlq
