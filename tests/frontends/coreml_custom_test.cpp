// Custom layers and custom models of Core ML files: what reaches the user's class, and what is refused.
#include <gmock/gmock.h>

#include "compiler/frontends/custom.h"
#include "compiler/quantize/quantize.h"
#include "compiler/support/error.h"
#include "mlq/model.h"
#include "tests/frontends/coreml_fixture.h"

namespace mlqc {
namespace {

using coreml::Model;
using coreml::NeuralNetwork;
using coreml::NeuralNetworkLayer;
using testing::ElementsAre;
using testing::HasSubstr;

// bias + factor * x, the bias from the weights where there are some.
class Line final : public mlq::CustomLayer {
 public:
  mlq::Status init_with_parameters(const mlq::Parameters& parameters) override {
    factor_ = static_cast<float>(mlq::number_of(parameters, "factor", 1));
    if (mlq::integer_of(parameters, "extra", 0) > 0) factor_ += 100;
    return {};
  }
  mlq::Status set_weight_data(std::span<const mlq::LayerInput> weights) override {
    for (const mlq::LayerInput& weight : weights)
      bias_.insert(bias_.end(), weight.floats().begin(), weight.floats().end());
    return {};
  }
  mlq::Status evaluate_on_cpu(std::span<const mlq::LayerInput> inputs,
                              std::span<const mlq::LayerOutput> outputs) override {
    const auto x = inputs[0].floats();
    for (std::size_t i = 0; i < x.size(); ++i)
      outputs[0].floats()[i] = factor_ * x[i] + (bias_.empty() ? 0 : bias_[i % bias_.size()]);
    return {};
  }

