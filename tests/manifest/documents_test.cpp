// The manual and the schema in manifests/ are what the table says today, and every manifest of the tree is
// good.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "compiler/manifest/fields.h"
#include "compiler/manifest/manifest.h"
#include "tests/manifest/manifests.h"
#include "tests/support/files.h"

namespace mlqc {
namespace {

using mlq::test::read;

void every_key(const Field& field, const std::function<void(const Field&)>& visit) {
  for (const Field& inner : field.fields) {
    visit(inner);
    every_key(inner, visit);
  }
}

TEST(Manual, HoldsTheTableOfTheDecoder) {
  const std::string manual = read(source_folder() / "manifests/README.md");
  EXPECT_NE(manual.find(manifest_manual()), std::string::npos)
      << "replace the reference in manifests/README.md by what 'mlqc schema --manual' prints";
}

TEST(Manual, NamesEveryKeyAndWhatItMeans) {
  const std::string manual = read(source_folder() / "manifests/README.md");
  every_key(manifest_fields(), [&](const Field& field) {
    EXPECT_NE(manual.find("| `" + field.key + "` |"), std::string::npos) << field.key;
    EXPECT_FALSE(field.what.empty()) << field.key;
  });
}

TEST(Schema, IsTheCommittedOne) {
  EXPECT_EQ(read(source_folder() / "manifests/mlq.schema.json"), manifest_schema())
      << "write what 'mlqc schema' prints into manifests/mlq.schema.json";
}

TEST(Manifests, OfTheTreeAreGood) {
  for (const auto& file : manifests_of_the_tree()) EXPECT_NO_THROW(parse_manifest(file)) << file;
}

}  // namespace
}  // namespace mlqc
