// What generated wrappers are made of. Apps include NAME.hpp, which includes this.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mlq/image.h"
#include "mlq/model.h"
#include "mlq/scores.h"
#include "mlq/tensor.h"

namespace mlq {

// What a wrapper knows of an input or output at compile time.
template <std::size_t rank>
struct FeatureInfo {
  std::string_view name;  // the model's own, which C++ may not be able to say
  FeatureKind kind = FeatureKind::tensor;
  DataType type = DataType::float32;
  std::array<std::int64_t, rank> shape{};  // `dynamic` where the model leaves it open
  Color color = Color::rgb;                // of an image

  // Of an image, in pixels.
  constexpr std::int64_t width() const { return rank < 2 ? 0 : shape[rank - 1]; }
  constexpr std::int64_t height() const { return rank < 2 ? 0 : shape[rank - 2]; }
};

// The seam between generated code and the runtime; not for apps.
namespace wrapper {

// A FeatureInfo of any rank.
struct Spec {
  template <std::size_t rank>
  Spec(const FeatureInfo<rank>& info)
      : name(info.name), type(info.type), shape(info.shape.data(), rank), color(info.color) {}

  std::string_view name;
  DataType type;
  std::span<const std::int64_t> shape;
  Color color;
};

// Checks and converts the fields of one Input, in the order of the graph's inputs; remembers the first fault.
class Inputs {
 public:
  void add(const Spec& spec, const ImageView& image);
  void add(const Spec& spec, const void* data, std::size_t size, std::span<const std::int64_t> shape);
  template <class T, std::int64_t... dims>
  void add(const Spec& spec, const TensorView<T, dims...>& view) {
    add(spec, view.data(), view.size(), view.shape());
  }
  Result<std::vector<Array>> predict(const Model& model) const;

 private:
  std::vector<View> views_;
  std::vector<Array> images_;  // pixels as tensors, which views_ look into
  Status status_;
};

// Hands a prediction's arrays, in the order of the graph's outputs, to the fields of one Output.
class Outputs {
 public:
  explicit Outputs(Result<std::vector<Array>> arrays);
  const Status& status() const { return status_; }

  template <class T, std::int64_t... dims>
  void take(const Spec& spec, TensorValue<T, dims...>& field) {
    field = TensorValue<T, dims...>(next(spec));
  }
  void take(const Spec& spec, Image& field);
  template <class Label>
  void take(const Spec& spec, BasicScores<Label>& field, std::span<const Label> labels, std::size_t top_k) {
    field = BasicScores<Label>(labels, scores(spec, labels.size()), top_k);
  }
  template <class Label>
  void take(const Spec& spec, Label& field, std::span<const Label> labels) {
    if (const auto index = label(spec, labels.size()); status_.ok()) field = labels[index];
  }

 private:
  // The next array, or an empty one after a fault: too few arrays, another type or shape than the spec's.
  Array next(const Spec& spec);
  std::vector<float> scores(const Spec& spec, std::size_t labels);
  std::size_t label(const Spec& spec, std::size_t labels);

  std::vector<Array> arrays_;
  std::size_t taken_ = 0;
  Status status_;
};

// Where the artifact lies: in the folder that the environment variable MLQ_MODEL_DIR names, beside the
// executable, or in `build_folder` (where it was built; empty: nowhere). Names all of them in a failure.
Result<std::string> find_artifact(std::string_view file, std::string_view build_folder);

// predict_one(i) for i in [0, count), by `threads` threads at once; 0 takes as many as the program may run
// on. The sentence is that of the first input at fault.
Status predict_each(std::size_t count, int threads, const std::function<Status(std::size_t)>& predict_one);

}  // namespace wrapper
}  // namespace mlq
