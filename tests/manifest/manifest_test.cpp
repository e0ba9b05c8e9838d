// What a manifest's words become.
#include "compiler/manifest/manifest.h"

#include <gtest/gtest.h>

namespace mlqc {
namespace {

constexpr const char* full = R"(# yaml-language-server: $schema=mlq.schema.json
schema: 1
model:
  file: nets/SqueezeNet.mlmodel
  sha256: null
interface:
  namespace: app::models
  class: SqueezeNet
  inputs:  { image: { rename: photo } }
  outputs: { classLabelProbs: { top_k: 5 }, 1467: {} }
quantize:
  algorithm: kmeans_lut
  bits: 8
  granularity: per_tensor
  rounding: nearest
  storage: packed
  layers:
    - { match: "conv1*", bits: 16, reason: "first layer" }
    - { match: "fire?", algorithm: none }
custom_layers:
  - class: GridSampler
    type: app::GridSampler
    header: app/grid_sampler.h
    description: "samples the input on a grid"
    parameters: { height: 28, scale: 0.5, fast: true, mode: bilinear, version: "2" }
    weights: quantize
calibrate: { images: "../data/calibration", limit: 128, augment: [crop, mirror] }
validate:
  samples: { images: "../data/val", limit: 256, seed: 7 }
  labels: "../data/val.csv"
gate:
  - { output: classLabelProbs, metric: top1_agreement, at_least: 0.98, max_drop: 0.005, confidence: 0.95 }
  - { metric: size, at_most: 1.4 MiB }
baseline: baselines/squeezenet.json
emit: [coreml, mlq]
)";

TEST(Manifest, HoldsEverythingThatWasWritten) {
  const Manifest m = parse_manifest("models/x.mlq.yaml", full);
  EXPECT_EQ(m.model.file.value, "models/nets/SqueezeNet.mlmodel");
  EXPECT_FALSE(m.model.sha256);
  EXPECT_EQ(m.interface.name_space->value, "app::models");
  EXPECT_EQ(m.interface.class_name->value, "SqueezeNet");
  EXPECT_EQ(m.interface.inputs.at("image")->rename->value, "photo");
  EXPECT_EQ(m.interface.outputs.at("classLabelProbs")->top_k->value, 5);
  EXPECT_TRUE(m.interface.outputs.contains("1467"));
  EXPECT_EQ(m.quantize.settings->algorithm, "kmeans_lut");
  EXPECT_EQ(m.quantize.settings->bits, 8);
  EXPECT_EQ(m.quantize.settings->granularity, "per_tensor");
  ASSERT_EQ(m.quantize.layers.size(), 2u);
  EXPECT_EQ(m.quantize.layers[0].match.value, "conv1*");
  EXPECT_EQ(m.quantize.layers[0].bits->value, 16);
  EXPECT_EQ(m.quantize.layers[0].reason, "first layer");
  EXPECT_FALSE(m.quantize.layers[0].algorithm);
  EXPECT_EQ(m.quantize.layers[1].algorithm->value, "none");
  EXPECT_EQ(m.calibrate->images->value, "data/calibration");
  ASSERT_EQ(m.calibrate->augment.size(), 2u);
  EXPECT_EQ(m.calibrate->augment[0].value, "crop");
  EXPECT_EQ(m.calibrate->augment[1].value, "mirror");
  EXPECT_EQ(m.samples->limit->value, 256);
  EXPECT_EQ(m.samples->seed.value, 7);
  EXPECT_EQ(m.labels->value, "data/val.csv");
  ASSERT_EQ(m.gate.size(), 2u);
  EXPECT_EQ(m.gate[0].output.value, "classLabelProbs");
  EXPECT_EQ(m.gate[0].at_least->value, 0.98);
  EXPECT_EQ(m.gate[0].max_drop->value, 0.005);
  EXPECT_EQ(m.gate[0].confidence->value, 0.95);
  EXPECT_EQ(m.gate[1].at_most->value, 1.4 * 1024 * 1024);
  EXPECT_EQ(m.baseline->value, "models/baselines/squeezenet.json");
  ASSERT_EQ(m.emit.size(), 2u);
  EXPECT_EQ(m.emit[0].value, "mlq");
  EXPECT_EQ(m.emit[1].value, "coreml");
}

TEST(Manifest, ReadsParametersOfCustomLayersByTheirForm) {
  const Manifest m = parse_manifest("x.mlq.yaml", full);
  ASSERT_EQ(m.custom_layers.size(), 1u);
  const CustomLayerSection& layer = m.custom_layers[0];
  EXPECT_EQ(layer.layer_class->value, "GridSampler");
  EXPECT_EQ(layer.type.value, "app::GridSampler");
  EXPECT_EQ(layer.header.value, "app/grid_sampler.h");
  EXPECT_TRUE(layer.quantize_weights);
  const auto value = [&](const char* name) { return layer.parameters.at(name).value; };
  EXPECT_EQ(value("height"), CustomLayerSection::Parameter(std::int64_t{28}));
  EXPECT_EQ(value("scale"), CustomLayerSection::Parameter(0.5));
  EXPECT_EQ(value("fast"), CustomLayerSection::Parameter(true));
  EXPECT_EQ(value("mode"), CustomLayerSection::Parameter(std::string("bilinear")));
  EXPECT_EQ(value("version"), CustomLayerSection::Parameter(std::string("2")));
}

TEST(Manifest, RemembersPlaces) {
  const Manifest m = parse_manifest("models/x.mlq.yaml", full);
  EXPECT_EQ(m.model.file.where.file, "models/x.mlq.yaml");
  EXPECT_EQ(m.model.file.where.line, 4);
  EXPECT_EQ(m.model.file.where.column, 9);
  EXPECT_EQ(m.quantize.bits.line, 13);
  EXPECT_EQ(m.quantize.bits.column, 9);
  EXPECT_EQ(m.quantize.layers[1].match.where.line, 19);
  EXPECT_EQ(m.gate[1].where.line, 33);
  EXPECT_EQ(m.gate[1].at_most->where.column, 30);
}

TEST(Manifest, LeavesDefaultsWithoutAPlace) {
  const Manifest m = parse_manifest("x.mlq.yaml", "schema: 1\nmodel: { file: a.mlmodel }\n");
  EXPECT_EQ(m.model.file.value, "a.mlmodel");
  EXPECT_EQ(m.quantize.settings->algorithm, "none");
  EXPECT_EQ(m.quantize.settings->bits, 32);
  EXPECT_EQ(m.quantize.bits.line, 0);
  EXPECT_EQ(m.quantize.storage.where.line, 0);
  EXPECT_FALSE(m.samples);
  EXPECT_TRUE(m.gate.empty());
  ASSERT_EQ(m.emit.size(), 1u);
  EXPECT_EQ(m.emit[0].value, "mlq");
}

TEST(Manifest, TakesAbsolutePathsAsTheyAre) {
  const Manifest m = parse_manifest("/project/x.mlq.yaml", "schema: 1\nmodel: { file: /nets/a.mlmodel }\n");
  EXPECT_EQ(m.model.file.value, "/nets/a.mlmodel");
}

TEST(Manifest, ReadsWindowsLineEndsAndAByteOrderMark) {
  const Manifest m = parse_manifest("x.mlq.yaml", "\xEF\xBB\xBFschema: 1\r\nmodel:\r\n  file: a.mlmodel\r\n");
  EXPECT_EQ(m.model.file.value, "a.mlmodel");
  EXPECT_EQ(m.model.file.where.line, 3);
}

TEST(Manifest, NamesTheFileThatIsMissing) {
  try {
    parse_manifest("no/such.mlq.yaml");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.exit(), Exit::usage);
    EXPECT_EQ(error.diagnostic().where.file, "no/such.mlq.yaml");
  }
}

}  // namespace
}  // namespace mlqc
