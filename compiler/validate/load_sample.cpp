// One sample's numbers: decoded, squeezed, converted or drawn at random.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <limits>
#include <random>

#include "compiler/support/bytes.h"
#include "compiler/validate/image_file.h"
#include "compiler/validate/metric.h"
#include "compiler/validate/npy.h"
#include "compiler/validate/samples.h"

namespace mlqc {

namespace {

using mlq::Array;
using mlq::DataType;
using mlq::Failure;
using mlq::Feature;
using mlq::Result;

bool is_float(DataType type) {
  return type == DataType::float16 || type == DataType::float32 || type == DataType::float64;
}

template <class T>
bool append(std::span<const double> values, std::vector<std::byte>& out) {
  out.resize(values.size() * sizeof(T));
  for (std::size_t i = 0; i < values.size(); ++i) {
    if constexpr (std::is_integral_v<T>) {
      // 2^53 and beyond, where doubles skip whole numbers, are refused as well.
      const double most = std::min<double>(std::numeric_limits<T>::max(), 9007199254740991.0);
      const double least = std::is_signed_v<T> ? -most - 1 : 0;
      if (!(values[i] >= least && values[i] <= most) || values[i] != std::trunc(values[i])) return false;
    }
    const T value = static_cast<T>(values[i]);
    std::memcpy(&out[i * sizeof(T)], &value, sizeof value);
  }
  return true;
}

bool append(std::span<const double> values, DataType type, std::vector<std::byte>& out) {
  switch (type) {
    case DataType::float32:
      return append<float>(values, out);
    case DataType::float64:
      return append<double>(values, out);
    case DataType::int8:
      return append<std::int8_t>(values, out);
    case DataType::int16:
      return append<std::int16_t>(values, out);
    case DataType::int32:
      return append<std::int32_t>(values, out);
    case DataType::int64:
      return append<std::int64_t>(values, out);
    case DataType::uint8:
      return append<std::uint8_t>(values, out);
    case DataType::uint16:
      return append<std::uint16_t>(values, out);
    case DataType::uint32:
      return append<std::uint32_t>(values, out);
    case DataType::uint64:
      return append<std::uint64_t>(values, out);
    case DataType::boolean:
      return append<std::uint8_t>(values, out) &&
             std::ranges::all_of(values, [](double v) { return v <= 1; });
    case DataType::float16:
      return false;
  }
  return false;
}

Result<Array> convert(Array array, DataType type) {
  if (array.type == type) return array;
  Array converted{type, array.shape, {}};
  if (append(user_values(Feature{}, array), type, converted.bytes)) return converted;
  return Failure{fmt::format("holds {} numbers that are no {} numbers", name_of(array.type), name_of(type))};
}

bool fits(const mlq::Shape& given, const mlq::Shape& wanted) {
  return std::ranges::equal(given, wanted, [](auto have, auto want) { return have == want || want == -1; });
}

Result<Array> load_numbers(std::span<const std::byte> bytes, const mlq::Graph& graph, const Feature& input) {
  Result<Array> array = read_npy(bytes);
  if (!array) return array;
  if (!fits(array->shape, input.shape) && !fits(array->shape, graph.tensors[input.tensor].shape))
    return Failure{fmt::format("has the shape {}, but the input '{}' takes {}", mlq::to_string(array->shape),
                               input.name, mlq::to_string(input.shape))};
  return convert(std::move(*array), input.type);
}

// Width and height that the input wants; the picture's own where the model leaves them open.
Result<Array> load_image(std::span<const std::byte> bytes, const Feature& input) {
  const Result<mlq::Image> image = read_image(bytes);
  if (!image) return Failure{image.error()};
  const std::size_t rank = input.shape.size();
  if (rank < 2)
    return Failure{
        fmt::format("is an image, but the input '{}' takes {}", input.name, mlq::to_string(input.shape))};
  const auto size = [](std::int64_t wanted, int own) { return wanted > 0 ? static_cast<int>(wanted) : own; };
  const int height = size(input.shape[rank - 2], image->height),
            width = size(input.shape[rank - 1], image->width);
  const bool gray = input.kind == mlq::FeatureKind::image ? input.color == mlq::Color::gray
                                                          : rank == 2 || input.shape[rank - 3] == 1;
  const mlq::Color color = gray                                    ? mlq::Color::gray
                           : input.kind == mlq::FeatureKind::image ? input.color
                                                                   : mlq::Color::rgb;
  Result<Array> pixels = mlq::to_tensor(image->view(), color, width, height);
  if (!pixels) return pixels;
  mlq::Shape shape = input.shape;
  shape[rank - 2] = height;
  shape[rank - 1] = width;
  if (rank == 4 && shape[0] == -1) shape[0] = 1;
  pixels->shape = shape;
  if (is_float(input.type)) return convert(std::move(*pixels), input.type);
  // Squeezing leaves fractions, which whole numbers cannot hold.
  Array rounded{DataType::float64, shape, {}};
  Feature whole;
  whole.kind = mlq::FeatureKind::image;
  const std::vector<double> values = user_values(whole, *pixels);
  append<double>(values, rounded.bytes);
  return convert(std::move(rounded), input.type);
}

// Our own mapping from the generator's bits: the standard library's distributions differ between libraries.
Result<Array> draw(const Samples& samples, std::size_t index, std::size_t place, const Feature& input) {
  mlq::Shape shape = input.shape;
  if (!shape.empty() && shape[0] == -1) shape[0] = 1;
  const auto count = mlq::element_count(shape);
  if (!count)
    return Failure{
        fmt::format("random samples need a fixed shape, but '{}' is {}", input.name, mlq::to_string(shape))};
  std::seed_seq seed{static_cast<std::uint32_t>(samples.seed), static_cast<std::uint32_t>(index),
                     static_cast<std::uint32_t>(place)};
  std::mt19937_64 generator(seed);
  std::vector<double> values(static_cast<std::size_t>(*count));
  for (double& value : values) {
    const std::uint64_t bits = generator();
    if (input.kind == mlq::FeatureKind::image)
      value = static_cast<double>(bits >> 56);
    else if (is_float(input.type))
      value = static_cast<double>(bits >> 40) / (1 << 24);
    else
      value = static_cast<double>(bits >> 63);
  }
  Array array{DataType::float64, shape, {}};
  append<double>(values, array.bytes);
  return convert(std::move(array), input.type);
}

}  // namespace

Result<Array> load_input(const std::string& file, const mlq::Graph& graph, std::size_t input) {
  const Feature& feature = graph.inputs[input];
  mlq::Data data;
  try {
    data = map_file(file);
  } catch (const Error& error) {
    return Failure{fmt::format("{}: {}", file, error.diagnostic().what)};
  }
  const std::string extension = std::filesystem::path(file).extension().string();
  const bool numbers = extension == ".npy" || extension == ".NPY";
  Result<Array> array = numbers ? load_numbers(data.bytes, graph, feature) : load_image(data.bytes, feature);
  if (!array) return Failure{fmt::format("{} {}", file, array.error())};
  return array;
}

Result<std::vector<Array>> load_sample(const Samples& samples, std::size_t index, const mlq::Graph& graph,
                                       std::span<const std::size_t> order) {
  const Samples::Item& item = samples.items[index];
  std::vector<Array> inputs;
  for (std::size_t i = 0; i < graph.inputs.size(); ++i) {
    const std::size_t place = order.empty() ? i : order[i];
    Result<Array> input = item.files.empty() ? draw(samples, index, place, graph.inputs[i])
                                             : load_input(item.files.at(place), graph, i);
    if (!input) return Failure{input.error()};
    inputs.push_back(std::move(*input));
  }
  return inputs;
}

}  // namespace mlqc
