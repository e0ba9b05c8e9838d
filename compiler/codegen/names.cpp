#include "compiler/codegen/names.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "compiler/codegen/identifier.h"
#include "compiler/codegen/text.h"

namespace mlqc {

namespace {

[[noreturn]] void fail(const Place& where, std::string code, std::string what, std::string hint) {
  throw Error(Exit::usage, {where, std::move(what), std::move(code), std::move(hint), {}});
}

// What the generated class itself declares: a nested struct cannot have a field of its own name.
constexpr std::array reserved_fields =
    std::to_array<std::string_view>({"Input", "Output", "InputInfo", "OutputInfo"});
constexpr std::array reserved_classes = std::to_array<std::string_view>(
    {"Input", "Output", "InputInfo", "OutputInfo", "load", "predict", "labels", "model", "model_",
     "source_sha256", "label_table", "interface_digest"});

bool is_free(const auto& reserved, const std::string& name) {
  return is_usable_identifier(name) && std::ranges::find(reserved, name) == reserved.end();
}

std::string field_name(const mlq::Feature& feature, const FeatureSection* section, const std::string& kind) {
  if (section && section->rename) {
    const At<std::string>& rename = *section->rename;
    if (!is_free(reserved_fields, rename.value)) {
      fail(rename.where, "MLQ161", fmt::format("'{}' cannot be the name of a field in C++", rename.value),
           fmt::format("for example '{}'", to_identifier(rename.value + "_", kind) + "_value"));
    }
    return rename.value;
  }
  const std::string name = to_identifier(feature.name, kind);
  return is_free(reserved_fields, name) ? name : name + "_";
}

// A section for nothing is a typing slip, or the model has changed beneath the manifest.
void check_sections(const std::vector<mlq::Feature>& features,
                    const std::map<std::string, At<FeatureSection>>& sections, const std::string& kind) {
  std::vector<std::string> known;
  for (const mlq::Feature& feature : features) known.push_back(feature.name);
  for (const auto& [name, section] : sections) {
    if (std::ranges::find(known, name) != known.end()) continue;
    const std::string meant = nearest(name, known);
    fail(section.where, "MLQ162", fmt::format("the model has no {} '{}'", kind, name),
         meant.empty() ? fmt::format("it has: {}", fmt::join(known, ", "))
                       : fmt::format("did you mean '{}'?", meant));
  }
}

}  // namespace

std::vector<std::string> field_names(const std::vector<mlq::Feature>& features, const Manifest& manifest,
                                     const std::map<std::string, At<FeatureSection>>& sections,
                                     const std::string& kind) {
  check_sections(features, sections, kind);
  std::vector<std::string> names;
  for (const mlq::Feature& feature : features) {
    const auto section = sections.find(feature.name);
    const bool written = section != sections.end();
    const std::string name = field_name(feature, written ? &section->second.value : nullptr, kind);
    if (const auto same = std::ranges::find(names, name); same != names.end()) {
      const mlq::Feature& other = features[static_cast<std::size_t>(same - names.begin())];
      fail(written ? section->second.where : Place{manifest.file.string()}, "MLQ163",
           fmt::format("the {}s {} and {} would both be '{}' in C++", kind, string_literal(other.name),
                       string_literal(feature.name), name),
           fmt::format("give one another name: interface: {{ {}s: {{ {}: {{ rename: {}_{} }} }} }}", kind,
                       string_literal(feature.name), name, names.size() + 1));
    }
    names.push_back(name);
  }
  return names;
}

std::string class_name(const Manifest& manifest, const std::string& target) {
  if (const auto& given = manifest.interface.class_name) {
    if (is_free(reserved_classes, given->value)) return given->value;
    fail(given->where, "MLQ164", fmt::format("'{}' cannot be the name of the class in C++", given->value),
         fmt::format("for example '{}'", class_name({}, given->value)));
  }
  const std::string name = to_camel_case(target);
  return is_free(reserved_classes, name) ? name : name + "Model";
}

std::string name_space(const Manifest& manifest) {
  const auto& given = manifest.interface.name_space;
  if (!given) return {};
  for (std::size_t begin = 0; begin <= given->value.size();) {
    const std::size_t end = std::min(given->value.find("::", begin), given->value.size());
    const std::string part = given->value.substr(begin, end - begin);
    if (!is_usable_identifier(part) || (begin == 0 && (part == "std" || part == "posix"))) {
      fail(given->where, "MLQ165", fmt::format("'{}' cannot be a namespace in C++", given->value),
           "names like app::models, without keywords and outside std");
    }
    begin = end + 2;
  }
  return given->value;
}

}  // namespace mlqc
