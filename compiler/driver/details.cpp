#include "compiler/driver/details.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "compiler/driver/model_file.h"
#include "compiler/support/bytes.h"
#include "compiler/support/parallel.h"
#include "compiler/validate/image_file.h"
#include "compiler/validate/picture.h"

namespace mlqc {

using Json = nlohmann::ordered_json;

namespace {

constexpr std::size_t bins = 64, most_levels = 256, most_pictures = 60, most_outputs = 3;
constexpr int thumbnail = 80, picture = 320;

std::vector<float> floats_of(const mlq::Tensor& tensor) {
  std::vector<float> values(static_cast<std::size_t>(mlq::element_count(tensor.shape).value_or(0)));
  if (!mlq::dequantize(tensor, values)) values.clear();
  return values;
}

// Five digits are more than a chart shows, and a third of the bytes.
double rounded(double value) { return std::stod(fmt::format("{:.5g}", value)); }

std::vector<std::size_t> counts(const std::vector<float>& values, float low, float high) {
  std::vector<std::size_t> made(bins);
  const double width = (static_cast<double>(high) - low) / bins;
  for (const float value : values) {
    const double place = width > 0 ? (static_cast<double>(value) - low) / width : 0;
    ++made[static_cast<std::size_t>(std::clamp(place, 0.0, static_cast<double>(bins - 1)))];
  }
  return made;
}

// The values that are left, where they are few enough to be drawn one by one.
Json levels_of(const std::vector<float>& values) {
  std::set<float> levels;
  for (const float value : values)
    if (levels.insert(value); levels.size() > most_levels) return Json::array();
  Json json = Json::array();
  for (const float level : levels) json.push_back(rounded(level));
  return json;
}

Json layer_json(const mlq::Tensor& before, const mlq::Tensor& after) {
  const std::vector<float> ours = floats_of(before), theirs = floats_of(after);
  if (ours.empty() || theirs.size() != ours.size()) return Json::object();
  const auto [low, high] = std::ranges::minmax(ours);
  Json json = {{"low", rounded(low)}, {"high", rounded(high)}, {"before", counts(ours, low, high)}};
  if (!after.quantization) return json;
  json["after"] = counts(theirs, low, high);
  json["levels"] = levels_of(theirs);
  return json;
}

std::string thumbnail_of(const std::string& file) {
  try {
    const mlq::Data data = map_file(file);
    const auto image = read_image(data.bytes);
    if (!image) return {};
    const auto small = shrink(*image, thumbnail);
    return small ? png_uri(*small) : "";
  } catch (const Error&) {
    return {};  // a page without a picture is still a page
  }
}

mlq::Result<mlq::Image> image_of(const mlq::Feature& output, const mlq::Array& array,
                                 const PictureRange& range) {
  const auto image = picture_of(output, array, range);
  if (!image) return image;
  return shrink(*image, picture);
}

mlq::Result<std::vector<mlq::Array>> predict(const mlq::Model& model, const Samples& samples, std::size_t i) {
  const auto inputs = load_sample(samples, i, model.graph());
  if (!inputs) return mlq::Failure{inputs.error()};
  std::vector<mlq::View> views;
  for (const mlq::Array& input : *inputs) views.push_back(input.view());
  return model.predict(views);
}

void add_pictures(Json& json, const mlq::Feature& output, const std::string& sample, const mlq::Array& ours,
                  const mlq::Array& theirs) {
  const PictureRange range = range_of(output, ours);
  const auto a = image_of(output, ours, range), b = image_of(output, theirs, range);
  if (!a || !b || a->pixels.size() != b->pixels.size()) return;
  json.push_back({{"output", output.name},
                  {"sample", sample},
                  {"reference", png_uri(*a)},
                  {"candidate", png_uri(*b)},
                  {"difference", png_uri(difference(*a, *b))}});
}

}  // namespace

std::string layer_details(const QuantizationPlan& plan, const mlq::Graph& reference,
                          const mlq::Graph& candidate) {
  std::vector<Json> layers(plan.size());
  parallel_for(plan.size(), [&](std::size_t i) {
    const auto id = static_cast<std::size_t>(plan[i].tensor);
    layers[i] = layer_json(reference.tensors[id], candidate.tensors[id]);
  });
  return Json(layers).dump();
}

std::string picture_details(const Report& report, const Samples& samples) {
  Json json = Json::object();
  for (const auto& [output, ranking] : report.rankings)
    for (std::size_t i = 0; i < std::min(most_pictures, ranking.flips.size()); ++i) {
      const auto item = std::ranges::find(samples.items, ranking.flips[i].sample, &Samples::Item::name);
      if (item == samples.items.end() || item->files.size() != 1 || json.contains(item->name)) continue;
      if (const std::string uri = thumbnail_of(item->files[0]); !uri.empty()) json[item->name] = uri;
    }
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string output_details(const mlq::Graph& reference, const std::vector<std::byte>& artifact,
                           const Samples& samples, std::span<const mlq::CustomClass> classes) {
  Json json = Json::array();
  if (!picture_output(reference)) return json.dump();
  const mlq::Model first = load_graph(reference, threads());
  const mlq::Model second = load_artifact({artifact, nullptr}, "the artifact", threads(), classes);
  for (std::size_t i = 0; i < std::min(most_outputs, samples.items.size()); ++i) {
    const auto ours = predict(first, samples, i), theirs = predict(second, samples, i);
    if (!ours || !theirs) continue;
    for (std::size_t o = 0; o < reference.outputs.size(); ++o)
      if (is_picture(reference.outputs[o]))
        add_pictures(json, reference.outputs[o], samples.items[i].name, (*ours)[o], (*theirs)[o]);
  }
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string first_picture(const mlq::Model& model, const Samples& samples,
                          std::optional<PictureRange>& range) {
  const auto values = predict(model, samples, 0);
  const auto place = picture_output(model.graph());
  if (!values || !place) return {};
  const mlq::Feature& output = model.graph().outputs[*place];
  if (!range) range = range_of(output, (*values)[*place]);
  const auto image = image_of(output, (*values)[*place], *range);
  return image ? png_uri(*image) : "";
}

}  // namespace mlqc
