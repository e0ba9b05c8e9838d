// SavedModel folders: signatures, functions, variables from the checkpoint; and damaged ones.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cmath>
#include <fstream>
#include <random>

#include "compiler/frontends/beside.h"
#include "compiler/frontends/frontend.h"
#include "compiler/support/error.h"
#include "tests/frontends/tensorflow_fixture.h"
#include "tests/support/files.h"

namespace mlqc {
namespace {

using mlq::test::TemporaryFolder;
using testing::HasSubstr;

constexpr int resource_type = 20;

void call(tensorflow::NodeDef& node, const std::string& function) {
  (*node.mutable_attr())["f"].mutable_func()->set_name(function);
}

// y = x * kernel + bias, as TensorFlow 2 writes it: handles of variables go into two functions, one that
// computes and one that restores, in which their names in the checkpoint are.
tensorflow::SavedModel dense_model() {
  tensorflow::SavedModel model;
  auto& meta = *model.add_meta_graphs();
  meta.mutable_meta_info_def()->add_tags("serve");
  tensorflow::GraphDef& graph = *meta.mutable_graph_def();
  test::GraphMaker main(*graph.mutable_node());
  for (const char* name : {"kernel", "bias"}) {
    auto& handle = main.node(std::string("v_") + name, "VarHandleOp");
    test::set(handle, "shared_name", std::string("elsewhere/") + name);
    test::set_type(handle, "dtype", resource_type);
  }
  main.placeholder("serving_default_x", {-1, 3});
  call(main.node("StatefulPartitionedCall", "StatefulPartitionedCall",
                 {"serving_default_x", "v_kernel", "v_bias"}),
       "outer");
  main.placeholder("saver_filename", {}, 7);
  call(main.node("restored", "StatefulPartitionedCall", {"saver_filename", "v_kernel", "v_bias"}), "restore");
  test::add_function(graph, "inner", {"a", "k", "b"}, {{"sum", "sum:z:0"}, {"product", "product:product:0"}},
                     [](test::GraphMaker& f) {
                       f.node("read_k", "ReadVariableOp", {"k"});
                       f.node("read_b", "ReadVariableOp", {"b"});
                       f.node("product", "MatMul", {"a", "read_k:value:0"});
                       f.node("sum", "BiasAdd", {"product:product:0", "read_b:value:0"});
                     });
  test::add_function(graph, "outer", {"x", "k", "b"}, {{"y", "done:output:0"}, {"z", "inner_call:output:0"}},
                     [](test::GraphMaker& f) {
                       call(f.node("inner_call", "PartitionedCall", {"x", "k", "b"}), "inner");
                       f.node("done", "Identity", {"inner_call:output:1"});
                     });
  test::add_function(graph, "restore", {"file", "k", "b"}, {{"r", "file"}}, [](test::GraphMaker& f) {
    f.texts("names", {"layer/k/.ATTRIBUTES/VARIABLE_VALUE", "layer/b/.ATTRIBUTES/VARIABLE_VALUE"});
    f.texts("slices", {"", ""});
    f.node("values", "RestoreV2", {"file", "names:output:0", "slices:output:0"});
    f.node("one", "Identity", {"values:tensors:0"});
    f.node("two", "Identity", {"values:tensors:1"});
    f.node("set_k", "AssignVariableOp", {"k", "one:output:0"});
    f.node("set_b", "AssignVariableOp", {"b", "two:output:0"});
  });
  auto& signature = (*meta.mutable_signature_def())["serving_default"];
  auto& input = (*signature.mutable_inputs())["features"];
  input.set_name("serving_default_x:0");
  input.mutable_tensor_shape()->add_dim()->set_size(-1);
  input.mutable_tensor_shape()->add_dim()->set_size(3);
  (*signature.mutable_outputs())["scores"].set_name("StatefulPartitionedCall:0");
  (*signature.mutable_outputs())["products"].set_name("StatefulPartitionedCall:1");
  return model;
}

const std::map<std::string, test::Variable> values = {
    {"layer/k/.ATTRIBUTES/VARIABLE_VALUE", {{3, 2}, {1, 2, 3, 4, 5, 6}}},
    {"layer/b/.ATTRIBUTES/VARIABLE_VALUE", {{2}, {10, 20}}}};

void write_model(const std::filesystem::path& folder, const tensorflow::SavedModel& model) {
  test::write_checkpoint(folder / "variables" / "variables", values);
  std::ofstream(folder / "saved_model.pb", std::ios::binary) << model.SerializeAsString();
}

std::vector<float> only_result(const mlq::Graph& graph, std::size_t output, const std::vector<float>& input) {
  const auto model = mlq::Model::from_graph(graph);
  EXPECT_TRUE(model.ok());
  const mlq::View view{mlq::DataType::float32, graph.inputs.at(0).shape, input.data()};
  const auto outputs = model->predict({&view, 1});
  EXPECT_TRUE(outputs.ok());
  return {outputs->at(output).floats().begin(), outputs->at(output).floats().end()};
}

TEST(SavedModel, FunctionsAreInlinedAndVariablesRead) {
  TemporaryFolder folder;
  write_model(folder / "net", dense_model());
  for (const char* name : {"net", "net/", "net/saved_model.pb"}) {
    const Source source = read_source(folder / name);
    EXPECT_EQ(source.format, "saved_model");
    const mlq::Graph graph = import_graph(source);
    ASSERT_EQ(graph.inputs.size(), 1u);
    EXPECT_EQ(graph.inputs[0].name, "features");
    EXPECT_EQ(graph.inputs[0].shape, (mlq::Shape{1, 3}));
    ASSERT_EQ(graph.outputs.size(), 2u);
    EXPECT_EQ(graph.outputs[0].name, "products");
    // Results of the call are in the order in which the function lists them.
    const auto products = only_result(graph, 0, {1, 0, 2}), scores = only_result(graph, 1, {1, 0, 2});
    EXPECT_EQ(scores, (std::vector<float>{21, 34}));
    EXPECT_EQ(products, (std::vector<float>{11, 14}));
  }
}

TEST(SavedModel, TheDigestCoversTheVariables) {
  TemporaryFolder folder;
  write_model(folder / "net", dense_model());
  const std::string before = read_source(folder / "net").sha256;
  auto other = values;
  other.begin()->second.values[0] = 7;
  test::write_checkpoint(folder / "net/variables/variables", other);
  EXPECT_NE(read_source(folder / "net").sha256, before);
}

// What a trainer overwrites keeps its name, and its folder its time: a build must look at the files.
TEST(SavedModel, TheVariablesAreFilesThatABuildDependsOn) {
  TemporaryFolder folder;
  write_model(folder / "net", dense_model());
  EXPECT_THAT(files_beside(read_source(folder / "net")),
              testing::IsSupersetOf({folder / "net/saved_model.pb", folder / "net/variables/variables.index",
                                     folder / "net/variables/variables.data-00000-of-00001"}));
}

Diagnostic refusal(const std::filesystem::path& path) {
  try {
    import_graph(read_source(path));
  } catch (const Error& error) {
    EXPECT_EQ(error.exit(), Exit::model);
    EXPECT_FALSE(error.diagnostic().what.empty());
    return error.diagnostic();
  }
  return {};
}

TEST(SavedModel, WhatIsMissingIsNamed) {
  TemporaryFolder folder;
  write_model(folder / "net", dense_model());
  std::filesystem::remove_all(folder / "net/variables");
  EXPECT_EQ(refusal(folder / "net").code, "MLQ301");
  auto fewer = values;
  fewer.erase(fewer.begin());
  test::write_checkpoint(folder / "net/variables/variables", fewer);
  EXPECT_THAT(refusal(folder / "net").what, HasSubstr("layer/b/.ATTRIBUTES/VARIABLE_VALUE"));
  tensorflow::SavedModel model = dense_model();
  auto& signatures = *model.mutable_meta_graphs(0)->mutable_signature_def();
  const auto one = signatures["serving_default"];
  signatures.erase("serving_default");
  write_model(folder / "none", model);
  EXPECT_THAT(refusal(folder / "none").what, HasSubstr("no signature"));
  signatures["b"] = one, signatures["a"] = one;
  write_model(folder / "several", model);
  EXPECT_THAT(refusal(folder / "several").what, HasSubstr("(a, b)"));
}

// Files under the folder, each damaged in turn: an error, or exactly what the whole folder gives.
class DamagedSavedModel : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    write_model(folder_ / "net", dense_model());
    bytes_ = mlq::test::read(folder_ / "net" / GetParam());
  }

