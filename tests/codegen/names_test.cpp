#include "compiler/codegen/names.h"

#include <gmock/gmock.h>

#include "compiler/codegen/identifier.h"
#include "compiler/codegen/text.h"
#include "tests/codegen/fixtures.h"

namespace mlqc {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(Identifier, TakesWhatCppCannotSay) {
  EXPECT_EQ(to_identifier("classLabelProbs", "output"), "classLabelProbs");
  EXPECT_EQ(to_identifier("a/b:c-d", "input"), "a_b_c_d");
  EXPECT_EQ(to_identifier("input.1", "input"), "input_1");
  EXPECT_EQ(to_identifier("495", "output"), "output_495");
  EXPECT_EQ(to_identifier("__x__y__", "input"), "x_y");
  EXPECT_EQ(to_identifier("default", "input"), "default_");
  EXPECT_EQ(to_identifier("日本", "input"), "input");
  EXPECT_EQ(to_identifier("", "output"), "output");
}

TEST(Identifier, EveryResultIsUsable) {
  for (int a = 0; a < 256; ++a) {
    for (int b = 0; b < 256; ++b) {
      const std::string name = {static_cast<char>(a), static_cast<char>(b)};
      const std::string made = to_identifier(name, "input");
      // A keyword gets a trailing underscore, which is fine in C++ and which we take for ourselves.
      EXPECT_TRUE(is_usable_identifier(made)) << a << " " << b << " " << made;
      EXPECT_TRUE(is_usable_identifier(to_camel_case(name))) << a << " " << b;
    }
  }
}

TEST(Identifier, RefusesReservedNames) {
  for (const char* name :
       {"", "1a", "_a", "_A", "a__b", "a b", "ä", "class", "co_await", "xor", "linux", "NULL"}) {
    EXPECT_FALSE(is_usable_identifier(name)) << name;
  }
  for (const char* name : {"a", "A", "a1", "a_b", "classes", "photo"})
    EXPECT_TRUE(is_usable_identifier(name)) << name;
}

TEST(Identifier, ClassNamesFollowTheTarget) {
  EXPECT_EQ(to_camel_case("squeezenet"), "Squeezenet");
  EXPECT_EQ(to_camel_case("squeeze-net_v2"), "SqueezeNetV2");
  EXPECT_EQ(to_camel_case("my.model"), "MyModel");
  EXPECT_EQ(to_camel_case("2d_pose"), "Model2DPose");
  EXPECT_EQ(to_camel_case("-"), "Model");
  EXPECT_EQ(class_name({}, "input"), "InputModel");
}

TEST(Text, LiteralsHoldAnyByte) {
  EXPECT_EQ(string_literal("plain text"), "\"plain text\"");
  EXPECT_EQ(string_literal("a\"b\\c?\n1"), "\"a\\042b\\134c\\077\\0121\"");
  EXPECT_EQ(string_literal("\xC3\xA9"), "\"\\303\\251\"");
}

TEST(Text, CommentsCannotLeaveTheirLine) {
  EXPECT_THAT(comment_lines("one\ntwo \\\n\nthree\\\\ \\"), ElementsAre("one", "two", "", "three"));
  EXPECT_THAT(comment_lines("größe"), ElementsAre("größe"));
  EXPECT_THAT(comment_lines("a\xE2\x80\xAE"
                            "b\xFF"
                            "c\r\td\xC2\x85"),
              ElementsAre("a.b.c  d."));
  EXPECT_THAT(comment_lines("cut \xE2\x80"), ElementsAre("cut .."));
  // The trigraph of a backslash.
  EXPECT_THAT(comment_lines("why?\?\?/"), ElementsAre("why?.?/"));
  EXPECT_TRUE(comment_lines("").empty());
}

// Runs `call` and gives the diagnostic of the Error that it must throw.
template <class Call>
Diagnostic refused(Call call) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_EQ(error.exit(), Exit::usage);
    return error.diagnostic();
  }
  ADD_FAILURE() << "was not refused";
  return {};
}

std::vector<mlq::Feature> features(std::initializer_list<const char*> names) {
  std::vector<mlq::Feature> made;
  for (const char* name : names) made.push_back(feature(name, mlq::FeatureKind::tensor, {1}));
  return made;
}

TEST(Names, CollisionsAreReportedWithTheirCure) {
  Manifest manifest;
  manifest.file = "m.yaml";
  const auto two = features({"a/b", "a:b"});
  const Diagnostic seen = refused([&] { field_names(two, manifest, {}, "input"); });
  EXPECT_EQ(seen.where.file, "m.yaml");
  EXPECT_EQ(seen.what, "the inputs \"a/b\" and \"a:b\" would both be 'a_b' in C++");
  EXPECT_THAT(seen.hint, HasSubstr("interface: { inputs: { \"a:b\": { rename: a_b_2 } } }"));
  // The cure cures.
  std::map<std::string, At<FeatureSection>> sections;
  sections["a:b"].value.rename = At<std::string>{"a_b_2", {}};
  EXPECT_THAT(field_names(two, manifest, sections, "input"), ElementsAre("a_b", "a_b_2"));
}

TEST(Names, NestedTypesKeepTheirNames) {
  EXPECT_THAT(field_names(features({"Input", "inputs", "OutputInfo"}), {}, {}, "input"),
              ElementsAre("Input_", "inputs", "OutputInfo_"));
}

TEST(Names, BadRenameIsRefusedWhereItStands) {
  for (const char* word : {"1st", "class", "Input", "a b", ""}) {
    std::map<std::string, At<FeatureSection>> sections;
    sections["x"].value.rename = At<std::string>{word, {"m.yaml", 7, 12}};
    const Diagnostic seen = refused([&] { field_names(features({"x"}), {}, sections, "input"); });
    EXPECT_EQ(seen.where.line, 7) << word;
    EXPECT_EQ(seen.code, "MLQ161") << word;
  }
}

TEST(Names, SectionWithoutFeatureNamesTheNearest) {
  std::map<std::string, At<FeatureSection>> sections;
  sections["imgae"].where = {"m.yaml", 4, 3};
  const Diagnostic seen = refused([&] { field_names(features({"image"}), {}, sections, "input"); });
  EXPECT_EQ(seen.where.line, 4);
  EXPECT_EQ(seen.hint, "did you mean 'image'?");
}

TEST(Names, ClassAndNamespaceOfTheManifestAreChecked) {
  Manifest manifest;
  manifest.interface.class_name = At<std::string>{"Output", {"m.yaml", 2, 1}};
  EXPECT_EQ(refused([&] { class_name(manifest, "x"); }).code, "MLQ164");
  for (const char* word : {"", "a::", "::a", "a:b", "std", "std::a", "a::class", "a.b", "a::::b"}) {
    manifest.interface.name_space = At<std::string>{word, {"m.yaml", 3, 1}};
    EXPECT_EQ(refused([&] { name_space(manifest); }).where.line, 3) << word;
  }
  manifest.interface.name_space = At<std::string>{"app::models::v2", {}};
  EXPECT_EQ(name_space(manifest), "app::models::v2");
}

}  // namespace
}  // namespace mlqc
