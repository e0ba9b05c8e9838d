// ONNX models whose files leave dimensions open: the manifest or the samples bind them, and where nothing
// does, one sentence says so.
#include <gmock/gmock.h>
#include <onnx/onnx_pb.h>

#include "compiler/frontends/frontend.h"
#include "tests/driver/mlqc.h"
#include "tests/support/files.h"

namespace mlqc {
namespace {

using mlq::test::TemporaryFolder;
using ::onnx::TensorProto;
using test::Outcome;
using test::run_mlqc;
using testing::HasSubstr;

using Dims = std::vector<std::string>;  // numbers, or names of dimensions; "" is open and has none

void describe(::onnx::ValueInfoProto& info, const char* name, const Dims& dims, bool ranked = true) {
  info.set_name(name);
  auto& type = *info.mutable_type()->mutable_tensor_type();
  type.set_elem_type(TensorProto::FLOAT);
  if (ranked) type.mutable_shape();
  for (const std::string& dim : dims) {
    auto& to = *type.mutable_shape()->add_dim();
    if (!dim.empty() && std::isdigit(static_cast<unsigned char>(dim[0])))
      to.set_dim_value(std::stoll(dim));
    else if (!dim.empty())
      to.set_dim_param(dim);
  }
}

// y = GlobalAveragePool(Conv(x, w)), w being 4 windows of 3 x 3 over 3 channels.
std::string network(const Dims& dims, bool ranked = true) {
  ::onnx::ModelProto model;
  model.set_ir_version(8);
  model.add_opset_import()->set_version(13);
  auto& graph = *model.mutable_graph();
  describe(*graph.add_input(), "x", dims, ranked);
  describe(*graph.add_output(), "y", {"N", "4", "1", "1"});
  TensorProto& w = *graph.add_initializer();
  w.set_name("w");
  w.set_data_type(TensorProto::FLOAT);
  for (const int dim : {4, 3, 3, 3}) w.add_dims(dim);
  for (int i = 0; i < 108; ++i) w.add_float_data(static_cast<float>(i % 7 - 3) * 0.1f);
  for (const char* op : {"Conv", "GlobalAveragePool"}) {
    auto& node = *graph.add_node();
    node.set_op_type(op);
    node.add_input(graph.node_size() == 1 ? "x" : "a");
    if (graph.node_size() == 1) node.add_input("w");
    node.add_output(graph.node_size() == 1 ? "a" : "y");
  }
  return model.SerializeAsString();
}

struct OnnxShapes : testing::Test {
  TemporaryFolder folder;
  std::string samples = "random: 3";

