// The generated text, whole, against files that a reviewer has read: tests/golden/*.hpp and *.cpp.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "compiler/codegen/codegen.h"
#include "compiler/support/bytes.h"
#include "tests/codegen/fixtures.h"

namespace mlqc {
namespace {

// MLQ_UPDATE_GOLDEN=1 writes what is generated now, for `git diff` to show.
void expect_golden(const std::string& file, const std::string& text) {
  const std::filesystem::path path = std::filesystem::path(MLQ_GOLDEN) / file;
  if (std::getenv("MLQ_UPDATE_GOLDEN")) std::ofstream(path, std::ios::binary) << text;
  ASSERT_TRUE(std::filesystem::exists(path)) << "run with MLQ_UPDATE_GOLDEN=1 and read what it writes";
  EXPECT_EQ(read_text(path), text);
}

void expect_golden(const mlq::Graph& graph, const Manifest& manifest, const std::string& name) {
  const Wrapper wrapper = generate_wrapper(graph, manifest, name, std::string(64, 'd'), std::string(64, '5'));
  expect_golden(name + ".hpp", wrapper.header);
  expect_golden(name + ".cpp", wrapper.source);
}

Manifest named_manifest() {
  Manifest manifest;
  manifest.file = "models/some.mlq.yaml";
  return manifest;
}

TEST(Golden, ClassifierWithNamesOfTheManifest) {
  Manifest manifest = named_manifest();
  manifest.interface.name_space = At<std::string>{"app::models", {}};
  manifest.interface.class_name = At<std::string>{"SqueezeNet", {}};
  manifest.interface.inputs["image"].value.rename = At<std::string>{"photo", {}};
  manifest.interface.outputs["classLabelProbs"].value.top_k = At<int>{3, {}};
  expect_golden(classifier_graph(), manifest, "classifier");
}

TEST(Golden, Arrays) { expect_golden(array_graph(), named_manifest(), "arrays"); }
TEST(Golden, Images) { expect_golden(image_graph(), named_manifest(), "images"); }
TEST(Golden, Hostile) { expect_golden(hostile_graph(), named_manifest(), "hostile-names.v2"); }

TEST(Golden, SameTextEveryTime) {
  const auto once = generate_wrapper(hostile_graph(), named_manifest(), "n", "d", "s");
  const auto again = generate_wrapper(hostile_graph(), named_manifest(), "n", "d", "s");
  EXPECT_EQ(once.header, again.header);
  EXPECT_EQ(once.source, again.source);
}

}  // namespace
}  // namespace mlqc
