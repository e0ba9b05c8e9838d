// Damaged Keras files end in one clear sentence or in a network that can be checked, without a crash, a hang
// or much memory.
#include <gtest/gtest.h>

#include <random>

#include "compiler/frontends/frontend.h"
#include "compiler/support/error.h"
#include "tests/support/files.h"
#include "tests/support/memory.h"

namespace mlqc {
namespace {

// True when the bytes are a network.
bool import_or_refuse(const std::string& bytes) {
  try {
    const std::span all(bytes.data(), bytes.size());
    const mlq::Graph graph = import_graph({"test.h5", mlq::copy_data(std::as_bytes(all)), "", "keras"});
    EXPECT_TRUE(mlq::check(graph).ok());
    return true;
  } catch (const Error& error) {
    EXPECT_EQ(error.exit(), Exit::model);
    EXPECT_FALSE(error.diagnostic().what.empty());
    EXPECT_EQ(error.diagnostic().where.file, "test.h5");
    return false;
  }
}

class MalformedKeras : public testing::TestWithParam<const char*> {
 protected:
  static std::string whole() {
    return mlq::test::read(mlq::test::shared_folder() / "models/keras" / GetParam());
  }
};

TEST_P(MalformedKeras, EveryHundredthPrefix) {
  MLQ_NEEDS_SHARED();
  const std::string bytes = whole();
  ASSERT_TRUE(import_or_refuse(bytes));
  for (std::size_t percent = 0; percent < 100; ++percent)
    EXPECT_FALSE(import_or_refuse(bytes.substr(0, bytes.size() * percent / 100))) << percent;
}

// 500 in both files together. The weights are most of a file; two thirds of the flips are in what describes
// the network.
TEST_P(MalformedKeras, FlippedBits) {
  MLQ_NEEDS_SHARED();
  const std::string bytes = whole();
  std::mt19937 random(5);
  const long before = mlq::test::peak_kilobytes();
  for (int trial = 0; trial < 250; ++trial) {
    std::string damaged = bytes;
    const std::size_t range = trial % 3 == 0 ? bytes.size() : trial % 3 == 1 ? 2048 : 30000;
    damaged[random() % std::min(range, bytes.size())] ^= static_cast<char>(1 << random() % 8);
    import_or_refuse(damaged);
  }
  EXPECT_LT(mlq::test::peak_kilobytes() - before, mlq::test::allowed_kilobytes(bytes.size()));
}

INSTANTIATE_TEST_SUITE_P(Shared, MalformedKeras,
                         testing::Values("cnn_max_mnist2.h5", "fer2013_mini_XCEPTION.107-0.66.hdf5"));

// Names, operators and weights of an archive's network.
std::string contents(const std::string& bytes) {
  const std::span all(bytes.data(), bytes.size());
  const mlq::Graph graph = import_graph({"test.keras", mlq::copy_data(std::as_bytes(all)), "", "keras"});
  std::string text;
  for (const mlq::Tensor& tensor : graph.tensors)
    if (tensor.data)
      text.append(reinterpret_cast<const char*>(tensor.data->bytes.data()), tensor.data->bytes.size());
  for (const mlq::Node& node : graph.nodes) text += node.name + node.op;
  return text;
}

class MalformedKerasArchive : public testing::TestWithParam<const char*> {
 protected:
  static std::string whole() { return mlq::test::read(mlq::test::data_folder() / "keras" / GetParam()); }
};

TEST_P(MalformedKerasArchive, EveryHundredthPrefix) {
  const std::string bytes = whole();
  ASSERT_TRUE(import_or_refuse(bytes));
  for (std::size_t percent = 0; percent < 100; ++percent)
    EXPECT_FALSE(import_or_refuse(bytes.substr(0, bytes.size() * percent / 100))) << percent;
}

// Members have checksums: what imports is what was there, the flip was in what nobody
// reads.
TEST_P(MalformedKerasArchive, FlippedBits) {
  const std::string bytes = whole(), expected = contents(bytes);
  std::mt19937 random(6);
  const long before = mlq::test::peak_kilobytes();
  for (int trial = 0; trial < 500; ++trial) {
    std::string damaged = bytes;
    damaged[random() % bytes.size()] ^= static_cast<char>(1 << random() % 8);
    try {
      EXPECT_TRUE(contents(damaged) == expected) << trial;
    } catch (const Error& error) {
      EXPECT_EQ(error.exit(), Exit::model);
      EXPECT_FALSE(error.diagnostic().what.empty());
    }
  }
  EXPECT_LT(mlq::test::peak_kilobytes() - before, mlq::test::allowed_kilobytes(bytes.size()));
}

INSTANTIATE_TEST_SUITE_P(Files, MalformedKerasArchive, testing::Values("nested.keras", "text.keras"));

TEST(MalformedKeras, OtherThings) {
  EXPECT_FALSE(import_or_refuse("\x89HDF\r\n\x1a\n"));
  EXPECT_FALSE(import_or_refuse(std::string("\x89HDF\r\n\x1a\n") + std::string(4000, '\xff')));
  EXPECT_FALSE(import_or_refuse(std::string("PK\3\4") + std::string(4000, 'x')));
}

}  // namespace
}  // namespace mlqc
