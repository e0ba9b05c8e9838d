// `custom_lut`: the table is the function's, and what the function does wrong is said as its own.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <set>

#include "compiler/driver/model_file.h"
#include "tests/driver/digits.h"
#include "tests/driver/mlqc.h"
#include "tests/support/files.h"

namespace mlqc {
namespace {

namespace fs = std::filesystem;
using mlq::test::TemporaryFolder;
using test::Outcome;
using test::run_mlqc;
using testing::AllOf;
using testing::HasSubstr;

struct CustomLut : testing::Test {
  TemporaryFolder folder;
  fs::path out = folder / "out";

  Outcome quantize(const std::string& function, const std::string& rest = "", const std::string& end = "",
                   const std::vector<std::string>& more = {"--plugin", LUTS, "--plugin-seconds", "20"}) {
    const std::string file = test::digits_manifest(
        folder, "quantize: { algorithm: custom_lut, bits: 3, function: app::" + function +
                    ", header: luts.h" + rest + " }\n" + end);
    std::vector<std::string> words = {"compile", file, "-o", out.string(), "--name", "net"};
    words.insert(words.end(), more.begin(), more.end());
    return run_mlqc(words);
  }
  // What the weights of the written artifact are.
  std::set<float> values() const {
    std::set<float> all;
    const ModelFile file = open_model((out / "net.mlq").string(), {});
    for (const mlq::Tensor& tensor : file.graph.tensors) {
      if (!tensor.data || !tensor.quantization) continue;
      std::vector<float> decoded(static_cast<std::size_t>(*mlq::element_count(tensor.shape)));
      EXPECT_TRUE(mlq::dequantize(tensor, decoded).ok());
      all.insert(decoded.begin(), decoded.end());
    }
    return all;
  }
};

TEST_F(CustomLut, TheTableIsTheFunctions) {
  const Outcome run = quantize("signs");
  ASSERT_EQ(run.exit, 0) << run.err;
  EXPECT_EQ(values(), (std::set<float>{-0.5f, 0.5f}));
}

TEST_F(CustomLut, CompensatedRoundingKeepsTheTable) {
  const std::string calibrate = "calibrate: { random: 4 }\n";
  const Outcome run = quantize("signs", ", rounding: compensated", calibrate);
  ASSERT_EQ(run.exit, 0) << run.err;
  EXPECT_EQ(values(), (std::set<float>{-0.5f, 0.5f}));
}

TEST_F(CustomLut, TheFunctionSeesWhatErrorsCostOnceSomethingIsCalibrated) {
  ASSERT_EQ(quantize("mean").exit, 0);
  const std::set<float> plain = values();
  ASSERT_EQ(quantize("mean", ", rounding: compensated", "calibrate: { random: 4 }\n").exit, 0);
  const std::set<float> weighted = values();
  EXPECT_EQ(plain.size(), weighted.size()) << "one value a layer";
  EXPECT_NE(plain, weighted);
}

TEST_F(CustomLut, WithoutCodeIsAnError) {
  const Outcome run = quantize("signs", "", "", {});
  EXPECT_EQ(run.exit, 2);
  EXPECT_THAT(run.err,
              AllOf(HasSubstr("the function of 'custom_lut' has no code [MLQ314]"), HasSubstr("QUANTIZERS")));
  EXPECT_EQ(quantize("sings").exit, 2) << "a function that the plugin does not bring";
}

TEST_F(CustomLut, WhatItDoesWrongIsItsOwn) {
  struct Fault {
    const char *name, *sentence;
  };
  for (const Fault& fault :
       {Fault{"refuses", " has no table for it [MLQ318]"},
        Fault{"throws", " threw an exception: out of ideas [MLQ318]"},
        Fault{"crashes", "(one table) crashed: Segmentation"},
        Fault{"too_large", " gave a table of 9 entries; 3 bits hold 1 to 8 [MLQ318]"},
        Fault{"empty", " gave a table of 0 entries; 3 bits hold 1 to 8 [MLQ318]"},
        Fault{"nan", " gave nan as entry 1 of the table [MLQ318]"},
        Fault{"beyond", ", but the table has 2 entries [MLQ318]"}, Fault{"too_few", " weights [MLQ318]"}}) {
    const Outcome run = quantize(fault.name);
    EXPECT_EQ(run.exit, 3) << fault.name << run.err;
    EXPECT_THAT(run.err, AllOf(HasSubstr(std::string("quantizer app::") + fault.name + " of layer '"),
                               HasSubstr(fault.sentence)));
    EXPECT_FALSE(fs::exists(out / "net.mlq")) << fault.name;
  }
  const Outcome loop = quantize("loops", "", "", {"--plugin", LUTS, "--plugin-seconds", "3"});
  EXPECT_EQ(loop.exit, 3);
  EXPECT_THAT(loop.err, HasSubstr("(one table) did not come back within 3 seconds"));
}

}  // namespace
}  // namespace mlqc
