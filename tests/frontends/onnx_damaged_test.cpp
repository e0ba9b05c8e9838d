// Files with single bits changed, and small ones that ask for much: a sentence or a network, in bounded
// memory.
#include <gtest/gtest.h>
#include <onnx/onnx_pb.h>
#include <sys/resource.h>

#include <random>

#include "compiler/frontends/frontend.h"
#include "compiler/support/error.h"
#include "tests/support/files.h"

namespace mlqc {
namespace {

using ::onnx::ModelProto;
using ::onnx::TensorProto;

// True when the bytes are a network.
bool import_or_refuse(const std::string& bytes) {
  try {
    const std::span all(bytes.data(), bytes.size());
    const mlq::Graph graph = import_graph({"test.onnx", mlq::copy_data(std::as_bytes(all)), "", "onnx"});
    EXPECT_TRUE(mlq::check(graph).ok());
    return true;
  } catch (const Error& error) {
    EXPECT_EQ(error.exit(), Exit::model);
    EXPECT_FALSE(error.diagnostic().what.empty());
    EXPECT_EQ(error.diagnostic().where.file, "test.onnx");
    return false;
  }
}

long peak_kilobytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

class DamagedOnnx : public testing::TestWithParam<const char*> {
 protected:
  static std::string whole() { return mlq::test::read(mlq::test::shared_folder() / GetParam()); }
};

TEST_P(DamagedOnnx, EveryHundredthPrefix) {
  MLQ_NEEDS_SHARED();
  const std::string bytes = whole();
  ASSERT_TRUE(import_or_refuse(bytes));
  for (std::size_t percent = 0; percent < 100; ++percent)
    import_or_refuse(bytes.substr(0, bytes.size() * percent / 100));
}

// The weights are most of a file; two thirds of the flips are in what comes before and after them.
TEST_P(DamagedOnnx, FlippedBits) {
  MLQ_NEEDS_SHARED();
  const std::string bytes = whole();
  std::mt19937 random(6);
  const long before = peak_kilobytes();
  for (int trial = 0; trial < 600; ++trial) {
    std::string damaged = bytes;
    const std::size_t part = trial % 3 ? std::min<std::size_t>(bytes.size(), 2000) : bytes.size();
    const std::size_t from = trial % 3 == 2 ? bytes.size() - part : 0;
    for (int flips = 0; flips <= trial % 2; ++flips)
      damaged[from + random() % part] ^= static_cast<char>(1 << random() % 8);
    import_or_refuse(damaged);
  }
  EXPECT_LT(peak_kilobytes() - before, 300 * 1024);
}

INSTANTIATE_TEST_SUITE_P(Shared, DamagedOnnx,
                         testing::Values("models/onnx/mnist_8/model.onnx", "models/onnx/mnist_cnn_max2.onnx",
                                         "conformance/onnx/node/test_loop11/model.onnx",
                                         "conformance/onnx/node/test_scan9_sum/model.onnx"));

// One operator on an input of a gigantic shape, with constants as further operands.
std::string greedy(const std::string& op, const std::vector<std::int64_t>& shape,
                   const std::vector<std::vector<std::int64_t>>& operands) {
  ModelProto model;
  model.set_ir_version(8);
  model.add_opset_import()->set_version(17);
  auto& graph = *model.mutable_graph();
  auto& node = *graph.add_node();
  node.set_op_type(op);
  node.add_output("y");
  graph.add_output()->set_name("y");
  graph.mutable_output(0)->mutable_type()->mutable_tensor_type()->set_elem_type(TensorProto::FLOAT);
  if (!shape.empty()) {
    graph.add_input()->set_name("x");
    auto& type = *graph.mutable_input(0)->mutable_type()->mutable_tensor_type();
    type.set_elem_type(TensorProto::FLOAT);
    for (const std::int64_t dim : shape) type.mutable_shape()->add_dim()->set_dim_value(dim);
    node.add_input("x");
  }
  for (const auto& values : operands) {
    TensorProto& tensor = *graph.add_initializer();
    tensor.set_name("c" + std::to_string(graph.initializer_size()));
    tensor.set_data_type(TensorProto::INT64);
    if (values.size() != 1) tensor.add_dims(static_cast<std::int64_t>(values.size()));
    for (const std::int64_t value : values) tensor.add_int64_data(value);
    node.add_input(values.empty() ? "" : tensor.name());
    if (values.empty()) graph.mutable_initializer()->RemoveLast();
  }
  return model.SerializeAsString();
}

TEST(GreedyOnnx, OperatorsThatAskForMuchGetNothing) {
  constexpr std::int64_t huge = std::int64_t{1} << 40;
  const long before = peak_kilobytes();
  import_or_refuse(greedy("ConstantOfShape", {}, {{huge, 2}}));
  import_or_refuse(greedy("ConstantOfShape", {}, {{INT64_MAX, INT64_MAX}}));
  import_or_refuse(greedy("Range", {}, {{0}, {huge}, {1}}));
  import_or_refuse(greedy("Tile", {2}, {{huge}}));
  import_or_refuse(greedy("Expand", {1}, {{huge, huge}}));
  import_or_refuse(greedy("Relu", {huge, huge, huge}, {}));
  import_or_refuse(greedy("SplitToSequence", {huge}, {{1}}));
  import_or_refuse(greedy("SplitToSequence", {huge}, {}));
  import_or_refuse(greedy("STFT", {1, huge, 1}, {{1}, {}, {16}}));
  import_or_refuse(greedy("HannWindow", {}, {{huge}}));
  import_or_refuse(greedy("Pad", {2}, {{huge, huge}}));
  import_or_refuse(greedy("Reshape", {2}, {{-1, 0, huge}}));
  import_or_refuse(greedy("OneHot", {2}, {{huge}, {0, 1}}));
  import_or_refuse(greedy("CenterCropPad", {2}, {{huge}}));
  import_or_refuse(greedy("Col2Im", {1, 4, 4}, {{huge, huge}, {1, 1}}));
  EXPECT_LT(peak_kilobytes() - before, 300 * 1024);
}

}  // namespace
}  // namespace mlqc