 private:
  float factor_ = 1;
  std::vector<float> bias_;
};

CustomEntry line() {
  CustomEntry entry;
  entry.layer_class = "Line";
  entry.code = std::make_shared<const mlq::CustomClass>(mlq::custom_class<Line>("Line"));
  return entry;
}

Source with(const Model& model, CustomEntry entry) {
  Source source = test::source_of(model);
  source.custom_layers = {std::move(entry)};
  return source;
}

// x -> Line -> y, four numbers.
Model one_layer() {
  Model model;
  model.set_specification_version(2);
  test::add_array(*model.mutable_description()->mutable_input(), "x", {4});
  test::add_array(*model.mutable_description()->mutable_output(), "y", {4});
  coreml::Custom& custom =
      *test::add_layer(*model.mutable_neural_network(), "line", "x", "y").mutable_custom();
  custom.set_class_name("Line");
  custom.set_description("a straight line");
  (*custom.mutable_parameters())["factor"].set_double_value(2);
  return model;
}

coreml::Custom& custom_of(Model& model) {
  return *model.mutable_neural_network()->mutable_layers(0)->mutable_custom();
}

const mlq::Node& custom_node_of(const mlq::Graph& graph) {
  for (const mlq::Node& node : graph.nodes)
    if (node.op == mlq::custom_op) return node;
  throw std::runtime_error("no custom node");
}

Error refusal(const Source& source) {
  try {
    import_graph(source);
  } catch (const Error& error) {
    return error;
  }
  return Error(Exit::good, {});
}

TEST(CoreMlCustom, GivesTheLayerItsParametersAndWeights) {
  Model model = one_layer();
  test::set_floats(*custom_of(model).add_weights(), {10, 20});
  test::set_floats(*custom_of(model).add_weights(), {30, 40});
  EXPECT_THAT(test::run(with(model, line()), {{1, 2, 3, 4}})[0], ElementsAre(12, 24, 36, 48));
  const mlq::Graph graph = import_graph(with(model, line()));
  const mlq::Node& node = custom_node_of(graph);
  EXPECT_EQ(node.name, "line");
  EXPECT_EQ(node.get_string("description", ""), "a straight line");
  EXPECT_EQ(graph.tensors[static_cast<std::size_t>(node.inputs[1])].name, "line/weights.0");
}

TEST(CoreMlCustom, ParametersOfAllTypesArriveAndTheManifestsWin) {
  Model model = one_layer();
  auto& all = *custom_of(model).mutable_parameters();
  all["i"].set_int_value(-3);
  all["l"].set_long_value(std::int64_t{1} << 40);
  all["b"].set_bool_value(true);
  all["s"].set_string_value("text");
  CustomEntry entry = line();
  entry.parameters = {{"i", std::int64_t{5}}, {"extra", std::int64_t{1}}};
  const mlq::Parameters expected = {{"factor", 2.0}, {"i", std::int64_t{5}},     {"l", std::int64_t{1} << 40},
                                    {"b", true},     {"s", std::string("text")}, {"extra", std::int64_t{1}}};
  const mlq::Graph graph = import_graph(with(model, entry));
  EXPECT_EQ(mlq::custom_parameters_of(custom_node_of(graph)), expected);
  EXPECT_THAT(test::run(with(model, entry), {{1, 0, 0, 0}})[0], ElementsAre(102, 0, 0, 0));
}

TEST(CoreMlCustom, ReadsWeightsInEveryForm) {
  Model model = one_layer();
  coreml::Weights& bytes = *custom_of(model).add_weights();
  bytes.set_raw_value(std::string("\x00\x01\x02\x03", 4));
  bytes.mutable_quantization()->set_number_of_bits(8);
  bytes.mutable_quantization()->mutable_linear_quantization()->add_scale(10);
  bytes.mutable_quantization()->mutable_linear_quantization()->add_bias(5);
  EXPECT_THAT(test::run(with(model, line()), {{0, 0, 0, 0}})[0], ElementsAre(5, 15, 25, 35));
  custom_of(model).clear_weights();
  custom_of(model).add_weights()->set_float16_value(std::string("\x00\x3c\x00\xc0", 4));  // 1, -2
  EXPECT_THAT(test::run(with(model, line()), {{0, 0, 0, 0}})[0], ElementsAre(1, -2, 1, -2));
}

TEST(CoreMlCustom, WeightsAreKeptUnlessTheManifestSaysOtherwise) {
  Model model = one_layer();
  test::set_floats(*custom_of(model).add_weights(), std::vector<float>(1000, 0.5f));
  Manifest manifest;
  manifest.quantize.settings.value = {"linear", 8, "", "nearest"};
  CustomEntry entry = line();
  const auto bits = [&] {
    const QuantizationPlan all = plan(import_graph(with(model, entry)), manifest);
    return all.empty() ? 32 : all[0].settings.bits;
  };
  EXPECT_EQ(bits(), 32);
  entry.quantize_weights = true;
  EXPECT_EQ(bits(), 8);
}

TEST(CoreMlCustom, SaysWhatIsMissing) {
  const Error none = refusal(test::source_of(one_layer()));
  EXPECT_EQ(none.diagnostic().what, "layer 'line' of class Line is not supported");
  EXPECT_THAT(none.diagnostic().hint,
              HasSubstr("custom_layers: - { class: Line, type: app::Line, header: ... }"));
  CustomEntry entry = line();
  entry.code = nullptr;
  EXPECT_EQ(refusal(with(one_layer(), entry)).diagnostic().code, "MLQ314");
  entry = line();
  entry.op = "Line";  // an operator of that name is another thing
  EXPECT_EQ(refusal(with(one_layer(), entry)).diagnostic().code, "MLQ311");
}

Model custom_model() {
  Model model = one_layer();
  const std::string message = custom_of(model).SerializeAsString();
  model.set_custom_model(message);
  return model;
}

TEST(CoreMlCustom, AModelOfTheUsersIsOneLayer) {
  EXPECT_THAT(test::run(with(custom_model(), line()), {{1, 2, 3, 4}})[0], ElementsAre(2, 4, 6, 8));
  const mlq::Graph graph = import_graph(with(custom_model(), line()));
  EXPECT_EQ(custom_node_of(graph).name, "Line");
}

TEST(CoreMlCustom, AModelOfTheUsersNamesWhatIsMissing) {
  const Error none = refusal(test::source_of(custom_model()));
  EXPECT_THAT(none.diagnostic().what, HasSubstr("of class Line is not supported"));
  Model nameless = custom_model();
  nameless.set_custom_model("");
  EXPECT_THAT(refusal(with(nameless, line())).diagnostic().what, HasSubstr("names no class"));
  nameless.set_custom_model("\x52\xff");
  EXPECT_EQ(refusal(with(nameless, line())).diagnostic().code, "MLQ312");
}

}  // namespace
}  // namespace mlqc
