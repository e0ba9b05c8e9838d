// Damaged TensorFlow graphs end in one clear sentence or in a network that can be checked, without a crash
// and without much memory.
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
    const mlq::Graph graph = import_graph({"test.pb", mlq::copy_data(std::as_bytes(all)), "", "tensorflow"});
    EXPECT_TRUE(mlq::check(graph).ok());
    return true;
  } catch (const Error& error) {
    EXPECT_EQ(error.exit(), Exit::model);
    EXPECT_FALSE(error.diagnostic().what.empty());
    EXPECT_EQ(error.diagnostic().where.file, "test.pb");
    return false;
  }
}

class MalformedTensorFlow : public testing::TestWithParam<const char*> {
 protected:
  static std::string whole() {
    return mlq::test::read(mlq::test::shared_folder() / "models/tensorflow" / GetParam());
  }
};

TEST_P(MalformedTensorFlow, EveryHundredthPrefix) {
  MLQ_NEEDS_SHARED();
  const std::string bytes = whole();
  import_or_refuse(bytes);
  for (std::size_t percent = 0; percent < 100; ++percent)
    import_or_refuse(bytes.substr(0, bytes.size() * percent / 100));
}

TEST_P(MalformedTensorFlow, FlippedBits) {
  MLQ_NEEDS_SHARED();
  const std::string bytes = whole();
  std::mt19937 random(5);
  const long before = mlq::test::peak_kilobytes();
  // The largest graph is lowered to its end nearly each time, which takes a while with sanitizers.
  const int trials = std::string(GetParam()) == "mtcnn.pb" ? 100 : 500;
  for (int trial = 0; trial < trials; ++trial) {
    std::string damaged = bytes;
    damaged[random() % bytes.size()] ^= static_cast<char>(1 << random() % 8);
    import_or_refuse(damaged);
  }
  EXPECT_LT(mlq::test::peak_kilobytes() - before, mlq::test::allowed_kilobytes(bytes.size()));
}

// In a graph without weights every flip hits what describes the network.
std::string tag(int field, const std::string& body) {
  std::string text(1, static_cast<char>(field << 3 | 2));
  for (std::size_t n = body.size(); true; n >>= 7) {
    text += static_cast<char>((n & 127) | (n > 127 ? 128 : 0));
    if (n < 128) break;
  }
  return text + body;
}

std::string attribute(const std::string& key, const std::string& value) {
  return tag(5, tag(1, key) + tag(2, value));
}

std::string node(const std::string& name, const std::string& op, const std::vector<std::string>& inputs,
                 const std::string& attributes) {
  std::string body = tag(1, name) + tag(2, op);
  for (const std::string& input : inputs) body += tag(3, input);
  return body + attributes;
}

const std::string real = attribute("dtype", "\x30\x01");

std::string small_graph() {
  const std::string shape = attribute("shape", tag(7, tag(2, "\x08\x01") + tag(2, "\x08\x04")));
  const std::string tensor = "\x08\x01" + tag(2, tag(2, "\x08\x04")) + tag(4, std::string(16, '\x3f'));
  return tag(1, node("x", "Placeholder", {}, real + shape)) +
         tag(1, node("w", "Const", {}, real + attribute("value", tag(8, tensor)))) +
         tag(1, node("y", "Add", {"x", "w"}, "")) + tag(1, node("z", "Softmax", {"y:0"}, ""));
}

TEST(MalformedTensorFlow, EveryBitAndEveryPrefixOfASmallGraph) {
  const std::string bytes = small_graph();
  ASSERT_TRUE(import_or_refuse(bytes));
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    import_or_refuse(bytes.substr(0, at));
    for (int bit = 0; bit < 8; ++bit) {
      std::string damaged = bytes;
      damaged[at] ^= static_cast<char>(1 << bit);
      import_or_refuse(damaged);
    }
  }
}

TEST(MalformedTensorFlow, ManyTinyNodesAreRefused) {
  std::string bytes;
  for (int i = 0; i < 3'000'000; ++i) bytes += std::string("\x0a\0", 2);
  const long before = mlq::test::peak_kilobytes();
  EXPECT_FALSE(import_or_refuse(bytes));
  EXPECT_LT(mlq::test::peak_kilobytes() - before, 64 * 1024);
}

TEST(MalformedTensorFlow, OneNumberForManyIsBounded) {
  const std::string tensor =
      "\x08\x01" + tag(2, tag(2, "\x08\xff\xff\xff\xff\x0f")) + tag(5, std::string(4, '\0'));
  const std::string shape = attribute("shape", tag(7, tag(2, "\x08\x01")));
  EXPECT_FALSE(import_or_refuse(tag(1, node("x", "Placeholder", {}, real + shape)) +
                                tag(1, node("w", "Const", {}, real + attribute("value", tag(8, tensor)))) +
                                tag(1, node("y", "Add", {"x", "w"}, ""))));
}

TEST(MalformedTensorFlow, ACircleIsRefused) {
  const std::string shape = attribute("shape", tag(7, tag(2, "\x08\x01")));
  EXPECT_FALSE(import_or_refuse(
      tag(1, node("x", "Placeholder", {}, real + shape)) + tag(1, node("a", "Add", {"x", "b"}, "")) +
      tag(1, node("b", "Add", {"x", "a"}, "")) + tag(1, node("c", "Relu", {"b"}, ""))));
}

// Each function calls the next one twice: thirty of them would be a billion nodes.
TEST(MalformedTensorFlow, FunctionsThatGrowAreRefused) {
  std::string library;
  for (int i = 0; i < 30; ++i) {
    const std::string next = i == 29 ? "Relu" : "f" + std::to_string(i + 1);
    const std::string signature =
        tag(1, tag(1, "f" + std::to_string(i)) + tag(2, tag(1, "x")) + tag(3, tag(1, "y")));
    library += tag(1, signature + tag(3, node("a", next, {"x"}, "")) +
                          tag(3, node("b", next, {"a:y:0"}, "")) + tag(4, tag(1, "y") + tag(2, "b:y:0")));
  }
  const std::string shape = attribute("shape", tag(7, tag(2, "\x08\x01")));
  EXPECT_FALSE(import_or_refuse(tag(1, node("x", "Placeholder", {}, real + shape)) +
                                tag(1, node("y", "f0", {"x"}, "")) + tag(2, library)));
}

INSTANTIATE_TEST_SUITE_P(Shared, MalformedTensorFlow,
                         testing::Values("kws_DS_CNN_S.pb", "mtcnn.pb", "CustomVision_android/model.pb"));

}  // namespace
}  // namespace mlqc
