// Custom layers in mlqc: what is missing, and what a plugin does wrong, is said as what it is.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

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

struct Plugin : testing::Test {
  TemporaryFolder folder;
  fs::path out = folder / "out";
  fs::path model =
      mlq::test::data_folder().parent_path().parent_path() / "examples/swish_layer/swish.mlmodel";

  std::string manifest(const std::string& custom_layers) {
    fs::copy_file(model, folder / "swish.mlmodel", fs::copy_options::overwrite_existing);
    return folder
        .write("m.mlq.yaml", "schema: 1\nmodel: { file: swish.mlmodel }\n" + custom_layers +
                                 "validate: { samples: { random: 4 } }\n")
        .string();
  }
  std::string entry(const std::string& rest) {
    return manifest("custom_layers: [ { class: Swish, type: app::Swish, header: swish.h" + rest + " } ]\n");
  }
  Outcome quantize(const std::string& file, const std::vector<std::string>& more) {
    std::vector<std::string> words = {"quantize", file, "-o", out.string()};
    words.insert(words.end(), more.begin(), more.end());
    return run_mlqc(words);
  }
  Outcome with_fault(const std::string& fault) {
    return quantize(entry(", parameters: { fault: " + fault + " }"),
                    {"--plugin", FAULTY, "--plugin-seconds", "20"});
  }
  bool wrote() const { return fs::exists(out / "m.mlq"); }
};

TEST_F(Plugin, RunsTheLayerWhileTheModelIsValidated) {
  const Outcome run = quantize(entry(""), {"--plugin", FAULTY});
  ASSERT_EQ(run.exit, 0) << run.err;
  const auto measured = nlohmann::json::parse(mlq::test::read(out / "m.measured.json"));
  EXPECT_EQ(measured["samples"]["count"], 4);
  EXPECT_EQ(measured["outputs"]["y"]["max_abs_error"]["value"], 0);
}

TEST_F(Plugin, WithoutAnEntryTheModelNamesTheClassAndTheLineThatCures) {
  const Outcome run = quantize(manifest(""), {});
  EXPECT_EQ(run.exit, 3);
  EXPECT_THAT(run.err, AllOf(HasSubstr("layer 'swish' of class Swish is not supported [MLQ311]"),
                             HasSubstr("custom_layers: - { class: Swish, type: app::Swish, header: ... }")));
}

TEST_F(Plugin, WithoutCodeTheBuildsWordForItIsNamed) {
  const Outcome run = quantize(entry(""), {});
  EXPECT_EQ(run.exit, 3);
  EXPECT_THAT(run.err, AllOf(HasSubstr("layer 'swish' of class Swish has no code"), HasSubstr("[MLQ314]"),
                             HasSubstr("CUSTOM_LAYERS")));
}

TEST_F(Plugin, AnEntryThatIsAboutNoLayerIsMisspelt) {
  const Outcome run =
      quantize(manifest("custom_layers: [ { class: Swich, type: app::Swish, header: swish.h } ]\n"),
               {"--plugin", FAULTY});
  EXPECT_EQ(run.exit, 2);
  EXPECT_THAT(run.err, AllOf(HasSubstr("m.mlq.yaml:3:27: error: the model has no layer of class Swich"),
                             HasSubstr("did you mean 'Swish'?")));
}

TEST_F(Plugin, ParametersOfTheManifestWinOverTheModels) {
  const Outcome saved =
      run_mlqc({"quantize", entry(", parameters: { beta: 0 }"), "-o", out.string(), "--plugin", FAULTY});
  ASSERT_EQ(saved.exit, 0) << saved.err;
  // With beta 0, half of each number; the samples are the same for both models.
  const Outcome run = run_mlqc({"compare", (out / "m.mlq").string(), (folder / "swish.mlmodel").string(),
                                "--samples", "random:3", "--plugin", FAULTY});
  EXPECT_EQ(run.exit, 0) << run.err;
  EXPECT_THAT(run.out, HasSubstr("max_abs_error"));
}

struct Fault {
  const char* name;
  const char* sentence;
};

TEST_F(Plugin, WrongShapesAndRefusalsStopTheImport) {
  for (const Fault& fault : {Fault{"negative", "of class Swish gives the impossible output shape ?"},
                             Fault{"two", "of class Swish gives shapes for 2 outputs, and has 1"},
                             Fault{"refuse", "does not take its parameters: no fault of that name"},
                             Fault{"throw_early", "init_with_parameters threw an exception: too early"}}) {
    const Outcome run = with_fault(fault.name);
    EXPECT_EQ(run.exit, 3) << fault.name;
    EXPECT_THAT(run.err, HasSubstr(fault.sentence)) << fault.name;
    EXPECT_FALSE(wrote());
  }
}

