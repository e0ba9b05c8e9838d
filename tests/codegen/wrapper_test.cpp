// Generated code that depends on more than the interface: custom layers, metrics, shapes that are open.
#include <gmock/gmock.h>

#include "compiler/codegen/codegen.h"
#include "compiler/support/error.h"
#include "mlq/sizes.h"
#include "tests/codegen/fixtures.h"

namespace mlqc {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

Manifest manifest_of(const std::string& layers) {
  return parse_manifest("m.mlq.yaml", "schema: 1\nmodel: { file: a }\n" + layers);
}

constexpr const char* two = R"(custom_layers:
  - { class: "Grid\"Sampler", type: app::GridSampler, header: app/layers.h }
  - { op: CUSTOM_WARP, type: app::Warp, header: app/layers.h }
  - { op: OTHER_WARP, type: app::Warp, header: warp.h }
)";

std::string wrapper(const std::string& layers) {
  return generate_wrapper(array_graph(), manifest_of(layers), "net", "digest", "sha").source;
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != std::string::npos; ++at) ++found;
  return found;
}

TEST(CustomCode, TheWrapperListsEachClassAndHeaderOnce) {
  const std::string text = wrapper(two);
  EXPECT_THAT(text, HasSubstr("::mlq::custom_class<::app::GridSampler>(\"Grid\\042Sampler\")"));
  EXPECT_EQ(count(text, "::mlq::custom_class<::app::Warp>(\"Warp\")"), 1u);
  EXPECT_EQ(count(text, "#include \"app/layers.h\""), 1u);
  EXPECT_THAT(wrapper(""), Not(HasSubstr("custom_class")));
}

TEST(CustomCode, TheModuleListsTheSameClasses) {
  const std::string text = generate_plugin(manifest_of(two), "net");
  EXPECT_THAT(text, AllOf(HasSubstr("::mlq::plugin_class<::app::GridSampler>(\"Grid\\042Sampler\"),"),
                          HasSubstr("::mlq::plugin_class<::app::Warp>(\"Warp\"),"), HasSubstr("mlq_plugin")));
  EXPECT_THROW(generate_plugin(manifest_of(""), "net"), Error);
}

TEST(CustomCode, MetricsAreFunctionsOfThePlugin) {
  const std::string text = generate_plugin(
      manifest_of(
          "validate: { samples: { random: 1 }, metrics: [ { name: ink, function: app::ink_lost, header: "
          "ink.h, better: lower } ] }\n"),
      "net");
  EXPECT_THAT(text, AllOf(HasSubstr("#include \"ink.h\""), HasSubstr("{\"ink\", ::app::ink_lost},"),
                          Not(HasSubstr("classes"))));
}

TEST(CustomCode, AQuantizerIsAFunctionOfThePlugin) {
  const std::string text = generate_plugin(
      manifest_of("quantize: { algorithm: custom_lut, bits: 4, function: app::table, header: table.h }\n"),
      "net");
  EXPECT_THAT(text, AllOf(HasSubstr("#include \"table.h\""), HasSubstr("{\"app::table\", ::app::table}"),
                          HasSubstr(".luts = luts"), Not(HasSubstr("metrics"))));
}

TEST(FlexibleInput, IsDocumentedWithTheShapesThatItTakes) {
  mlq::Graph graph = array_graph();
  graph.metadata.emplace_back(mlq::sizes_key("sequence"), "1x10..200x80");
  const Wrapper made = generate_wrapper(graph, manifest_of(""), "net", "digest", "sha");
  EXPECT_THAT(made.header,
              AllOf(HasSubstr("array of float32, 1x10..200x80"), HasSubstr("::mlq::dynamic, 80")));
}

TEST(CustomCode, AClassHasOneTypeAndAHeaderIsAPath) {
  const auto entry = [](const std::string& type, const std::string& header) {
    return "  - { class: A, type: " + type + ", header: " + header + " }\n";
  };
  EXPECT_THROW(wrapper("custom_layers:\n" + entry("a::B", "b.h") + entry("a::C", "b.h")), Error);
  EXPECT_THROW(wrapper("custom_layers:\n" + entry("a::B", "\"b.h\\\"\\n#error\"")), Error);
}

}  // namespace
}  // namespace mlqc
