// The JSON schema says what the decoder says. valijson is the judge.
#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include <nlohmann/json.hpp>
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validator.hpp>

#include "compiler/manifest/manifest.h"
#include "compiler/manifest/scalars.h"
#include "tests/manifest/manifests.h"

namespace mlqc {
namespace {

using nlohmann::json;

// As an editor's YAML server reads it.
json to_json(const YAML::Node& node) {
  if (node.IsNull()) return nullptr;
  if (node.IsSequence()) {
    json list = json::array();
    for (const auto& item : node) list.push_back(to_json(item));
    return list;
  }
  if (node.IsMap()) {
    json map = json::object();
    for (const auto& entry : node) map[entry.first.Scalar()] = to_json(entry.second);
    return map;
  }
  if (node.Tag() == "!") return node.Scalar();
  if (const auto whole = to_whole(node.Scalar())) return *whole;
  if (const auto number = to_number(node.Scalar())) return *number;
  if (node.Scalar() == "true" || node.Scalar() == "false") return node.Scalar() == "true";
  return node.Scalar();
}

bool schema_accepts(const std::string& text) {
  const json schema_json = json::parse(manifest_schema());
  valijson::Schema schema;
  valijson::SchemaParser parser;
  parser.populateSchema(valijson::adapters::NlohmannJsonAdapter(schema_json), schema);
  const json document = to_json(YAML::Load(text));
  valijson::Validator validator;
  return validator.validate(schema, valijson::adapters::NlohmannJsonAdapter(document), nullptr);
}

bool decoder_accepts(const std::string& text) {
  try {
    parse_manifest("m.mlq.yaml", text);
    return true;
  } catch (const Error&) {
    return false;
  }
}

#define HEAD "schema: 1\nmodel: { file: a.mlmodel }\n"

TEST(Schema, AcceptsTheManifestsOfTheTree) {
  for (const auto& file : manifests_of_the_tree()) EXPECT_TRUE(schema_accepts(mlq::test::read(file))) << file;
}

TEST(Schema, AgreesWithTheDecoderOnGoodText) {
  for (const char* text :
       {HEAD, HEAD "quantize: { algorithm: linear, bits: 8, layers: [ { match: \"*\", bits: 4 } ] }\n",
        HEAD "gate: [ { metric: size, at_most: 1.4 MiB } ]\n",
        HEAD "gate: [ { metric: size, at_most: 1400000 } ]\n",
        HEAD "interface: { outputs: { 1467: { rename: y } } }\n",
        HEAD "validate: { samples: { random: 4 } }\n", HEAD "emit: [coreml]\n",
        "schema: 1\nmodel: { file: 12, sha256: null }\n"}) {
    EXPECT_TRUE(decoder_accepts(text)) << text;
    EXPECT_TRUE(schema_accepts(text)) << text;
  }
}

TEST(Schema, AgreesWithTheDecoderOnBadText) {
  for (const char* text :
       {"schema: 1\n", "schema: 2\nmodel: { file: a }\n", "schema: '1'\nmodel: { file: a }\n",
        HEAD "quantise: {}\n", HEAD "quantize: { algorithm: linear, bits: 9 }\n",
        HEAD "quantize: { algorithm: lnear, bits: 8 }\n",
        HEAD "quantize: { algorithm: linear, bits: auto }\n", HEAD "gate: [ { metric: size } ]\n",
        HEAD "gate: [ { metric: size, at_most: 3 potatoes } ]\n", HEAD "gate: { metric: size }\n",
        HEAD "validate: { samples: { random: 4, images: a } }\n",
        HEAD "validate: { samples: { random: 0 } }\n", HEAD "validate: { samples: { random: 1.5 } }\n",
        HEAD "interface: { class: a-b }\n", HEAD "interface: { namespace: 'a::' }\n",
        HEAD "emit: [coreml, coreml]\n", HEAD "baseline: ''\n",
        HEAD "custom_layers: [ { type: A, header: b } ]\n", "schema: 1\nmodel: { file: a, sha256: 12 }\n"}) {
    EXPECT_FALSE(decoder_accepts(text)) << text;
    EXPECT_FALSE(schema_accepts(text)) << text;
  }
}

}  // namespace
}  // namespace mlqc
