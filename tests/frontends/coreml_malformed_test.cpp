// Damaged files end in one clear sentence, without a crash and without much memory.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <random>

#include "compiler/support/error.h"
#include "tests/frontends/coreml_fixture.h"

namespace mlqc {
namespace {

// Imports; a refusal has to be complete.
void import_or_refuse(const std::string& bytes) {
  try {
    const mlq::Graph graph = import_graph(test::source_of(bytes));
    EXPECT_TRUE(mlq::check(graph).ok());
  } catch (const Error& error) {
    EXPECT_EQ(error.exit(), Exit::model);
    EXPECT_FALSE(error.diagnostic().what.empty());
    EXPECT_EQ(error.diagnostic().where.file, "test.mlmodel");
  }
}

long peak_kilobytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

TEST(Malformed, EveryPrefix) {
  const std::string whole = test::classifier().SerializeAsString();
  for (std::size_t size = 0; size < whole.size(); ++size) import_or_refuse(whole.substr(0, size));
}

TEST(Malformed, FlippedBits) {
  const std::string whole = test::classifier().SerializeAsString();
  std::mt19937 random(1);
  const long before = peak_kilobytes();
  for (int trial = 0; trial < 2000; ++trial) {
    std::string bytes = whole;
    for (int flips = 0; flips <= trial % 3; ++flips)
      bytes[random() % bytes.size()] ^= static_cast<char>(1 << random() % 8);
    import_or_refuse(bytes);
  }
  EXPECT_LT(peak_kilobytes() - before, 300 * 1024);
}

TEST(Malformed, RandomBytes) {
  std::mt19937 random(2);
  for (int trial = 0; trial < 500; ++trial) {
    std::string bytes(random() % 200, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    import_or_refuse(bytes);
  }
}

TEST(Malformed, HugeSizesCostNothing) {
  coreml::Model model = test::classifier();
  coreml::NeuralNetwork& network = *model.mutable_neural_network_classifier();
  const long before = peak_kilobytes();
  auto& fill = *test::add_layer(network, "fill", "", "filled").mutable_fill_static();
  for (int i = 0; i < 4; ++i) fill.add_target_shape(2000000000);
  import_or_refuse(model.SerializeAsString());
  network.mutable_layers(0)->mutable_convolution()->set_output_channels(~std::uint64_t{0});
  import_or_refuse(model.SerializeAsString());
  network.mutable_layers(0)->mutable_convolution()->set_output_channels(2000000000);
  import_or_refuse(model.SerializeAsString());
  EXPECT_LT(peak_kilobytes() - before, 100 * 1024);
}

}  // namespace
}  // namespace mlqc
