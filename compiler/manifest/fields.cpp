#include "compiler/manifest/fields.h"

namespace mlqc {

namespace {

using Fields = std::vector<Field>;

const std::vector<std::string> algorithm_words = {"linear",  "linear_symmetric", "linear_lut", "uniform",
                                                  "trellis", "kmeans_lut",       "custom_lut", "none"};
const std::vector<std::string> bit_words = {"1", "2", "3", "4", "5", "6", "7", "8", "16", "32"};
const std::vector<std::string> granularity_words = {"per_tensor", "per_channel", "per_group", "per_block",
                                                    "per_class"};

Fields model() {
  return {
      {.key = "file", .type = Type::path, .what = "The trained model.", .required = true},
      {.key = "sha256",
       .type = Type::digest,
       .what = "Refuses the build when the model file has another SHA-256.",
       .otherwise = "any file"},
  };
}

// What files of most formats do not say of their inputs ...
Fields picture() {
  return {
      {.key = "as",
       .type = Type::word,
       .what = "`image`: pixels of 0 to 255, which the wrapper takes as a picture.",
       .otherwise = "as the model says",
       .words = {"image"}},
      {.key = "color",
       .type = Type::word,
       .what = "The order of an image's channels in the model.",
       .otherwise = "`rgb`, or `gray` for one channel",
       .words = {"rgb", "bgr", "gray"}},
      {.key = "layout",
       .type = Type::word,
       .what = "The order of an image's dimensions in the model.",
       .otherwise = "the one that the shape allows",
       .words = {"nchw", "nhwc"}},
      {.key = "scale",
       .type = Type::numbers,
       .what = "What pixels are multiplied by: one number, or those of red, green and blue, whatever `color` "
               "says.",
       .otherwise = "`1`"},
      {.key = "bias",
       .type = Type::numbers,
       .what = "What is added then, likewise: `[-123.68, -116.78, -103.94]`.",
       .otherwise = "`0`"},
  };
}

// ... and of their outputs.
Fields classifier() {
  return {
      {.key = "top_k",
       .type = Type::whole,
       .what = "How many of the best labels the wrapper returns by default.",
       .otherwise = "all",
       .min = 1,
       .max = 1000000},
      {.key = "labels",
       .type = Type::path,
       .what = "The labels of these scores, one a line. The best one becomes the output `classLabel`.",
       .otherwise = "those of the model"},
      {.key = "softmax",
       .type = Type::word,
       .what = "Turns the scores into probabilities first.",
       .otherwise = "`false`",
       .words = {"true", "false"}},
  };
}

Fields feature(const std::string& kind) {
  Fields fields = {{.key = "rename",
                    .type = Type::identifier,
                    .what = "The " + kind + "'s name in C++.",
                    .otherwise = "the model's name, made a C++ name"}};
  if (kind == "input")
    fields.push_back({.key = "shapes",
                      .type = Type::text,
                      .what =
                          "The shapes it takes: `1x3x224x224 or 1x3x64..512x64..512`. Checked at both ends "
                          "of each range.",
                      .otherwise = "those that the model states"});
  const Fields more = kind == "input" ? picture() : classifier();
  fields.insert(fields.end(), more.begin(), more.end());
  return fields;
}

Fields interface() {
  return {
      {.key = "namespace",
       .type = Type::qualified,
       .what = "The wrapper's namespace.",
       .otherwise = "`models`"},
      {.key = "class",
       .type = Type::identifier,
       .what = "The wrapper's class.",
       .otherwise = "the CMake target's name in CamelCase"},
      {.key = "inputs",
       .type = Type::named,
       .what = "By the model's input names.",
       .fields = feature("input")},
      {.key = "outputs",
       .type = Type::named,
       .what = "By the model's output names.",
       .fields = feature("output")},
  };
}

Field algorithm(const std::string& otherwise) {
  return {.key = "algorithm",
          .type = Type::word,
          .what = "How weights become small numbers.",
          .otherwise = otherwise,
          .words = algorithm_words};
}

Field bits(const std::string& otherwise) {
  return {.key = "bits",
          .type = Type::bits,
          .what = "Bits of a weight. 16: half floats; 32: kept as they are.",
          .otherwise = otherwise,
          .words = bit_words};
}

Field bits_or_auto() {
  Field field = bits("required with an algorithm");
  field.what += " `auto`: chosen layer by layer within `budget`.";
  field.words.emplace_back("auto");
  return field;
}

Fields budget() {
  return {
      {.key = "metric",
       .type = Type::word,
       .what = "What `at_least` is of, between the model and the float model, on the samples of `validate`.",
       .otherwise = "`top1_agreement`",
       .words = {"top1_agreement", "top5_agreement", "psnr_db", "snr_db", "ssim", "cosine", "iou",
                 "pixel_agreement"}},
      {.key = "at_least", .type = Type::number, .what = "Finds the smallest model that reaches this."},
      {.key = "max_size",
       .type = Type::size,
       .what = "Finds the best model whose artifact is no larger.",
       .min = 1},
  };
}

Field step(const std::string& otherwise) {
  return {.key = "step",
          .type = Type::number,
          .what =
              "How far apart the levels that a weight may take are with `uniform` and `trellis`, in root "
              "mean squares of the layer's weights. "
              "Half as far costs one more bit with `storage: coded`.",
          .otherwise = otherwise,
          .min = 0.001,
          .max = 8};
}

Field granularity(const std::string& otherwise) {
  return {
      .key = "granularity",
      .type = Type::word,
      .what =
          "What shares one scale or table: everything, what makes one output channel, what makes "
          "`group_size` neighbouring ones, or runs of `block_size` input channels of each. "
          "`per_class`, where there is a `step`: each class its own, by how much its score matters on the "
          "samples of `calibrate`.",
      .otherwise = otherwise,
      .words = granularity_words};
}

Field group_size(const std::string& otherwise) {
  return {.key = "group_size",
          .type = Type::whole,
          .what = "How many output channels make a group of `per_group`.",
          .otherwise = otherwise,
          .min = 1,
          .max = 1 << 20};
}

Field block_size(const std::string& otherwise) {
  return {.key = "block_size",
          .type = Type::whole,
          .what = "How many input channels make a block of `per_block`.",
          .otherwise = otherwise,
          .min = 1,
          .max = 1 << 20};
}

Fields layer_rule() {
  const std::string same = "as for all layers";
  return {
      {.key = "match", .what = "A glob over layer names: `*`, `?`, `[a-z]`.", .required = true},
      algorithm(same),
      bits(same),
      step(same),
      granularity(same),
      group_size(same),
      block_size(same),
      {.key = "reason", .what = "For the next reader, and for the report."},
  };
}

Fields quantize() {
  return {
      algorithm("`none`"),
      bits_or_auto(),
      {.key = "budget",
       .type = Type::section,
       .what = "What `bits: auto` has to reach.",
       .fields = budget(),
       .one_of = {"at_least", "max_size"}},
      step("required with `uniform` and `trellis`"),
      granularity("the algorithm's own"),
      group_size("required with `per_group`"),
      block_size("required with `per_block`"),
      {.key = "function",
       .type = Type::qualified,
       .what = "The C++ function that `custom_lut` calls, a `mlq::LutFunction`.",
       .otherwise = "required with `custom_lut`"},
      {.key = "header",
       .what = "The header that declares it, as in `#include`.",
       .otherwise = "required with `function`"},
      {.key = "rounding",
       .type = Type::word,
       .what = "How a weight finds its number. `compensated`: so that a layer's output changes least on the "
               "samples of `calibrate`.",
       .otherwise = "`nearest`",
       .words = {"nearest", "compensated"}},
      {.key = "storage",
       .type = Type::word,
       .what = "How the artifact holds the numbers. `coded`: as few bits as their frequencies allow; takes "
               "time and memory at load.",
       .otherwise = "`packed`",
       .words = {"packed", "coded"}},
      {.key = "layers",
       .type = Type::sections,
       .what = "Exceptions by layer name. The first that matches wins.",
       .fields = layer_rule(),
       .any_of = {"algorithm", "bits", "step", "granularity", "group_size", "block_size"}},
  };
}

Fields custom_layer() {
  return {
      {.key = "class", .what = "The custom layer's class name in the model."},
      {.key = "op", .what = "The operator's name, where the format has no custom layers."},
      {.key = "type", .type = Type::qualified, .what = "The C++ type that computes it.", .required = true},
      {.key = "header", .what = "The header that declares the type, as in `#include`.", .required = true},
      {.key = "description", .what = "What it does."},
      {.key = "parameters",
       .type = Type::parameters,
       .what = "Added to those of the model; of one name, these count."},
      {.key = "weights",
       .type = Type::word,
       .what = "Whether its weights are quantized too.",
       .otherwise = "`keep`",
       .words = {"keep", "quantize"}},
  };
}

Fields samples() {
  return {
      {.key = "images",
       .type = Type::path,
       .what = "A folder of JPEG and PNG files, searched with its subfolders."},
      {.key = "tensors",
       .type = Type::path,
       .what = "A folder of `NAME.npy`, or of `SAMPLE/INPUT.npy` for several inputs."},
      {.key = "random",
       .type = Type::whole,
       .what = "This many seeded random samples.",
       .min = 1,
       .max = 1000000},
      {.key = "limit",
       .type = Type::whole,
       .what = "At most this many, a seeded choice.",
       .otherwise = "all",
       .min = 1,
       .max = 1000000000},
      {.key = "seed",
       .type = Type::whole,
       .what = "Of the choice and of random samples.",
       .otherwise = "`0`",
       .min = 0,
       .max = 2147483647},
  };
}

Field samples_section(const std::string& key, const std::string& what) {
  return {.key = key,
          .type = Type::section,
          .what = what,
          .fields = samples(),
          .one_of = {"images", "tensors", "random"}};
}

Field calibration() {
  Field section = samples_section("calibrate", "Samples that steer the quantization.");
  section.fields.push_back(
      {.key = "augment",
       .type = Type::words,
       .what =
           "More samples of the same pictures. `mirror`: each also with left and right swapped; for models "
           "to which that makes no difference: not of text or digits. `crop`: of each also a part, 80 to "
           "100 % of width and height, at a random place. Either doubles the samples.",
       .words = {"mirror", "crop"}});
  return section;
}

Fields own_metric() {
  return {
      {.key = "name", .type = Type::identifier, .what = "What `gate` calls it.", .required = true},
      {.key = "function",
       .type = Type::qualified,
       .what = "The C++ function that computes it, a `mlq::MetricFunction`.",
       .required = true},
      {.key = "header", .what = "The header that declares it, as in `#include`.", .required = true},
      {.key = "better",
       .type = Type::word,
       .what = "Which figures are the better ones.",
       .required = true,
       .words = {"higher", "lower"}},
      {.key = "over_samples",
       .type = Type::word,
       .what = "What becomes of the samples' figures: their mean, the worst, or the share of ones.",
       .otherwise = "`mean`",
       .words = {"mean", "worst", "share"}},
  };
}

Fields validate() {
  return {
      samples_section("samples", "What both models run."),
      {.key = "labels",
       .type = Type::path,
       .what = "The samples' true labels, for `accuracy`: a CSV with lines `file,label`, or the "
               "folder whose folders are the labels."},
      {.key = "metrics",
       .type = Type::sections,
       .what = "Metrics that the project computes itself.",
       .fields = own_metric()},
  };
}

Fields limit() {
  return {
      {.key = "output",
       .what = "The model's output name.",
       .otherwise = "the only output that the metric fits"},
      {.key = "metric",
       .type = Type::word,
       .what = "What is compared.",
       .required = true,
       .words = {"top1_agreement", "top5_agreement", "worst_class_agreement", "accuracy",
                 "reference_accuracy", "kl_divergence", "snr_db", "psnr_db", "ssim", "cosine",
                 "max_abs_error", "mean_abs_error", "iou", "pixel_agreement", "mean_average_precision",
                 "key_point_distance", "size"},
       .other_words = true},
      {.key = "at_least", .type = Type::size, .what = "Fails below. Bytes with a unit for `size`."},
      {.key = "at_most", .type = Type::size, .what = "Fails above."},
      {.key = "max_drop",
       .type = Type::size,
       .what = "Fails when this much worse than the baseline.",
       .min = 0},
      {.key = "confidence",
       .type = Type::number,
       .what = "Of agreements: judges the one-sided bound at this level, not the point.",
       .otherwise = "the point",
       .min = 0.5,
       .max = 0.9999},
  };
}

Fields root() {
  return {
      {.key = "schema",
       .type = Type::bits,
       .what = "Version of this language.",
       .required = true,
       .words = {"1"}},
      {.key = "model",
       .type = Type::section,
       .what = "What is compiled.",
       .required = true,
       .fields = model()},
      {.key = "interface", .type = Type::section, .what = "Names in C++.", .fields = interface()},
      {.key = "quantize",
       .type = Type::section,
       .what = "What happens to the weights.",
       .fields = quantize()},
      {.key = "custom_layers",
       .type = Type::sections,
       .what = "Layers that the app computes itself.",
       .fields = custom_layer(),
       .one_of = {"class", "op"}},
      calibration(),
      {.key = "validate",
       .type = Type::section,
       .what = "How the quantized model is tried against the float model.",
       .fields = validate()},
      {.key = "gate",
       .type = Type::sections,
       .what = "Limits; one that does not hold fails the build.",
       .fields = limit(),
       .any_of = {"at_least", "at_most", "max_drop"}},
      {.key = "baseline",
       .type = Type::path,
       .what = "What `mlqc accept` writes and `max_drop` compares with. Commit it."},
      {.key = "emit",
       .type = Type::words,
       .what = "Files to write. `coreml`: a Core ML model with quantized weights; of a Core ML source, that "
               "file with other weights. `onnx`: an ONNX model with quantized weights; of an ONNX source, "
               "that file with other weights.",
       .otherwise = "`[mlq]`, which is always written",
       .words = {"mlq", "coreml", "onnx"}},
  };
}

}  // namespace

const Field& manifest_fields() {
  static const Field manifest = {.key = "manifest", .type = Type::section, .fields = root()};
  return manifest;
}

}  // namespace mlqc
