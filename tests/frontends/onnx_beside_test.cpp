// Weights beside an ONNX file are part of the model: another digest, another dependency.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <onnx/onnx_pb.h>

#include "compiler/frontends/beside.h"
#include "compiler/support/bytes.h"
#include "tests/support/files.h"

namespace mlqc {
namespace {

using mlq::test::TemporaryFolder;

// y = x + w, w in a constant's attribute or among the initializers, its bytes in w.bin.
std::string network(bool initializer) {
  ::onnx::ModelProto model;
  model.set_ir_version(8);
  model.add_opset_import()->set_version(13);
  auto& graph = *model.mutable_graph();
  for (auto* info : {graph.add_input(), graph.add_output()}) {
    info->mutable_type()->mutable_tensor_type()->set_elem_type(::onnx::TensorProto::FLOAT);
    info->mutable_type()->mutable_tensor_type()->mutable_shape()->add_dim()->set_dim_value(2);
  }
  graph.mutable_input(0)->set_name("x");
  graph.mutable_output(0)->set_name("y");
  ::onnx::TensorProto* w = nullptr;
  if (initializer) {
    w = graph.add_initializer();
  } else {
    auto& node = *graph.add_node();
    node.set_op_type("Constant");
    node.add_output("w");
    auto& attribute = *node.add_attribute();
    attribute.set_name("value");
    attribute.set_type(::onnx::AttributeProto::TENSOR);
    w = attribute.mutable_t();
  }
  w->set_name("w");
  w->set_data_type(::onnx::TensorProto::FLOAT);
  w->add_dims(2);
  w->set_data_location(::onnx::TensorProto::EXTERNAL);
  auto& entry = *w->add_external_data();
  entry.set_key("location");
  entry.set_value("w.bin");
  auto& add = *graph.add_node();
  add.set_op_type("Add");
  add.add_input("x"), add.add_input("w"), add.add_output("y");
  return model.SerializeAsString();
}

TEST(OnnxBeside, WeightsCountAsTheFileDoes) {
  for (const bool initializer : {true, false}) {
    const TemporaryFolder folder;
    const auto model = folder.write("m.onnx", network(initializer));
    const auto weights = folder.write("w.bin", "12345678");
    const Source source = read_source(model);
    EXPECT_THAT(files_beside(source), testing::ElementsAre(weights));
    EXPECT_NO_THROW(import_graph(source));
    folder.write("w.bin", "12345679");
    EXPECT_NE(read_source(model).sha256, source.sha256);
    folder.write("w.bin", "12345678");
    EXPECT_EQ(read_source(model).sha256, source.sha256);
  }
}

TEST(OnnxBeside, AModelAloneHasItsOwnDigest) {
  const TemporaryFolder folder;
  const auto model = folder.write("m.onnx", network(true));
  const Source source = read_source(model);  // w.bin is not there: the import says so
  EXPECT_EQ(source.sha256, sha256(map_file(model).bytes));
  EXPECT_THAT(files_beside(source), testing::IsEmpty());
}

}  // namespace
}  // namespace mlqc
