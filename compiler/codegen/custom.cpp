#include "compiler/codegen/custom.h"

#include <fmt/format.h>

#include <algorithm>

#include "compiler/support/error.h"

namespace mlqc {

namespace {

void add_header(std::vector<std::string>& headers, const At<std::string>& header) {
  const bool good = !header.value.empty() && std::ranges::none_of(header.value, [](char c) {
    return c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20;
  });
  if (!good)
    throw Error(Exit::usage, {header.where,
                              "this is no header that #include could name",
                              "MLQ103",
                              "give its path as in #include \"app/layer.h\"",
                              {}});
  if (std::ranges::find(headers, header.value) == headers.end()) headers.push_back(header.value);
}

}  // namespace

std::string global_name(const std::string& name) { return name.starts_with("::") ? name : "::" + name; }

std::vector<CustomType> custom_types(const Manifest& manifest) {
  std::vector<CustomType> types;
  for (const CustomLayerSection& layer : manifest.custom_layers) {
    const std::string name = class_of(layer);
    const std::string type = global_name(layer.type.value);
    const auto known = std::ranges::find(types, name, &CustomType::name);
    if (known == types.end())
      types.push_back({name, type});
    else if (known->type != type)
      throw Error(Exit::usage, {layer.type.where,
                                fmt::format("the class {} is {} here and {} above", name, type, known->type),
                                "MLQ109",
                                "one class has one type",
                                {}});
  }
  return types;
}

std::vector<std::string> custom_headers(const Manifest& manifest) {
  std::vector<std::string> headers;
  for (const CustomLayerSection& layer : manifest.custom_layers) add_header(headers, layer.header);
  return headers;
}

std::vector<std::string> metric_headers(const Manifest& manifest) {
  std::vector<std::string> headers;
  for (const OwnMetricSection& metric : manifest.metrics) add_header(headers, metric.header);
  if (manifest.quantize.header) add_header(headers, *manifest.quantize.header);
  return headers;
}

}  // namespace mlqc