TEST_F(Plugin, WhatEvaluationDoesWrongIsNamed) {
  for (const Fault& fault : {Fault{"longer", "it did not write element 3 of output 1, which has the shape 4"},
                             Fault{"nan", "it wrote NaN into element 1 of output 1"},
                             Fault{"throw", "evaluate_on_cpu threw an exception: out of ideas"},
                             Fault{"throw_number", "evaluate_on_cpu threw an exception"}}) {
    const Outcome run = with_fault(fault.name);
    EXPECT_EQ(run.exit, 3) << fault.name;
    EXPECT_THAT(run.err, AllOf(HasSubstr("layer 'swish' of class Swish failed"), HasSubstr(fault.sentence),
                               HasSubstr("[MLQ316]")))
        << fault.name;
    EXPECT_FALSE(wrote());
  }
}

TEST_F(Plugin, OutputsLeftUnwrittenAreSeen) {
  const Outcome run = quantize(entry(""), {"--plugin", LAZY});
  EXPECT_EQ(run.exit, 3);
  EXPECT_THAT(run.err, HasSubstr("it did not write element 0 of output 1"));
}

TEST_F(Plugin, CrashesAreNamedByLayerAndMethod) {
  for (const Fault& fault :
       {Fault{"crash", "crashed: Segmentation fault"}, Fault{"abort", "crashed: Aborted"},
        Fault{"stack", "crashed: Segmentation fault"}, Fault{"exit", "ended the process, with status 7"}}) {
    const Outcome run = with_fault(fault.name);
    EXPECT_EQ(run.exit, 3) << fault.name << run.err;
    EXPECT_THAT(run.err, AllOf(HasSubstr("layer 'swish' of class Swish (evaluate_on_cpu)"),
                               HasSubstr(fault.sentence), HasSubstr("[MLQ315]")))
        << fault.name;
    EXPECT_FALSE(wrote());
  }
}

TEST_F(Plugin, AnEndlessLoopIsEnded) {
  const Outcome run =
      quantize(entry(", parameters: { fault: loop }"), {"--plugin", FAULTY, "--plugin-seconds", "3"});
  EXPECT_EQ(run.exit, 3);
  EXPECT_THAT(run.err, HasSubstr("(evaluate_on_cpu) did not come back within 3 seconds [MLQ315]"));
  EXPECT_FALSE(wrote());
}

TEST_F(Plugin, WhatIsNoPluginIsRefused) {
  const Outcome text = quantize(entry(""), {"--plugin", folder.write("a.so", "no module").string()});
  EXPECT_EQ(text.exit, 2);
  EXPECT_THAT(text.err, AllOf(HasSubstr("this plugin cannot be loaded"), HasSubstr("[MLQ124]")));
  const Outcome twice = quantize(entry(""), {"--plugin", FAULTY, "--plugin", LAZY});
  EXPECT_EQ(twice.exit, 2);
  EXPECT_THAT(twice.err, HasSubstr("the class Swish comes from two plugins"));
}

TEST_F(Plugin, ErrorsOfOtherKindsKeepTheirStatus) {
  EXPECT_EQ(run_mlqc({"predict", "none.mlmodel", "--input", "x", "--plugin", FAULTY}).exit, 3);
  EXPECT_EQ(run_mlqc({"quantize", "none.yaml", "-o", out.string(), "--plugin", FAULTY}).exit, 2);
}

TEST_F(Plugin, TheSourceOfTheModuleComesFromTheManifestAlone) {
  const std::string file = entry("");
  fs::remove(folder / "swish.mlmodel");
  const Outcome run = run_mlqc({"plugin", file, "-o", out.string()});
  ASSERT_EQ(run.exit, 0) << run.err;
  EXPECT_THAT(mlq::test::read(out / "m.plugin.cpp"),
              AllOf(HasSubstr("#include \"swish.h\""), HasSubstr("plugin_class<::app::Swish>(\"Swish\")")));
  EXPECT_EQ(run_mlqc({"plugin", manifest(""), "-o", out.string()}).exit, 2);
}

}  // namespace
}  // namespace mlqc
