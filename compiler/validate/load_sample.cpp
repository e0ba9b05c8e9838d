// One sample's numbers: decoded, read or drawn at random.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <random>

#include "compiler/support/bytes.h"
#include "compiler/validate/image_input.h"
#include "compiler/validate/npy.h"
#include "compiler/validate/numbers.h"
#include "compiler/validate/samples.h"

namespace mlqc {

namespace {

using mlq::Array;
using mlq::DataType;
using mlq::Failure;
using mlq::Feature;
using mlq::Result;

constexpr double least_crop = 0.8;  // of width and height; with 0.5 and 0.9 networks agreed a little less
constexpr std::int64_t most_random_numbers = std::int64_t{1} << 26;

bool fits(const mlq::Shape& given, const mlq::Shape& wanted) {
  return std::ranges::equal(given, wanted, [](auto have, auto want) { return have == want || want == -1; });
}

// The type to give the input in. A model takes its inner type as well as what users pass, and halves are the
// type that we cannot make.
DataType wanted_type(const mlq::Graph& graph, const Feature& input) {
  return input.type == DataType::float16 ? graph.tensors[input.tensor].type : input.type;
}

Result<Array> load_numbers(std::span<const std::byte> bytes, const mlq::Graph& graph, const Feature& input) {
  Result<Array> array = read_npy(bytes);
  if (!array) return array;
  if (!fits(array->shape, input.shape) && !fits(array->shape, graph.tensors[input.tensor].shape))
    return Failure{fmt::format("has the shape {}, but the input '{}' takes {}", mlq::to_string(array->shape),
                               input.name, mlq::to_string(input.shape))};
  if (array->type == input.type) return array;
  return convert(std::move(*array), wanted_type(graph, input));
}

// Our own mapping from the generator's bits: the standard library's distributions differ between libraries.
double share(std::uint64_t bits) { return static_cast<double>(bits >> 40) / (1 << 24); }

double draw(std::mt19937_64& generator, const Feature& input) {
  const std::uint64_t bits = generator();
  if (input.kind == mlq::FeatureKind::image) return static_cast<double>(bits >> 56);
  if (is_float(input.type)) return share(bits);
  return static_cast<double>(bits >> 63);
}

// Each shape in turn, and of ranges the smallest size, the largest (twice the smallest where there is none)
// and the middle.
mlq::Shape one_of(const mlq::Sizes& sizes, std::size_t index) {
  mlq::Shape shape;
  const std::size_t turn = index / sizes.size() % 3;
  for (const mlq::SizeRange& range : sizes[index % sizes.size()]) {
    const std::int64_t to = range.to < 0 ? 2 * std::max<std::int64_t>(range.from, 1) : range.to;
    shape.push_back(turn == 0   ? std::max<std::int64_t>(range.from, 1)
                    : turn == 1 ? to
                                : (range.from + to + 1) / 2);
  }
  return shape;
}

// Each input of each sample has a generator of its own, so that nothing depends on the order of drawing.
Result<Array> draw(const Samples& samples, std::size_t index, std::size_t place, const mlq::Graph& graph,
                   const Feature& input) {
  mlq::Shape shape = input.shape;
  if (const auto sizes = mlq::sizes_of(graph, input)) shape = one_of(*sizes, index);
  if (!shape.empty() && shape[0] == -1) shape[0] = 1;
  const auto count = mlq::element_count(shape);
  if (!count || *count > most_random_numbers)
    return Failure{fmt::format("random samples need a fixed shape of at most {} numbers, but '{}' is {}",
                               most_random_numbers, input.name, mlq::to_string(shape))};
  std::seed_seq seed{static_cast<std::uint32_t>(samples.seed), static_cast<std::uint32_t>(index),
                     static_cast<std::uint32_t>(place)};
  std::mt19937_64 generator(seed);
  std::vector<double> values(static_cast<std::size_t>(*count));
  for (double& value : values) value = draw(generator, input);
  return to_array(values, wanted_type(graph, input), shape);
}

// Seeded by the name, so that one file more or less changes no other's part.
Crop draw_crop(const Samples::Item& item) {
  std::vector<std::uint32_t> name;
  for (const char c : item.name) name.push_back(static_cast<unsigned char>(c));
  std::seed_seq seed(name.begin(), name.end());
  std::mt19937_64 generator(seed);
  Crop crop;
  crop.size = least_crop + (1 - least_crop) * share(generator());
  crop.left = (1 - crop.size) * share(generator());
  crop.top = (1 - crop.size) * share(generator());
  return crop;
}

// Images come as rows of pixels, whatever is in front of them.
void mirror(Array& image) {
  const auto width = static_cast<std::size_t>(image.shape.back());
  const auto count = static_cast<std::size_t>(mlq::element_count(image.shape).value_or(0));
  if (count == 0) return;
  const auto size = static_cast<std::ptrdiff_t>(image.bytes.size() / count);
  for (std::size_t row = 0; row < count; row += width)
    for (std::size_t i = 0; i < width / 2; ++i) {
      const auto left = image.bytes.begin() + static_cast<std::ptrdiff_t>(row + i) * size;
      const auto right = image.bytes.begin() + static_cast<std::ptrdiff_t>(row + width - 1 - i) * size;
      std::swap_ranges(left, left + size, right);
    }
}

}  // namespace

Result<Array> load_input(const std::string& file, const mlq::Graph& graph, std::size_t input,
                         const Crop& crop) {
  const Feature& feature = graph.inputs[input];
  mlq::Data data;
  try {
    data = map_file(file);
  } catch (const Error& error) {
    return Failure{fmt::format("{}: {}", file, error.diagnostic().what)};
  }
  const std::string extension = std::filesystem::path(file).extension().string();
  Result<Array> array =
      extension == ".npy" || extension == ".NPY"
          ? load_numbers(data.bytes, graph, feature)
          : load_image(data.bytes, feature, wanted_type(graph, feature), mlq::sizes_of(graph, feature), crop);
  if (!array) return Failure{fmt::format("{} {}", file, array.error())};
  return array;
}

Result<std::vector<Array>> load_sample(const Samples& samples, std::size_t index, const mlq::Graph& graph,
                                       std::span<const std::size_t> order) {
  const Samples::Item& item = samples.items[index];
  const Crop crop = item.cropped ? draw_crop(item) : Crop{};
  std::vector<Array> inputs;
  for (std::size_t i = 0; i < graph.inputs.size(); ++i) {
    const std::size_t place = order.empty() ? i : order[i];
    Result<Array> input = item.files.empty() ? draw(samples, index, place, graph, graph.inputs[i])
                                             : load_input(item.files.at(place), graph, i, crop);
    if (!input) return Failure{input.error()};
    if (item.mirrored) mirror(*input);
    inputs.push_back(std::move(*input));
  }
  return inputs;
}

}  // namespace mlqc
