// Files that are missing, cut off, changed or of another kind, and folders that cannot be written: a message,
// the exit status of the contract, nothing half-written.
#include <gmock/gmock.h>

#include <random>

#include "tests/driver/digits.h"
#include "tests/driver/mlqc.h"

namespace mlqc {
namespace {

namespace fs = std::filesystem;
using mlq::test::read;
using mlq::test::TemporaryFolder;
using test::digits_manifest;
using test::names_in;
using test::Outcome;
using test::run_mlqc;
using testing::HasSubstr;
using testing::IsEmpty;

struct BadInput : testing::Test {
  TemporaryFolder folder;
  fs::path out = folder / "out";
  std::string manifest =
      folder
          .write("m.mlq.yaml",
                 "schema: 1\nmodel: { file: net.mlmodel }\nquantize: { algorithm: linear, bits: 8 }\n"
                 "validate: { samples: { random: 2 } }\n")
          .string();
  std::string good = read(test::digits_folder() / "digits.mlmodel");

  Outcome compile(const std::string& model) {
    folder.write("net.mlmodel", model);
    return run_mlqc({"compile", manifest, "-o", out.string()});
  }
};

TEST_F(BadInput, AGoodModelCompiles) {
  const Outcome run = compile(good);
  EXPECT_EQ(run.exit, 0) << run.err;
}

TEST_F(BadInput, AMissingModelIsNamedAtItsPlaceInTheManifest) {
  const Outcome run = run_mlqc({"compile", manifest, "-o", out.string()});
  EXPECT_EQ(run.exit, 3);
  EXPECT_EQ(run.err,
            manifest + ":2:16: error: " + (folder / "net.mlmodel").string() +
                ": cannot open: No such file or directory [MLQ301]\n    2 | model: { file: net.mlmodel }\n"
                "      |                ^\n      = hint: check the path; it is relative to the manifest\n");
  EXPECT_THAT(names_in(out), IsEmpty());
}

TEST_F(BadInput, ShapesThatTheNetworkCannotWorkAtAreRefusedAtTheirPlace) {
  const std::string flexible = digits_manifest(
      folder, test::good_settings() + "interface: { inputs: { image: { shapes: 1x1x28x28 } } }\n");
  EXPECT_EQ(run_mlqc({"compile", flexible, "-o", out.string()}).exit, 0);
  digits_manifest(folder, "interface: { inputs: { image: { shapes: 1x1x28x28 or 1x1x32x32 } } }\n");
  const Outcome run = run_mlqc({"compile", flexible, "-o", out.string()});
  EXPECT_EQ(run.exit, 2);
  EXPECT_THAT(run.err, HasSubstr(flexible + ":3:41: error: "));
  EXPECT_THAT(run.err, HasSubstr("does not work at these shapes: 1x1x32x32"));
}

TEST_F(BadInput, FilesThatAreNoModelSayWhatTheyAre) {
  const std::pair<std::string, const char*> cases[] = {
      {"", "[MLQ302]"},
      {"version https://git-lfs.github.com/spec/v1\noid "
       "sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n",
       "[MLQ303]"},
      {"<!DOCTYPE html>\n<html><body>Sign in</body></html>\n", "[MLQ304]"}};
  for (const auto& [content, code] : cases) {
    const Outcome run = compile(content);
    EXPECT_EQ(run.exit, 3) << code;
    EXPECT_THAT(run.err, HasSubstr(code));
    EXPECT_THAT(run.err, HasSubstr(manifest + ":2:16: error: "));
    EXPECT_THAT(names_in(out), IsEmpty());
  }
}

TEST_F(BadInput, ATruncatedModelIsRefused) {
  for (const double part : {0.01, 0.3, 0.5, 0.9, 0.999}) {
    const Outcome run =
        compile(good.substr(0, static_cast<std::size_t>(static_cast<double>(good.size()) * part)));
    EXPECT_EQ(run.exit, 3) << part << run.err;
    EXPECT_THAT(run.err, HasSubstr("error: ")) << part;
    EXPECT_THAT(names_in(out), IsEmpty()) << part;
  }
}

// A flipped bit in a weight is another weight; anything else is refused with a sentence. Never a crash.
TEST_F(BadInput, FlippedBitsAreRefusedOrHarmless) {
  std::mt19937 random(7);
  int refused = 0;
  for (int i = 0; i < 25; ++i) {
    std::string model = good;
    const std::size_t at = random() % (i % 2 ? model.size() : std::min<std::size_t>(model.size(), 400));
    model[at] = static_cast<char>(model[at] ^ (1 << (random() % 8)));
    const Outcome run = compile(model);
    EXPECT_THAT(run.exit, testing::AnyOf(0, 1, 2, 3)) << "byte " << at << run.err;
    if (run.exit == 0 || run.exit == 1) continue;
    ++refused;
    EXPECT_THAT(run.err, HasSubstr("error: ")) << "byte " << at;
    EXPECT_THAT(run.err, testing::Not(HasSubstr("MLQ900"))) << "byte " << at;
  }
  EXPECT_GT(refused, 0);
}

TEST_F(BadInput, AnOutputFolderThatCannotBeIsRefusedBeforeAnyWork) {
  folder.write("net.mlmodel", good);
  folder.write("taken", "a file");
  for (const fs::path& bad : {folder / "taken", folder / "taken/below", fs::path("/proc/no")})
    for (const char* command : {"codegen", "quantize", "compile"}) {
      const Outcome run = run_mlqc({command, manifest, "-o", bad.string()});
      EXPECT_EQ(run.exit, 2) << bad << run.err;
      EXPECT_THAT(run.err, HasSubstr(bad.string() + ": error: cannot write into this folder: ")) << bad;
      EXPECT_THAT(run.err, HasSubstr("[MLQ501]")) << bad;
    }
}

TEST_F(BadInput, AFullDiskLeavesNoHalfWrittenFile) {
  folder.write("net.mlmodel", good);
  // No file may grow beyond one block: writing the artifact fails as on a full disk.
  const Outcome run =
      test::run_mlqc_after("trap '' XFSZ; ulimit -f 1;", {"quantize", manifest, "-o", out.string()});
  EXPECT_EQ(run.exit, 2) << run.err;
  EXPECT_THAT(run.err, HasSubstr("[MLQ501]"));
  EXPECT_THAT(names_in(out), IsEmpty());
}

TEST_F(BadInput, SamplesThatAreMissingEmptyOrCorruptAreNamed) {
  folder.write("net.mlmodel", good);
  const auto with = [&](const char* samples) {
    const std::string file =
        folder
            .write("s.mlq.yaml",
                   std::string("schema: 1\nmodel: { file: net.mlmodel }\nvalidate: { samples: { images: ") +
                       samples + " } }\n")
            .string();
    return run_mlqc({"compile", file, "-o", out.string()});
  };
  const Outcome missing = with("nowhere");
  EXPECT_EQ(missing.exit, 2);
  EXPECT_THAT(missing.err, HasSubstr("s.mlq.yaml:3:32: error: "));
  EXPECT_THAT(missing.err, HasSubstr("[MLQ401]"));
  fs::create_directories(folder / "empty");
  EXPECT_THAT(with("empty").err, HasSubstr("[MLQ402]"));
  EXPECT_THAT(names_in(out), testing::Not(testing::Contains("s.mlq")));

  fs::create_directories(folder / "some");
  fs::copy_file(
      fs::recursive_directory_iterator(test::digits_folder() / "samples")->path().extension() == ".png"
          ? fs::recursive_directory_iterator(test::digits_folder() / "samples")->path()
          : fs::directory_iterator(fs::directory_iterator(test::digits_folder() / "samples")->path())->path(),
      folder / "some/good.png");
  folder.write("some/broken.png", read(folder / "some/good.png").substr(0, 60));
  const Outcome corrupt = with("some");
  EXPECT_EQ(corrupt.exit, 1) << "a failed sample is a red gate";
  EXPECT_THAT(corrupt.err, HasSubstr("1 samples could not be run, 1 could [MLQ210]"));
  EXPECT_THAT(corrupt.err, HasSubstr("broken.png"));
}

TEST_F(BadInput, ADamagedArtifactIsRefused) {
  ASSERT_EQ(compile(good).exit, 0);
  const std::string artifact = read(out / "m.mlq");
  for (const std::string& bad :
       {std::string(), artifact.substr(0, artifact.size() / 2), std::string("no artifact at all")}) {
    const Outcome run = run_mlqc({"inspect", folder.write("bad.mlq", bad).string()});
    EXPECT_EQ(run.exit, 3);
    EXPECT_THAT(run.err, HasSubstr("bad.mlq: error: "));
  }
}

}  // namespace
}  // namespace mlqc
