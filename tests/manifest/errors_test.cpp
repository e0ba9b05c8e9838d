// Every way to get a manifest wrong, with the whole message that a user sees.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <ostream>

#include "compiler/manifest/manifest.h"

namespace mlqc {
namespace {

struct Bad {
  const char* name;
  const char* text;
  const char* message;  // line:col: what [code] hint
};
std::ostream& operator<<(std::ostream& out, const Bad& bad) { return out << bad.name; }

class BadManifest : public testing::TestWithParam<Bad> {};

std::string message_of(const std::string& text) {
  try {
    parse_manifest("m.mlq.yaml", text);
  } catch (const Error& error) {
    EXPECT_EQ(error.exit(), Exit::usage);
    const Diagnostic& d = error.diagnostic();
    EXPECT_EQ(d.where.file, "m.mlq.yaml");
    return fmt::format("{}:{}: {} [{}] {}", d.where.line, d.where.column, d.what, d.code, d.hint);
  }
  return "accepted";
}

TEST_P(BadManifest, IsRefusedWithPlaceAndHint) { EXPECT_EQ(message_of(GetParam().text), GetParam().message); }

#define HEAD "schema: 1\nmodel: { file: a.mlmodel }\n"

INSTANTIATE_TEST_SUITE_P(
    Keys, BadManifest,
    testing::Values(
        Bad{"unknown_with_a_near_one", HEAD "quantize:\n  algorithm: linear\n  bts: 8\n",
            "5:3: unknown key 'bts' in 'quantize' [MLQ101] did you mean 'bits'?"},
        Bad{"unknown_with_none_near", HEAD "quantize: { colour: blue }\n",
            "3:13: unknown key 'colour' in 'quantize' [MLQ101] its keys are: algorithm, bits, budget, "
            "step, granularity, group_size, block_size, function, header, rounding, storage, layers"},
        Bad{"unknown_at_the_top", HEAD "quantise: { bits: 8 }\n",
            "3:1: unknown key 'quantise' in 'manifest' [MLQ101] did you mean 'quantize'?"},
        Bad{"merge_key", HEAD "interface:\n  <<: { class: A }\n",
            "4:3: unknown key '<<' in 'interface' [MLQ101] its keys are: namespace, class, inputs, outputs"},
        Bad{"unknown_in_a_list",
            HEAD "gate:\n  - metric: size\n    at_most: 1 MB\n  - { metric: size, at_mst: 1 MB }\n",
            "6:21: unknown key 'at_mst' in 'gate' [MLQ101] did you mean 'at_most'?"},
        Bad{"unknown_in_a_named_section", HEAD "interface: { inputs: { image: { top_k: 3 } } }\n",
            "3:33: unknown key 'top_k' in 'image' [MLQ101] its keys are: rename, shapes, as, color, layout, "
            "scale, bias"},
        Bad{"duplicate", HEAD "schema: 1\n", "3:1: 'schema' is given twice [MLQ102] remove one of the two"},
        Bad{"duplicate_in_flow", "schema: 1\nmodel: { file: a.mlmodel, file: b.mlmodel }\n",
            "2:27: 'file' is given twice [MLQ102] remove one of the two"},
        Bad{"missing_section", "schema: 1\n",
            "1:1: 'manifest' needs the key 'model' [MLQ104] What is compiled."},
        Bad{"missing_key", "schema: 1\nmodel: { sha256: null }\n",
            "2:1: 'model' needs the key 'file' [MLQ104] The trained model."},
        Bad{"missing_metric", HEAD "gate:\n  - at_least: 0.9\n",
            "4:5: 'gate' needs the key 'metric' [MLQ104] What is compared."},
        Bad{"empty_key_section", "schema: 1\nmodel:\n",
            "2:1: 'model' must be a mapping of keys to values, not nothing "
            "[MLQ103] write 'key: value' lines"},
        Bad{"key_is_a_list", HEAD "? [a, b]\n: c\n", "3:3: a key must be a word [MLQ103] "}),
    [](const auto& test) { return test.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Types, BadManifest,
    testing::Values(
        Bad{"section_is_a_word", "schema: 1\nmodel: a.mlmodel\n",
            "2:8: 'model' must be a mapping of keys to values, not 'a.mlmodel' [MLQ103] write 'key: value' "
            "lines"},
        Bad{"list_is_a_mapping", HEAD "gate: { metric: size, at_most: 1 MB }\n",
            "3:7: 'gate' must be a list of entries, not a mapping [MLQ103] write '- ' before each entry"},
        Bad{"whole_is_a_fraction", HEAD "validate: { samples: { random: 2.5 } }\n",
            "3:32: 'random' must be a whole number, not '2.5' [MLQ103] write it in plain decimal digits"},
        Bad{"whole_with_a_leading_zero", HEAD "validate: { samples: { random: 010 } }\n",
            "3:32: 'random' must be a whole number, not '010' [MLQ103] write it in plain decimal digits"},
        Bad{"whole_in_hexadecimal", HEAD "validate: { samples: { random: 0x10 } }\n",
            "3:32: 'random' must be a whole number, not '0x10' [MLQ103] write it in plain decimal digits"},
        Bad{"whole_beyond_64_bits", HEAD "validate: { samples: { random: 99999999999999999999 } }\n",
            "3:32: 'random' must be a whole number, not '99999999999999999999' [MLQ103] write it in plain "
            "decimal "
            "digits"},
        Bad{"whole_in_quotes", HEAD "validate: { samples: { random: \"8\" } }\n",
            "3:32: 'random' must be a whole number, not the text \"8\" [MLQ103] remove the quotes"},
        Bad{"whole_is_nothing", HEAD "validate:\n  samples:\n    random:\n    limit: 3\n",
            "5:5: 'random' must be a whole number, not nothing [MLQ103] "},
        Bad{"whole_is_a_list", HEAD "validate: { samples: { random: [1] } }\n",
            "3:32: 'random' must be a whole number, not a list [MLQ103] "},
        Bad{"whole_below_its_range", HEAD "validate: { samples: { random: 0 } }\n",
            "3:32: 'random' must be from 1 to 1000000, not '0' [MLQ106] "},
        Bad{"seed_below_zero", HEAD "validate: { samples: { random: 4, seed: -1 } }\n",
            "3:41: 'seed' must be from 0 to 2147483647, not '-1' [MLQ106] "},
        Bad{"number_in_percent",
            HEAD "validate: { samples: { random: 4 } }\ngate:\n"
                 "  - { metric: top1_agreement, at_least: 98% }\n",
            "5:41: 'at_least' must be a number or a size, not '98%' [MLQ103] write 0.98"},
        Bad{"size_with_an_unknown_unit", HEAD "gate: [ { metric: size, at_most: 3 potatoes } ]\n",
            "3:34: 'at_most' must be a number or a size, not '3 potatoes' [MLQ103] write for example 0.98, "
            "700 KB or "
            "1.4 MiB"},
        Bad{"confidence_is_not_a_number", HEAD "gate: [ { metric: cosine, at_least: 1, confidence: nan } ]\n",
            "3:52: 'confidence' must be a number, not 'nan' [MLQ103] write it in plain decimal digits"},
        Bad{"confidence_is_certain", HEAD "gate: [ { metric: cosine, at_least: 1, confidence: 1 } ]\n",
            "3:52: 'confidence' must be from 0.5 to 0.9999, not '1' [MLQ106] "},
        Bad{"max_drop_below_zero", HEAD "gate: [ { metric: size, max_drop: -1 } ]\n",
            "3:35: 'max_drop' must be 0 or more, not '-1' [MLQ106] "},
        Bad{"path_is_empty", "schema: 1\nmodel: { file: '' }\n", "2:16: 'file' is empty [MLQ104] "},
        Bad{"baseline_is_empty", HEAD "baseline: \"\"\n", "3:11: 'baseline' is empty [MLQ104] "},
        Bad{"path_with_a_control_character", "schema: 1\nmodel: { file: \"a\\0b\" }\n",
            "2:16: 'file' must be one line without control characters [MLQ103] "},
        Bad{"class_is_no_name", HEAD "interface: { class: 3d-net }\n",
            "3:21: 'class' must be a C++ name, not '3d-net' [MLQ103] letters, digits and '_', not starting "
            "with a "
            "digit"},
        Bad{"namespace_is_no_name", HEAD "interface: { namespace: 'app::' }\n",
            "3:25: 'namespace' must be a C++ name such as app::Name, not the text \"app::\" [MLQ103] "
            "letters, digits "
            "and '_', not starting with a digit"},
        Bad{"digest_is_short", "schema: 1\nmodel: { file: a, sha256: abc }\n",
            "2:27: 'sha256' must be a SHA-256, not 'abc' [MLQ103] 64 digits 0-9 a-f, as sha256sum prints "
            "them; or "
            "leave the key out"},
        Bad{"parameter_is_a_list",
            HEAD "custom_layers:\n  - { class: A, type: B, header: b.h, parameters: { size: [1, 2] } }\n",
            "4:53: 'size' must be a number, true, false or text, not a list [MLQ103] "}),
    [](const auto& test) { return test.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Words, BadManifest,
    testing::Values(
        Bad{"algorithm_misspelt", HEAD "quantize: { algorithm: kmean_lut, bits: 8 }\n",
            "3:24: 'kmean_lut' is no value of 'algorithm' [MLQ105] did you mean 'kmeans_lut'?"},
        Bad{"algorithm_unheard_of", HEAD "quantize: { algorithm: magic, bits: 8 }\n",
            "3:24: 'magic' is no value of 'algorithm' [MLQ105] one of linear, linear_symmetric, linear_lut, "
            "uniform, trellis, kmeans_lut, custom_lut, none"},
        Bad{"metric_misspelt", HEAD "gate: [ { metric: top1_agrement, at_least: 0.9 } ]\n",
            "3:19: 'top1_agrement' is no value of 'metric' [MLQ105] did you mean 'top1_agreement'?"},
        Bad{"bits_out_of_range", HEAD "quantize: { algorithm: linear, bits: 9 }\n",
            "3:38: '9' is no value of 'bits' [MLQ105] one of 1, 2, 3, 4, 5, 6, 7, 8, 16, 32, auto"},
        Bad{"bits_of_a_layer_out_of_range",
            HEAD "quantize:\n  algorithm: linear\n  bits: 8\n  layers:\n    - { match: \"a*\", bits: 0 }\n",
            "7:28: '0' is no value of 'bits' [MLQ105] one of 1, 2, 3, 4, 5, 6, 7, 8, 16, 32"},
        Bad{"bits_in_quotes", HEAD "quantize: { algorithm: linear, bits: '8' }\n",
            "3:38: 'bits' must be a number, not the text \"8\" [MLQ103] remove the quotes"},
        Bad{"schema_of_the_future", "schema: 2\nmodel: { file: a }\n",
            "1:9: '2' is no value of 'schema' [MLQ105] one of 1"},
        Bad{"emit_is_a_word", HEAD "emit: coreml\n",
            "3:7: 'emit' must be a list, not 'coreml' [MLQ103] write [mlq]"},
        Bad{"emit_twice", HEAD "emit: [coreml, coreml]\n",
            "3:16: 'coreml' is given twice [MLQ102] remove one of the two"},
        Bad{"bits_auto", HEAD "quantize: { algorithm: linear, bits: auto }\n",
            "3:38: 'bits: auto' needs a budget [MLQ109] add 'budget: { at_least: 0.98 }' or 'budget: { "
            "max_size: 1 MB }'"},
        Bad{"bits_auto_of_a_layer",
            HEAD "quantize: { algorithm: linear, bits: 8, layers: [ { match: a, bits: auto } ] }\n",
            "3:69: 'auto' is no value of 'bits' [MLQ105] one of 1, 2, 3, 4, 5, 6, 7, 8, 16, 32"},
        Bad{"bits_auto_without_calibration",
            HEAD "quantize: { algorithm: linear, bits: auto, budget: { max_size: 1 MB } }\n",
            "3:38: 'bits: auto' needs calibration samples [MLQ109] add 'calibrate: { images: FOLDER }', with "
            "other samples than those of 'validate'"},
        Bad{"budget_without_samples",
            HEAD "quantize: { algorithm: linear, bits: auto, budget: { at_least: 0.9 } }\n"
                 "calibrate: { random: 4 }\n",
            "3:64: 'at_least' needs samples to be judged by [MLQ109] add 'validate: { samples: { images: "
            "FOLDER } }'"},
        Bad{"budget_of_two",
            HEAD "quantize: { algorithm: linear, bits: auto, budget: { at_least: 0.9, max_size: 1 } }\n",
            "3:69: 'at_least' and 'max_size' exclude each other [MLQ109] give exactly one of 'at_least', "
            "'max_size'"},
        Bad{"budget_without_auto",
            HEAD "quantize: { algorithm: linear, bits: 4, budget: { at_least: 0.9 } }\n",
            "3:49: 'budget' is what 'bits: auto' has to reach [MLQ109] say 'bits: auto', or remove it"},
        Bad{"rounding_compensated", HEAD "quantize: { algorithm: linear, bits: 4, rounding: compensated }\n",
            "3:51: 'rounding: compensated' needs calibration samples [MLQ109] add 'calibrate: { images: "
            "FOLDER "
            "}', with other samples than those of 'validate'"},
        Bad{"custom_lut", HEAD "quantize: { algorithm: custom_lut, bits: 4 }\n",
            "3:24: 'algorithm: custom_lut' needs 'function' [MLQ104] name the C++ function under 'quantize', "
            "and "
            "the 'header' that declares it"},
        Bad{"function_without_header", HEAD "quantize: { algorithm: custom_lut, bits: 4, function: a::b }\n",
            "3:55: 'function' needs 'header' [MLQ104] name the header that declares it"}),
    [](const auto& test) { return test.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Combinations, BadManifest,
    testing::Values(
        Bad{"two_sources_of_samples", HEAD "validate:\n  samples:\n    images: a\n    random: 4\n",
            "6:5: 'images' and 'random' exclude each other [MLQ109] give exactly one of 'images', 'tensors', "
            "'random'"},
        Bad{"no_source_of_samples", HEAD "validate:\n  samples: { limit: 4 }\n",
            "4:3: 'samples' needs one of 'images', 'tensors', 'random' [MLQ104] "},
        Bad{"limit_of_random", HEAD "calibrate: { random: 4, limit: 2 }\n",
            "3:32: 'limit' has no use with 'random' [MLQ109] give the number to 'random' alone"},
        Bad{"mirrored_numbers", HEAD "calibrate: { random: 4, augment: [mirror] }\n",
            "3:35: to 'mirror' is for pictures [MLQ109] give 'images', or remove 'augment'"},
        Bad{"mirrored_judges", HEAD "validate:\n  samples: { images: ., augment: [mirror] }\n",
            "4:25: unknown key 'augment' in 'samples' [MLQ101] its keys are: images, tensors, random, limit, "
            "seed"},
        Bad{"limits_that_contradict",
            HEAD "validate: { samples: { random: 4 } }\ngate:\n"
                 "  - { metric: cosine, at_least: 0.9, at_most: 0.8 }\n",
            "5:47: nothing is at least 0.9 and at most 0.8 [MLQ109] "},
        Bad{"no_limit", HEAD "gate:\n  - metric: size\n",
            "4:5: an entry of 'gate' needs 'at_least', 'at_most', 'max_drop' [MLQ104] give at least one of "
            "them"},
        Bad{"size_limit_of_a_ratio",
            HEAD "validate: { samples: { random: 4 } }\ngate:\n"
                 "  - { metric: cosine, at_least: 3 KB }\n",
            "5:33: '3 KB' is a size, but the metric is 'cosine' [MLQ109] give a number without a unit"},
        Bad{"size_of_an_output", HEAD "gate: [ { output: y, metric: size, at_most: 3 KB } ]\n",
            "3:19: 'size' is of the whole artifact, not of an output [MLQ109] remove 'output'"},
        Bad{"metric_without_samples", HEAD "gate: [ { metric: cosine, at_least: 0.9 } ]\n",
            "3:19: 'cosine' needs samples [MLQ109] add 'validate: { samples: { images: FOLDER } }'"},
        Bad{"max_drop_without_a_baseline", HEAD "gate: [ { metric: size, max_drop: 100 } ]\n",
            "3:35: 'max_drop' compares with a baseline, but the manifest names none [MLQ109] add 'baseline: "
            "baselines/NAME.json' and run 'mlqc accept'"},
        Bad{"bits_without_an_algorithm", HEAD "quantize: { bits: 8 }\n",
            "3:19: 8 bits need an algorithm [MLQ109] give 'algorithm', for example kmeans_lut"},
        Bad{"algorithm_without_bits", HEAD "quantize: { algorithm: linear }\n",
            "3:24: 'algorithm: linear' needs 'bits' [MLQ104] give for example 'bits: 8'"},
        Bad{"layer_without_an_algorithm", HEAD "quantize: { layers: [ { match: a, bits: 4 } ] }\n",
            "3:41: 4 bits need an algorithm [MLQ109] give 'algorithm', for example kmeans_lut"},
        Bad{"layer_without_bits", HEAD "quantize: { layers: [ { match: a, algorithm: linear } ] }\n",
            "3:46: 'algorithm: linear' needs 'bits' [MLQ104] give 'bits' in this entry or for all layers"},
        Bad{"rule_that_says_nothing", HEAD "quantize: { layers: [ { match: a } ] }\n",
            "3:23: an entry of 'layers' needs 'algorithm', 'bits', 'step', 'granularity', 'group_size', "
            "'block_size' [MLQ104] give at least one of them"},
        Bad{"classes_without_samples",
            HEAD "quantize:\n  algorithm: uniform\n  step: 0.5\n  layers:\n"
                 "    - { match: a, granularity: per_class }\n",
            "7:32: 'granularity: per_class' needs calibration samples [MLQ109] add 'calibrate: { images: "
            "FOLDER "
            "}', with other samples than those of 'validate'"},
        Bad{"no_step", HEAD "quantize: { algorithm: uniform, step: 0 }\n",
            "3:39: 'step' must be from 0.001 to 8, not '0' [MLQ106] "},
        Bad{"no_group",
            HEAD "quantize: { algorithm: linear, bits: 4, granularity: per_group, group_size: 0 }\n",
            "3:77: 'group_size' must be from 1 to 1048576, not '0' [MLQ106] "},
        Bad{"class_and_op", HEAD "custom_layers:\n  - { class: A, op: B, type: T, header: h.h }\n",
            "4:17: 'class' and 'op' exclude each other [MLQ109] give exactly one of 'class', 'op'"}),
    [](const auto& test) { return test.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Yaml, BadManifest,
    testing::Values(
        Bad{"empty", "", "1:1: the manifest is empty [MLQ104] 'mlqc init MODEL' writes one to begin with"},
        Bad{"comments_only", "# nothing\n",
            "1:1: the manifest is empty [MLQ104] 'mlqc init MODEL' writes one to begin with"},
        Bad{"anchor", HEAD "calibrate: &s { random: 4 }\nvalidate: { samples: *s }\n",
            "3:12: anchors and aliases are not used in a manifest [MLQ108] write the value out; put quotes "
            "round text that begins with '*' or '&'"},
        Bad{"anchor_that_holds_itself", "&a [*a]\n",
            "1:1: anchors and aliases are not used in a manifest [MLQ108] write the value out; put quotes "
            "round text that begins with '*' or '&'"},
        Bad{"glob_without_quotes", HEAD "quantize: { layers: [ { match: *conv, bits: 4 } ] }\n",
            "3:32: anchors and aliases are not used in a manifest [MLQ108] write the value out; put quotes "
            "round text that begins with '*' or '&'"},
        Bad{"tag", "schema: !!int 1\n", "1:9: tags are not used in a manifest [MLQ108] remove the tag"},
        Bad{"two_documents", HEAD "---\nschema: 1\n",
            "3:1: a manifest is one document [MLQ108] remove this '---' and what follows"},
        Bad{"tab", "schema: 1\nmodel:\n\tfile: a\n",
            "3:1: a tab in the indentation [MLQ107] indent with spaces"},
        Bad{"unclosed", "schema: 1\nmodel: { file: a\n",
            "3:1: the YAML is broken: end of map flow not found [MLQ107] check quotes, brackets and "
            "indentation "
            "(spaces, no tabs) here and in the line above"},
        Bad{"nested",
            "a:\n b:\n  c:\n   d:\n    e:\n     f:\n      g:\n       h:\n        i:\n         j:\n          "
            "k:\n           l:\n            m:\n             n:\n              o:\n               p:\n       "
            "         q: 1\n",
            "17:17: the manifest is nested too deeply [MLQ107] a manifest needs no more than a few levels"},
        Bad{"binary", "schema: 1\n\xff\xfe",
            "0:0: the file is no UTF-8 text (byte 10 is 0xff) [MLQ107] name the .mlq.yaml file, not the "
            "model"}),
    [](const auto& test) { return test.param.name; });

TEST(BadManifests, TooLargeAFileIsNotParsed) {
  EXPECT_EQ(message_of(std::string(2 << 20, '[')),
            "0:0: the file is too large for a manifest [MLQ107] name the .mlq.yaml file, not the model");
}

TEST(BadManifests, ADuplicateNotesTheFirst) {
  try {
    parse_manifest("m.mlq.yaml", HEAD "emit: [mlq]\nemit: [mlq]\n");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.diagnostic().notes, std::vector<std::string>{"it was first given in line 3"});
  }
}

}  // namespace
}  // namespace mlqc
