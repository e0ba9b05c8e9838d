// Damaged TensorFlow Lite files end in one clear sentence or in a network that can be checked, without a
// crash and without much memory.
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
    const mlq::Graph graph = import_graph({"test.tflite", mlq::copy_data(std::as_bytes(all)), "", "tflite"});
    EXPECT_TRUE(mlq::check(graph).ok());
    return true;
  } catch (const Error& error) {
    EXPECT_EQ(error.exit(), Exit::model);
    EXPECT_FALSE(error.diagnostic().what.empty());
    EXPECT_EQ(error.diagnostic().where.file, "test.tflite");
    return false;
  }
}

class MalformedTfLite : public testing::TestWithParam<const char*> {
 protected:
  static std::string whole() {
    return mlq::test::read(mlq::test::shared_folder() / "models/tflite" / GetParam());
  }
};

TEST_P(MalformedTfLite, EveryHundredthPrefix) {
  MLQ_NEEDS_SHARED();
  const std::string bytes = whole();
  ASSERT_TRUE(import_or_refuse(bytes));
  for (std::size_t percent = 0; percent < 100; ++percent)
    import_or_refuse(bytes.substr(0, bytes.size() * percent / 100));
}

// The weights are most of a file; half of the flips are in what describes the network.
TEST_P(MalformedTfLite, FlippedBits) {
  MLQ_NEEDS_SHARED();
  const std::string bytes = whole();
  std::mt19937 random(3);
  const long before = mlq::test::peak_kilobytes();
  for (int trial = 0; trial < 500; ++trial) {
    std::string damaged = bytes;
    const std::size_t from = trial % 2 ? bytes.size() - std::min<std::size_t>(bytes.size(), 24000) : 0;
    damaged[from + random() % (bytes.size() - from)] ^= static_cast<char>(1 << random() % 8);
    import_or_refuse(damaged);
  }
  EXPECT_LT(mlq::test::peak_kilobytes() - before, mlq::test::allowed_kilobytes(bytes.size()));
}

INSTANTIATE_TEST_SUITE_P(Shared, MalformedTfLite,
                         testing::Values("mlperf_tiny_resnet8_quant.tflite",
                                         "mlperf_tiny_resnet8_float.tflite",
                                         "mobilenet_v1_0.25_224_quant.tflite"));

TEST(MalformedTfLite, RandomBytesBehindTheIdentifier) {
  std::mt19937 random(4);
  for (int trial = 0; trial < 2000; ++trial) {
    std::string bytes(16 + random() % 400, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random() % 3 ? random() % 40 : random());
    bytes.replace(4, 4, "TFL3");
    EXPECT_FALSE(import_or_refuse(bytes));
  }
}

}  // namespace
}  // namespace mlqc