  // Damage that no checksum covers may change a name or a number, but nothing else.
  void expect_error_or_equal(const std::string& damaged) {
    std::ofstream(folder_ / "net" / GetParam(), std::ios::binary) << damaged;
    try {
      const mlq::Graph graph = import_graph(read_source(folder_ / "net"));
      EXPECT_TRUE(mlq::check(graph).ok());
      if (std::string(GetParam()) == "saved_model.pb") return;
      EXPECT_EQ(only_result(graph, 1, {1, 0, 2}), (std::vector<float>{21, 34}));
    } catch (const Error& error) {
      EXPECT_EQ(error.exit(), Exit::model);
      EXPECT_FALSE(error.diagnostic().what.empty());
    }
  }

  TemporaryFolder folder_;
  std::string bytes_;
};

TEST_P(DamagedSavedModel, EveryPrefix) {
  for (std::size_t n = 0; n < bytes_.size(); n += 1 + bytes_.size() / 400)
    expect_error_or_equal(bytes_.substr(0, n));
}

TEST_P(DamagedSavedModel, FlippedBits) {
  std::mt19937 random(6);
  rusage before{}, after{};
  getrusage(RUSAGE_SELF, &before);
  for (int trial = 0; trial < 500; ++trial) {
    std::string damaged = bytes_;
    damaged[random() % bytes_.size()] ^= static_cast<char>(1 << random() % 8);
    expect_error_or_equal(damaged);
  }
  getrusage(RUSAGE_SELF, &after);
  EXPECT_LT(after.ru_maxrss - before.ru_maxrss, 64 * 1024);
}

INSTANTIATE_TEST_SUITE_P(Files, DamagedSavedModel,
                         testing::Values("saved_model.pb", "variables/variables.index",
                                         "variables/variables.data-00000-of-00001"));

}  // namespace
}  // namespace mlqc
