// Weights of every kind of layer that holds some: found, quantized, written into the file, and read back as
// what they were quantized to.
#include <gtest/gtest.h>

#include <algorithm>

#include "compiler/backends/backend.h"
#include "compiler/quantize/quantize.h"
#include "compiler/quantize/weights.h"
#include "compiler/support/error.h"
#include "mlq/model.h"
#include "tests/frontends/coreml_one_layer.h"

namespace mlqc {
namespace {

using namespace coreml;
using test::OneLayer;
using test::wave;

QuantizationPlan plan_for(const mlq::Graph& graph, const char* algorithm, int bits) {
  QuantizationPlan plan;
  for (const mlqc::Constant& constant : float_constants(graph)) {
    if (!constant.weight) continue;
    TensorPlan entry;
    entry.tensor = constant.tensor;
    entry.axis = constant.axis;
    entry.settings.algorithm = algorithm;
    entry.settings.bits = bits;
    entry.settings.granularity = algorithm == std::string("linear") ? "per_channel" : "per_tensor";
    plan.push_back(entry);
  }
  return plan;
}

std::vector<std::vector<float>> outputs_of(const mlq::Graph& graph, const std::vector<test::Blob>& inputs) {
  const auto model = mlq::Model::from_graph(graph);
  if (!model) throw std::runtime_error(model.error());
  std::vector<mlq::View> views;
  for (std::size_t i = 0; i < inputs.size(); ++i)
    views.push_back({mlq::DataType::float32, model->graph().inputs[i].shape, inputs[i].values.data()});
  const auto outputs = model->predict(views);
  if (!outputs) throw std::runtime_error(outputs.error());
  std::vector<std::vector<float>> values;
  for (const mlq::Array& output : *outputs)
    values.emplace_back(output.floats().begin(), output.floats().end());
  return values;
}

// `weights`: how many tensors the layer's quantized weights are, each with as many groups.
void expect_round_trip(const Model& model, const std::vector<test::Blob>& inputs, std::size_t weights,
                       std::size_t groups) {
  const Source source = test::source_of(model);
  const mlq::Graph graph = import_graph(source);
  for (const auto& [algorithm, bits] : {std::pair("linear", 5), std::pair("kmeans_lut", 2)}) {
    SCOPED_TRACE(algorithm);
    const QuantizationPlan plan = plan_for(graph, algorithm, bits);
    ASSERT_EQ(plan.size(), weights);
    const mlq::Graph quantized = quantize(graph, plan);
    const auto bytes = find_backend("coreml")->write(source, quantized);
    const std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    const mlq::Graph back = import_graph(test::source_of(text));
    for (const TensorPlan& entry : plan) {
      const mlq::Tensor& a = quantized.tensors[static_cast<std::size_t>(entry.tensor)];
      const auto b = std::find_if(back.tensors.begin(), back.tensors.end(),
                                  [&](const mlq::Tensor& t) { return t.name == a.name; });
      ASSERT_NE(b, back.tensors.end());
      ASSERT_TRUE(b->quantization) << b->name;
      EXPECT_EQ(a.quantization->scale.size(), a.quantization->table.empty() ? groups : 0) << a.name;
      EXPECT_EQ(a.quantization->scale, b->quantization->scale);
      EXPECT_EQ(a.quantization->offset, b->quantization->offset);
      EXPECT_EQ(a.quantization->table, b->quantization->table);
      EXPECT_TRUE(std::equal(a.data->bytes.begin(), a.data->bytes.end(), b->data->bytes.begin(),
                             b->data->bytes.end()));
    }
    EXPECT_EQ(outputs_of(quantized, inputs), outputs_of(back, inputs));
    EXPECT_NE(outputs_of(quantized, inputs), outputs_of(graph, inputs));  // something was quantized
  }
}

void expect_round_trip(OneLayer& net, const std::vector<test::Blob>& inputs, std::size_t weights,
                       std::size_t groups) {
  expect_round_trip(net.model(), inputs, weights, groups);
}

TEST(QuantizedKind, Convolution) {
  const std::vector<test::Blob> x{wave({2, 5, 5})};
  OneLayer net(x, 1, true);
  Convolution& p = *net.layer().mutable_convolution();
  p.set_output_channels(4);
  p.set_kernel_channels(2);
  p.mutable_valid();
  test::set_floats(*p.mutable_weights(), wave({4, 2, 3, 3}).values);
  expect_round_trip(net, x, 1, 4);
}

TEST(QuantizedKind, Deconvolution) {
  const std::vector<test::Blob> x{wave({2, 4, 4})};
  OneLayer net(x, 1, true);
  Convolution& p = *net.layer().mutable_convolution();
  p.set_is_deconvolution(true);
  p.set_output_channels(3);
  p.set_kernel_channels(2);
  p.mutable_valid();
  test::set_floats(*p.mutable_weights(), wave({2, 3, 3, 3}).values);
  expect_round_trip(net, x, 1, 3);
}

TEST(QuantizedKind, Convolution3d) {
  const std::vector<test::Blob> x{wave({1, 2, 3, 3, 3})};
  OneLayer net(x);
  Convolution3d& p = *net.layer().mutable_convolution_3d();
  p.set_output_channels(3);
  p.set_input_channels(2);
  p.set_kernel_depth(2);
  p.set_kernel_height(2);
  p.set_kernel_width(2);
  p.set_padding_type(Convolution3d::VALID);
  test::set_floats(*p.mutable_weights(), wave({3, 2, 2, 2, 2}).values);
  expect_round_trip(net, x, 1, 3);
}

TEST(QuantizedKind, InnerProduct) {
  const std::vector<test::Blob> x{wave({2, 6})};
  OneLayer net(x);
  InnerProduct& p = *net.layer().mutable_inner_product();
  p.set_input_channels(6);
  p.set_output_channels(4);
  test::set_floats(*p.mutable_weights(), wave({4, 6}).values);
  expect_round_trip(net, x, 1, 4);
}

TEST(QuantizedKind, BatchedMatmul) {
  const std::vector<test::Blob> x{wave({2, 3, 6})};
  OneLayer net(x);
  BatchedMatMul& p = *net.layer().mutable_batched_matmul();
  p.set_weight_matrix_first_dimension(6);
  p.set_weight_matrix_second_dimension(5);
  test::set_floats(*p.mutable_weights(), wave({5, 6}).values);
  expect_round_trip(net, x, 1, 5);
}

TEST(QuantizedKind, Embedding) {
  const std::vector<test::Blob> x{{{1}, {3}}};
  OneLayer net(x, 1, true);
  Embedding& p = *net.layer().mutable_embedding();
  p.set_input_dim(7);
  p.set_output_channels(4);
  test::set_floats(*p.mutable_weights(), wave({4, 7}).values);
  expect_round_trip(net, x, 1, 4);
}

TEST(QuantizedKind, EmbeddingNd) {
  const std::vector<test::Blob> x{{{2, 1}, {3, 0}}};
  OneLayer net(x);
  EmbeddingNd& p = *net.layer().mutable_embedding_nd();
  p.set_vocab_size(7);
  p.set_embedding_size(4);
  test::set_floats(*p.mutable_weights(), wave({4, 7}).values);
  expect_round_trip(net, x, 1, 4);
}

// A constant that something multiplies by: one pair of scale and bias, as the format has it.
TEST(QuantizedKind, LoadConstant) {
  const std::vector<test::Blob> x{wave({3, 6})};
  Model model;
  NeuralNetwork& network = *model.mutable_neural_network();
  network.set_array_input_shape_mapping(NeuralNetwork::EXACT_ARRAY_MAPPING);
  test::add_array(*model.mutable_description()->mutable_input(), "x", {3, 6});
  test::add_array(*model.mutable_description()->mutable_output(), "y", {});
  mlqc::coreml::Constant& constant =
      *test::add_layer(network, "constant", "", "c").mutable_load_constant_nd();
  for (const unsigned n : {6u, 4u}) constant.add_shape(n);
  test::set_floats(*constant.mutable_data(), wave({6, 4}).values);
  NeuralNetworkLayer& product = test::add_layer(network, "product", "x", "y");
  product.add_input("c");
  product.mutable_batched_matmul();
  expect_round_trip(model, x, 1, 1);
}

std::vector<float> gate(std::size_t count, float phase) {
  return wave({static_cast<std::int64_t>(count)}, phase).values;
}

TEST(QuantizedKind, Gru) {
  const std::vector<test::Blob> x{wave({4, 1, 3, 1, 1})};
  OneLayer net(x);
  Gru& p = *net.layer().mutable_gru();
  p.set_input_vector_size(3);
  p.set_output_vector_size(2);
  p.add_activations()->mutable_sigmoid();
  p.add_activations()->mutable_tanh();
  p.set_sequence_output(true);
  test::set_floats(*p.mutable_update_gate_weight_matrix(), gate(6, 0));
  test::set_floats(*p.mutable_reset_gate_weight_matrix(), gate(6, 1));
  test::set_floats(*p.mutable_output_gate_weight_matrix(), gate(6, 2));
  test::set_floats(*p.mutable_update_gate_recursion_matrix(), gate(4, 3));
  test::set_floats(*p.mutable_reset_gate_recursion_matrix(), gate(4, 4));
  test::set_floats(*p.mutable_output_gate_recursion_matrix(), gate(4, 5));
  expect_round_trip(net, x, 6, 2);
}

void set_gates(LstmWeights& w, float phase) {
  coreml::Weights* const matrices[] = {
      w.mutable_input_gate_weight_matrix(),     w.mutable_forget_gate_weight_matrix(),
      w.mutable_block_input_weight_matrix(),    w.mutable_output_gate_weight_matrix(),
      w.mutable_input_gate_recursion_matrix(),  w.mutable_forget_gate_recursion_matrix(),
      w.mutable_block_input_recursion_matrix(), w.mutable_output_gate_recursion_matrix()};
  for (std::size_t i = 0; i < 8; ++i)
    test::set_floats(*matrices[i], gate(i < 4 ? 6 : 4, phase + static_cast<float>(i)));
}

TEST(QuantizedKind, BiDirectionalLstm) {
  const std::vector<test::Blob> x{wave({4, 1, 3, 1, 1})};
  OneLayer net(x);
  BiDirectionalLstm& p = *net.layer().mutable_bi_directional_lstm();
  p.set_input_vector_size(3);
  p.set_output_vector_size(2);
  for (auto* functions : {p.mutable_activations_forward_lstm(), p.mutable_activations_backward_lstm()}) {
    functions->Add()->mutable_sigmoid();
    functions->Add()->mutable_tanh();
    functions->Add()->mutable_tanh();
  }
  p.mutable_params()->set_sequence_output(true);
  set_gates(*p.add_weight_params(), 0);
  set_gates(*p.add_weight_params(), 8);
  expect_round_trip(net, x, 16, 2);
}

TEST(QuantizedKind, SimpleRecurrent) {
  const std::vector<test::Blob> x{wave({4, 1, 3, 1, 1})};
  OneLayer net(x);
  SimpleRecurrent& p = *net.layer().mutable_simple_recurrent();
  p.set_input_vector_size(3);
  p.set_output_vector_size(2);
  p.mutable_activation()->mutable_tanh();
  p.set_sequence_output(true);
  test::set_floats(*p.mutable_weight_matrix(), gate(6, 0));
  test::set_floats(*p.mutable_recursion_matrix(), gate(4, 1));
  expect_round_trip(net, x, 2, 2);
}

// The weights of a loop's body belong to the graph around, and are found through the body that reads them.
TEST(QuantizedKind, InnerProductInALoop) {
  const std::vector<test::Blob> x{wave({1, 3})};
  Model model;
  NeuralNetwork& network = *model.mutable_neural_network();
  network.set_array_input_shape_mapping(NeuralNetwork::EXACT_ARRAY_MAPPING);
  test::add_array(*model.mutable_description()->mutable_input(), "x", {1, 3});
  test::add_array(*model.mutable_description()->mutable_output(), "y", {});
  test::add_layer(network, "start", "x", "y").mutable_copy();
  Loop& loop = *test::add_layer(network, "loop", "", "").mutable_loop();
  loop.set_max_loop_iterations(2);
  InnerProduct& p = *test::add_layer(*loop.mutable_body_network(), "dense", "y", "t").mutable_inner_product();
  p.set_input_channels(3);
  p.set_output_channels(3);
  test::set_floats(*p.mutable_weights(), wave({3, 3}).values);
  test::add_layer(*loop.mutable_body_network(), "next", "t", "y").mutable_copy();
  expect_round_trip(model, x, 1, 3);
}

TEST(UpdatableModel, RunsAndKeepsWhatItSaysAboutTraining) {
  const std::vector<test::Blob> x{wave({2, 6})};
  OneLayer net(x);
  net.model().set_is_updatable(true);
  net.model().set_specification_version(4);
  net.model().mutable_neural_network()->set_update_params("\x1a\x02\x08\x05");  // epochs: 5
  net.layer().set_is_updatable(true);
  InnerProduct& p = *net.layer().mutable_inner_product();
  p.set_input_channels(6);
  p.set_output_channels(4);
  test::set_floats(*p.mutable_weights(), wave({4, 6}).values);
  p.mutable_weights()->set_is_updatable(true);
  expect_round_trip(net, x, 1, 4);
  const Source source = test::source_of(net.model());
  const mlq::Graph graph = import_graph(source);
  const auto bytes = find_backend("coreml")->write(source, quantize(graph, plan_for(graph, "linear", 8)));
  Model back;
  ASSERT_TRUE(back.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())));
  EXPECT_TRUE(back.is_updatable());
  EXPECT_EQ(back.neural_network().update_params(), net.model().neural_network().update_params());
  EXPECT_TRUE(back.neural_network().layers(0).inner_product().weights().is_updatable());

  // The format has no half floats in such a model.
  QuantizationPlan halves = plan_for(graph, "none", 16);
  EXPECT_THROW(find_backend("coreml")->write(source, quantize(graph, halves)), Error);
}

}  // namespace
}  // namespace mlqc
