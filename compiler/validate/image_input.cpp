#include "compiler/validate/image_input.h"

#include <fmt/format.h>

#include <algorithm>

#include "compiler/validate/image_file.h"
#include "compiler/validate/metric.h"
#include "compiler/validate/numbers.h"

namespace mlqc {

namespace {

using mlq::Array;
using mlq::Failure;
using mlq::Feature;
using mlq::Result;

// Dimensions that the model leaves open become the picture's own.
mlq::Shape filled_shape(const Feature& input, const mlq::Image& image,
                        const std::optional<mlq::Sizes>& sizes) {
  mlq::Shape shape = input.shape;
  const std::size_t rank = shape.size();
  if (rank == 4) shape[0] = 1;
  if (shape[rank - 2] < 0) shape[rank - 2] = image.height;
  if (shape[rank - 1] < 0) shape[rank - 1] = image.width;
  if (!sizes || mlq::allows(*sizes, shape)) return shape;
  const mlq::Shape near = mlq::nearest(*sizes, shape);
  return near.empty() ? shape : near;
}

// Whole pixels, at least one.
mlq::ImageView part_of(const mlq::Image& image, const Crop& crop) {
  const auto share = [](int of, double part) { return static_cast<int>(of * part); };
  const std::size_t pixel_bytes = image.format == mlq::PixelFormat::gray8 ? 1 : 3;
  const auto row_bytes = static_cast<std::size_t>(image.width) * pixel_bytes;
  const auto left = static_cast<std::size_t>(share(image.width, crop.left));
  const auto top = static_cast<std::size_t>(share(image.height, crop.top));
  return {.pixels = image.pixels.data() + top * row_bytes + left * pixel_bytes,
          .width = std::max(1, share(image.width, crop.size)),
          .height = std::max(1, share(image.height, crop.size)),
          .row_bytes = row_bytes,
          .format = image.format};
}

mlq::Color color_of(const Feature& input) {
  if (input.kind == mlq::FeatureKind::image) return input.color;
  const std::size_t rank = input.shape.size();
  return rank == 2 || input.shape[rank - 3] == 1 ? mlq::Color::gray : mlq::Color::rgb;
}

}  // namespace

bool takes_an_image(const Feature& input) {
  const std::size_t rank = input.shape.size();
  if (rank == 2) return input.kind != mlq::FeatureKind::image || input.color == mlq::Color::gray;
  if (rank != 3 && rank != 4) return false;
  if (rank == 4 && input.shape[0] != 1 && input.shape[0] != -1) return false;
  const std::int64_t channels = input.shape[rank - 3];
  if (input.kind == mlq::FeatureKind::image) return channels == (input.color == mlq::Color::gray ? 1 : 3);
  return channels == 1 || channels == 3;
}

bool is_nhwc(const Feature& input) {
  const std::size_t rank = input.shape.size();
  if (input.kind != mlq::FeatureKind::tensor || takes_an_image(input)) return false;
  if (rank != 3 && (rank != 4 || (input.shape[0] != 1 && input.shape[0] != -1))) return false;
  return input.shape.back() == 1 || input.shape.back() == 3;
}

Result<Array> load_image(std::span<const std::byte> bytes, const Feature& input, mlq::DataType type,
                         const std::optional<mlq::Sizes>& sizes, const Crop& crop) {
  if (!takes_an_image(input))
    return Failure{
        fmt::format("is an image, but the input '{}' takes {}", input.name, mlq::to_string(input.shape))};
  const Result<mlq::Image> image = read_image(bytes);
  if (!image) return Failure{image.error()};
  const mlq::Shape shape = filled_shape(input, *image, sizes);
  const std::int64_t height = shape[shape.size() - 2], width = shape.back();
  if (const mlq::Status size =
          check_image_size(static_cast<std::size_t>(width), static_cast<std::size_t>(height));
      !size)
    return Failure{fmt::format("cannot feed the input '{}', which {}", input.name, size.error())};
  Result<Array> pixels = mlq::to_tensor(part_of(*image, crop), color_of(input), static_cast<int>(width),
                                        static_cast<int>(height));
  if (!pixels) return pixels;
  pixels->shape = shape;
  if (is_float(type)) return convert(std::move(*pixels), type);
  // Squeezing leaves fractions, which whole numbers cannot hold.
  Feature whole;
  whole.kind = mlq::FeatureKind::image;
  return to_array(user_values(whole, *pixels), type, shape);
}

}  // namespace mlqc
