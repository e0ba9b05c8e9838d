// The digits example as material: a small real model with pictures.
#pragma once

#include <filesystem>
#include <string>

#include "tests/support/files.h"

namespace mlqc::test {

inline std::filesystem::path digits_folder() {
  return mlq::test::data_folder().parent_path().parent_path() / "examples/digits";
}

// A manifest in `folder` beside which a copy of the model lies.
inline std::string digits_manifest(const mlq::test::TemporaryFolder& folder, const std::string& rest) {
  const auto model = folder / "digits.mlmodel";
  if (!std::filesystem::exists(model)) std::filesystem::copy_file(digits_folder() / "digits.mlmodel", model);
  return folder.write("digits.mlq.yaml", "schema: 1\nmodel: { file: digits.mlmodel }\n" + rest).string();
}

// Eight bits, few pictures, a limit that holds.
inline std::string good_settings() {
  return "quantize: { algorithm: linear, bits: 8 }\nvalidate: { samples: { images: " +
         (digits_folder() / "samples").string() +
         ", limit: 20 } }\ngate:\n  - { output: classLabelProbs, metric: top1_agreement, at_least: 0.9 }\n"
         "  - { metric: size, at_most: 1 MiB }\n";
}

}  // namespace mlqc::test
