// Damaged and hostile ONNX files end in one clear sentence or in a network that can be checked.
#include <gtest/gtest.h>
#include <onnx/onnx_pb.h>

#include "compiler/frontends/frontend.h"
#include "compiler/support/error.h"
#include "tests/support/files.h"

namespace mlqc {
namespace {

using ::onnx::ModelProto;
using ::onnx::TensorProto;

// y = Relu(x), x being two floats.
ModelProto relu() {
  ModelProto model;
  model.set_ir_version(8);
  model.add_opset_import()->set_version(17);
  auto& graph = *model.mutable_graph();
  for (auto* info : {graph.add_input(), graph.add_output()}) {
    info->set_name(info == &graph.input(0) ? "x" : "y");
    auto& type = *info->mutable_type()->mutable_tensor_type();
    type.set_elem_type(TensorProto::FLOAT);
    type.mutable_shape()->add_dim()->set_dim_value(2);
  }
  auto& node = *graph.add_node();
  node.set_op_type("Relu");
  node.add_input("x");
  node.add_output("y");
  return model;
}

// The code of the refusal; "" when the bytes are a network.
std::string refusal(const std::string& bytes) {
  try {
    const std::span all(bytes.data(), bytes.size());
    const mlq::Graph graph = import_graph({"test.onnx", mlq::copy_data(std::as_bytes(all)), "", "onnx"});
    EXPECT_TRUE(mlq::check(graph).ok());
    return "";
  } catch (const Error& error) {
    EXPECT_EQ(error.exit(), Exit::model);
    EXPECT_FALSE(error.diagnostic().what.empty());
    return error.diagnostic().code;
  }
}
std::string refusal(const ModelProto& model) { return refusal(model.SerializeAsString()); }

TensorProto& weights(ModelProto& model) {
  TensorProto& tensor = *model.mutable_graph()->add_initializer();
  tensor.set_name("w");
  tensor.set_data_type(TensorProto::FLOAT);
  model.mutable_graph()->mutable_node(0)->set_input(0, "w");
  return tensor;
}

TEST(MalformedOnnx, TheNetworkThatTheOthersAreMadeFromIsGood) { EXPECT_EQ(refusal(relu()), ""); }

TEST(MalformedOnnx, Cycle) {
  ModelProto model = relu();
  model.mutable_graph()->mutable_node(0)->set_input(0, "y");
  EXPECT_EQ(refusal(model), "MLQ336");
}

TEST(MalformedOnnx, ValueThatNothingMakes) {
  ModelProto model = relu();
  model.mutable_graph()->mutable_node(0)->set_input(0, "z");
  EXPECT_EQ(refusal(model), "MLQ336");
}

TEST(MalformedOnnx, ShapesThatOverflowAndWeightsWithoutBytes) {
  for (const std::int64_t dim : {std::int64_t{1} << 40, INT64_MAX, std::int64_t{-1}}) {
    ModelProto model = relu();
    TensorProto& tensor = weights(model);
    tensor.add_dims(dim);
    tensor.add_dims(dim);
    EXPECT_EQ(refusal(model), "MLQ332");
  }
  ModelProto model = relu();
  weights(model).add_dims(std::int64_t{1} << 33);
  EXPECT_EQ(refusal(model), "MLQ332");
}

TEST(MalformedOnnx, ExternalDataOutsideOfTheFolder) {
  for (const char* location : {"/etc/passwd", "../w", "a/../../w", "", "missing"}) {
    ModelProto model = relu();
    TensorProto& tensor = weights(model);
    tensor.add_dims(2);
    tensor.set_data_location(TensorProto::EXTERNAL);
    auto& entry = *tensor.add_external_data();
    entry.set_key("location");
    entry.set_value(location);
    EXPECT_EQ(refusal(model), "MLQ330") << location;
  }
}

TEST(MalformedOnnx, UnknownOperatorsAreAllNamed) {
  ModelProto model = relu();
  model.mutable_graph()->mutable_node(0)->set_op_type("Nonsense");
  EXPECT_EQ(refusal(model), "MLQ311");
}

// If in If in If ...; the parser of the format stops at a hundred messages, we much sooner.
TEST(MalformedOnnx, DeepNesting) {
  ModelProto model = relu();
  auto& condition = *model.mutable_graph()->add_input();
  condition.set_name("c");
  condition.mutable_type()->mutable_tensor_type()->set_elem_type(TensorProto::BOOL);
  condition.mutable_type()->mutable_tensor_type()->mutable_shape();
  ::onnx::GraphProto inner = model.graph();
  inner.clear_input();
  for (int depth = 0; depth < 30; ++depth) {
    ::onnx::GraphProto outer = inner;
    auto& node = *outer.mutable_node(0);
    node.Clear();
    node.set_op_type("If");
    node.add_input("c");
    node.add_output("y");
    for (const char* name : {"then_branch", "else_branch"}) {
      auto& attribute = *node.add_attribute();
      attribute.set_name(name);
      attribute.set_type(::onnx::AttributeProto::GRAPH);
      if (node.attribute_size() == 1) *attribute.mutable_g() = inner;
    }
    inner = outer;
  }
  *model.mutable_graph()->mutable_node() = inner.node();
  EXPECT_NE(refusal(model), "");
}

// A function that calls itself.
TEST(MalformedOnnx, EndlessFunction) {
  ModelProto model = relu();
  model.mutable_graph()->mutable_node(0)->set_op_type("F");
  auto& function = *model.add_functions();
  function.set_name("F");
  function.add_input("a");
  function.add_output("b");
  auto& node = *function.add_node();
  node.set_op_type("F");
  node.add_input("a");
  node.add_output("b");
  EXPECT_EQ(refusal(model), "MLQ336");
}

TEST(MalformedOnnx, EveryHundredthPrefix) {
  MLQ_NEEDS_SHARED();
  const std::string bytes = mlq::test::read(mlq::test::shared_folder() / "models/onnx/mnist_8/model.onnx");
  ASSERT_EQ(refusal(bytes), "");
  for (std::size_t percent = 0; percent < 100; ++percent)
    refusal(bytes.substr(0, bytes.size() * percent / 100));
}

}  // namespace
}  // namespace mlqc