  Outcome compile(const std::string& model, const std::string& input) {
    folder.write("m.onnx", model);
    const auto manifest = folder.write(
        "m.mlq.yaml",
        "schema: 1\nmodel: { file: m.onnx }\n"
        "quantize: { algorithm: linear, bits: 8 }\nemit: [onnx]\nvalidate: { samples: { " +
            samples + " } }\n" + (input.empty() ? "" : "interface: { inputs: { x: { " + input + " } } }\n"));
    return run_mlqc({"compile", manifest.string(), "-o", (folder / "out").string()});
  }
  mlq::Graph emitted() { return import_graph(read_source(folder / "out" / "m.onnx")); }
};

TEST_F(OnnxShapes, TheManifestBindsWhatTheFileLeavesOpen) {
  const Outcome run = compile(network({"N", "3", "H", ""}), "shapes: 1x3x20x24");
  EXPECT_EQ(run.exit, 0) << run.err;
  EXPECT_EQ(emitted().inputs[0].shape, (mlq::Shape{1, 3, 20, 24}));
}

TEST_F(OnnxShapes, ABoundNameIsBoundWhereverItStands) {
  EXPECT_EQ(compile(network({"N", "3", "H", "W"}), "shapes: 2x3x20x24").exit, 0);
  ::onnx::ModelProto model;
  ASSERT_TRUE(model.ParseFromString(mlq::test::read(folder / "out" / "m.onnx")));
  EXPECT_EQ(model.graph().output(0).type().tensor_type().shape().dim(0).dim_value(), 2);
  EXPECT_EQ(emitted().outputs[0].shape, (mlq::Shape{2, 4, 1, 1}));
}

TEST_F(OnnxShapes, RangesStayOpenAndSamplesAreDrawnInThem) {
  const Outcome run = compile(network({"N", "3", "H", "W"}), "shapes: 1x3x8..32x8..");
  EXPECT_EQ(run.exit, 0) << run.err;
  EXPECT_EQ(emitted().inputs[0].shape, (mlq::Shape{1, 3, -1, -1}));
  EXPECT_THAT(run.out, HasSubstr("3 measured, 0 failed"));
  const Outcome small = compile(network({"N", "3", "H", "W"}), "shapes: 1x3x1..32x8..");
  EXPECT_EQ(small.exit, 2);
  EXPECT_THAT(small.err, HasSubstr("m.mlq.yaml:6:37: error: "));
  EXPECT_THAT(small.err, HasSubstr("does not work at these shapes: 1x3x1x8"));
}

TEST_F(OnnxShapes, AnInputOfNoRankGetsOneFromTheManifest) {
  const Outcome without = compile(network({}, false), "");
  EXPECT_EQ(without.exit, 3);
  EXPECT_THAT(without.err, HasSubstr("does not say which shape the input 'x' has [MLQ337]"));
  EXPECT_THAT(without.err, HasSubstr("interface: { inputs: { x: { shapes: "));
  const Outcome with = compile(network({}, false), "shapes: 1x3x9x9");
  EXPECT_EQ(with.exit, 0) << with.err;
}

TEST_F(OnnxShapes, SamplesBindThem) {
  for (const char* name : {"420.jpg", "rgb.png"})
    folder.write(name, mlq::test::read(mlq::test::data_folder() / "images" / name));
  samples = "images: .";
  const Outcome run = compile(network({"N", "3", "H", "W"}), "as: image, scale: 0.01");
  EXPECT_EQ(run.exit, 0) << run.err;
  EXPECT_THAT(run.out, HasSubstr("2 measured, 0 failed"));
}

TEST_F(OnnxShapes, ABatchOfAPictureIsOne) {
  for (const char* batch : {"N", ""}) {
    const Outcome run = compile(network({batch, "3", "12", "12"}), "as: image");
    EXPECT_EQ(run.exit, 0) << run.err;
  }
  const Outcome two = compile(network({"2", "3", "12", "12"}), "as: image");
  EXPECT_EQ(two.exit, 2);
  EXPECT_THAT(two.err, HasSubstr("[MLQ167]"));
}

TEST_F(OnnxShapes, UnboundDimensionsAreOneErrorWithWhatToSay) {
  const Outcome run = compile(network({"N", "3", "H", "W"}), "");
  EXPECT_EQ(run.exit, 2);
  EXPECT_THAT(run.err, HasSubstr("m.mlq.yaml:5:32: error: "));
  EXPECT_THAT(run.err, HasSubstr("the input 'x' is of shape 1x3x?x? [MLQ408]"));
  EXPECT_THAT(run.err, HasSubstr("interface: { inputs: { x: { shapes: 1x3x224x224 } } }"));
}

TEST_F(OnnxShapes, WhatTheFileStatesCannotBeGivenAnew) {
  for (const char* shapes : {"1x4x20x24", "3x20x24", "1x3x30x24 or 1x4x20x24"}) {
    const Outcome run = compile(network({"N", "3", "H", "W"}), std::string("shapes: ") + shapes);
    EXPECT_EQ(run.exit, 2) << shapes;
    EXPECT_THAT(run.err, HasSubstr("has the shape Nx3xHxW, and is given"));
  }
  EXPECT_THAT(compile(network({"N", "3", "S", "S"}), "shapes: 1x3x20x24").err,
              HasSubstr("the dimension 'S' of the input 'x' is given 20 and 24"));
}

// What an operator must know when it is compiled.
TEST_F(OnnxShapes, AnOperatorThatNeedsASizeSaysWhereItIsGiven) {
  ::onnx::ModelProto model;
  ASSERT_TRUE(model.ParseFromString(network({"N", "3", "H", "W"})));
  auto& node = *model.mutable_graph()->mutable_node(1);
  node.set_op_type("SplitToSequence");
  node.clear_input();
  node.add_input("x");
  auto& axis = *node.add_attribute();
  axis.set_name("axis");
  axis.set_type(::onnx::AttributeProto::INT);
  axis.set_i(2);
  const Outcome run = compile(model.SerializeAsString(), "");
  EXPECT_EQ(run.exit, 3);
  EXPECT_THAT(run.err, HasSubstr("the input 'x' is of shape 1x3x?x?; where it has one size, say it"));
}

}  // namespace
}  // namespace mlqc
