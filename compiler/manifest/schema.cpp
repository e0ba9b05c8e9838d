#include <cctype>
#include <nlohmann/json.hpp>

#include "compiler/manifest/fields.h"
#include "compiler/manifest/manifest.h"

namespace mlqc {

namespace {

using Json = nlohmann::ordered_json;

Json schema_of(const Field& field);

Json one_key(const std::vector<std::string>& keys) {
  Json alternatives = Json::array();
  for (const std::string& key : keys) alternatives.push_back({{"required", Json::array({key})}});
  return alternatives;
}

Json section(const Field& field) {
  Json schema = {{"type", "object"}, {"additionalProperties", false}, {"properties", Json::object()}};
  Json required = Json::array();
  for (const Field& inner : field.fields) {
    schema["properties"][inner.key] = schema_of(inner);
    if (inner.required) required.push_back(inner.key);
  }
  if (!required.empty()) schema["required"] = required;
  if (!field.one_of.empty()) schema["oneOf"] = one_key(field.one_of);
  if (!field.any_of.empty()) schema["anyOf"] = one_key(field.any_of);
  return schema;
}

Json numbers(const std::vector<std::string>& words) {
  Json values = Json::array();
  for (const std::string& word : words)
    if (std::isdigit(static_cast<unsigned char>(word[0])))
      values.push_back(std::stoi(word));
    else
      values.push_back(word);
  return values;
}

// To an editor, an unquoted true is no word but a boolean.
Json values(const std::vector<std::string>& words) {
  Json all = Json::array();
  for (const std::string& word : words) {
    if (word == "true" || word == "false")
      all.push_back(word == "true");
    else
      all.push_back(word);
  }
  return all;
}

// Bounds only where the table has them.
Json number(const Field& field, Json schema) {
  if (field.min > -1e300) schema["minimum"] = field.min;
  if (field.max < 1e300) schema["maximum"] = field.max;
  return schema;
}

Json form(const Field& field) {
  // YAML reads an unquoted name such as 1467 as a number; the decoder takes it as it is written.
  const Json any_scalar = {"string", "number", "boolean"};
  const std::string name = "[A-Za-z_][A-Za-z0-9_]*";
  switch (field.type) {
    case Type::whole:
      return number(field, {{"type", "integer"}});
    case Type::number:
      return number(field, {{"type", "number"}});
    case Type::numbers:
      return {{"anyOf",
               {{{"type", "number"}},
                {{"type", "array"}, {"items", {{"type", "number"}}}, {"minItems", 3}, {"maxItems", 3}}}}};
    case Type::size:
      return number(
          field, {{"type", {"number", "string"}}, {"pattern", "^[0-9]+(\\.[0-9]*)? *([kKMG]?B|[KMG]iB)$"}});
    case Type::text:
    case Type::path:
      return {{"type", any_scalar}, {"minLength", 1}};
    case Type::identifier:
      return {{"type", "string"}, {"pattern", "^" + name + "$"}};
    case Type::qualified:
      return {{"type", "string"}, {"pattern", "^" + name + "(::" + name + ")*$"}};
    case Type::digest:
      return {{"type", {"string", "null"}}, {"pattern", "^[0-9a-f]{64}$"}};
    case Type::word:
      if (field.other_words) return {{"anyOf", {{{"enum", values(field.words)}}, {{"type", "string"}}}}};
      return {{"enum", values(field.words)}};
    case Type::bits:
      return {{"enum", numbers(field.words)}};
    case Type::words:
      return {{"type", "array"}, {"items", {{"enum", field.words}}}, {"uniqueItems", true}};
    case Type::section:
      return section(field);
    case Type::sections:
      return {{"type", "array"}, {"items", section(field)}};
    case Type::named:
      return {{"type", "object"}, {"additionalProperties", section(field)}};
    case Type::parameters:
      return {{"type", "object"}, {"additionalProperties", {{"type", any_scalar}}}};
  }
  return {};
}

Json schema_of(const Field& field) {
  Json schema = form(field);
  if (!field.what.empty()) schema["description"] = field.what;
  return schema;
}

}  // namespace

std::string manifest_schema() {
  Json schema = {{"$schema", "http://json-schema.org/draft-07/schema#"}, {"title", "mlq manifest"}};
  schema.update(schema_of(manifest_fields()));
  return schema.dump(2) + "\n";
}

}  // namespace mlqc
