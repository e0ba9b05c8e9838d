#include <algorithm>
#include <cstring>

#include "mlq/sizes.h"
#include "runtime-stub/src/convert.h"
#include "runtime-stub/src/state.h"
#include "runtime-stub/src/threads.h"

namespace mlq {

namespace {

bool fits(const Shape& shape, const Shape& pattern) {
  return std::equal(shape.begin(), shape.end(), pattern.begin(), pattern.end(),
                    [](std::int64_t is, std::int64_t wanted) { return wanted == -1 || is == wanted; });
}

// The shape with leading ones put before it or taken away until it has `rank` dimensions.
Shape with_rank(Shape shape, std::size_t rank) {
  if (shape.size() < rank) shape.insert(shape.begin(), rank - shape.size(), 1);
  while (shape.size() > rank && shape.front() == 1) shape.erase(shape.begin());
  return shape;
}

Failure wrong_shape(const Feature& feature, const View& view) {
  return {"input '" + feature.name + "' has the shape " + to_string(view.shape) + ", the model wants " +
          to_string(feature.shape)};
}

// The shape of the graph's tensor for what the caller passes.
Result<Shape> tensor_shape(const Graph& graph, const Feature& feature, const View& view) {
  const Tensor& tensor = graph.tensors[feature.tensor];
  const auto count = element_count(view.shape);
  if (!count || (!fits(view.shape, feature.shape) && !fits(view.shape, tensor.shape)))
    return wrong_shape(feature, view);
  if (const auto fixed = element_count(tensor.shape)) {
    if (*fixed != *count) return wrong_shape(feature, view);
    return tensor.shape;
  }
  const Shape shape = with_rank(view.shape, tensor.shape.size());
  if (!fits(shape, tensor.shape)) return wrong_shape(feature, view);
  if (const auto sizes = sizes_of(graph, feature);
      sizes && !allows(*sizes, with_rank(view.shape, feature.shape.size())))
    return Failure{"input '" + feature.name + "' has the shape " + to_string(view.shape) +
                   ", the model allows " + to_string(*sizes)};
  return shape;
}

Result<std::vector<Shape>> tensor_shapes(const Graph& graph, std::span<const View> inputs) {
  if (inputs.size() != graph.inputs.size())
    return Failure{"the model has " + std::to_string(graph.inputs.size()) + " inputs, " +
                   std::to_string(inputs.size()) + " are given"};
  std::vector<Shape> shapes;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const Feature& feature = graph.inputs[i];
    const Tensor& tensor = graph.tensors[feature.tensor];
    if (inputs[i].type != feature.type && inputs[i].type != tensor.type)
      return Failure{"input '" + feature.name + "' has the type " + name_of(inputs[i].type) +
                     ", the model wants " + name_of(feature.type)};
    auto shape = tensor_shape(graph, feature, inputs[i]);
    if (!shape) return Failure{shape.error()};
    if (!inputs[i].data && *element_count(*shape) > 0)
      return Failure{"input '" + feature.name + "' has no data"};
    shapes.push_back(std::move(*shape));
  }
  return shapes;
}

Result<Array> copy_of(const Value& value, DataType type, Shape shape) {
  const auto count = element_count(value.shape);
  if (!count || element_count(shape) != count)
    return Failure{"a result has the shape " + to_string(value.shape) + " instead of " + to_string(shape)};
  Array array{type, std::move(shape), {}};
  array.bytes.resize(static_cast<std::size_t>(*count) * size_of(type));
  convert(value.type, value.data, type, array.bytes.data(), static_cast<std::size_t>(*count));
  return array;
}

// The place of the highest score; of the first one where several are equal. NaN never wins.
std::int64_t best_index(const Value& value) {
  const auto count = static_cast<std::size_t>(element_count(value.shape).value_or(0));
  std::vector<double> scores(count);
  convert(value.type, value.data, DataType::float64, scores.data(), count);
  std::size_t best = 0;
  for (std::size_t i = 1; i < count; ++i)
    if (scores[i] > scores[best] || (scores[best] != scores[best] && scores[i] == scores[i])) best = i;
  return static_cast<std::int64_t>(best);
}

Result<Array> output(const Feature& feature, const Value& value) {
  if (feature.kind == FeatureKind::label) {
    Array array{DataType::int64, {1}, std::vector<std::byte>(sizeof(std::int64_t))};
    const std::int64_t index = best_index(value);
    std::memcpy(array.bytes.data(), &index, sizeof index);
    return array;
  }
  const bool fixed = element_count(feature.shape).has_value();
  auto array =
      copy_of(value, feature.type, fixed ? feature.shape : with_rank(value.shape, feature.shape.size()));
  return array ? array : Failure{"output '" + feature.name + "': " + array.error()};
}

Result<std::vector<Array>> outputs(const Graph& graph, Executor& executor) {
  std::vector<Array> arrays;
  for (const Feature& feature : graph.outputs) {
    const auto value = executor.value(feature.tensor);
    if (!value) return Failure{value.error()};
    auto array = output(feature, *value);
    if (!array) return Failure{array.error()};
    arrays.push_back(std::move(*array));
  }
  return arrays;
}

Result<std::vector<Array>> values(std::span<const TensorId> tensors, Executor& executor) {
  std::vector<Array> arrays;
  for (const TensorId id : tensors) {
    const auto value = executor.value(id);
    if (!value) return Failure{value.error()};
    auto array = copy_of(*value, value->type, value->shape);
    if (!array) return Failure{array.error()};
    arrays.push_back(std::move(*array));
  }
  return arrays;
}

// Runs with an executor of its own and hands it to `read` before it is given back.
template <class Read>
Result<std::vector<Array>> run(const Model::State& state, std::span<const View> inputs,
                               std::vector<TensorId> kept, const Read& read) {
  auto shapes = tensor_shapes(state.graph, inputs);
  if (!shapes) return Failure{shapes.error()};
  auto executor = state.take({std::move(*shapes), std::move(kept)});
  if (!executor) return Failure{executor.error()};
  const Status status = (*executor)->run(inputs);
  auto arrays = status ? read(**executor) : Result<std::vector<Array>>(Failure{status.error()});
  state.give_back(std::move(*executor));
  return arrays;
}

}  // namespace

Result<std::vector<Array>> Model::predict(std::span<const View> inputs) const {
  return run(*state_, inputs, {}, [&](Executor& executor) { return outputs(state_->graph, executor); });
}

Result<std::vector<std::vector<Array>>> Model::predict_all(std::span<const std::vector<View>> samples,
                                                           int threads) const {
  std::vector<std::vector<Array>> all(samples.size());
  std::vector<std::string> errors(samples.size());
  Threads(threads).for_each(samples.size(), [&](std::size_t i) {
    auto arrays = predict(samples[i]);
    if (arrays)
      all[i] = std::move(*arrays);
    else
      errors[i] = arrays.error();
  });
  for (std::size_t i = 0; i < errors.size(); ++i)
    if (!errors[i].empty()) return Failure{"sample " + std::to_string(i) + ": " + errors[i]};
  return all;
}

Result<std::vector<Array>> observe(const Model& model, std::span<const View> inputs,
                                   std::span<const TensorId> tensors) {
  const Graph& graph = model.graph();
  for (const TensorId id : tensors)
    if (id < 0 || static_cast<std::size_t>(id) >= graph.tensors.size())
      return Failure{"tensor " + std::to_string(id) + " is not among the graph's tensors"};
  return run(model.state(), inputs, {tensors.begin(), tensors.end()},
             [&](Executor& executor) { return values(tensors, executor); });
}

}  // namespace mlq
