// What a user sees who mistypes, asks for help, or gives a manifest that is wrong.
#include <gmock/gmock.h>

#include "compiler/driver/commands.h"
#include "tests/driver/mlqc.h"
#include "tests/support/files.h"

namespace mlqc {
namespace {

using mlq::test::TemporaryFolder;
using test::Outcome;
using test::run_mlqc;
using testing::HasSubstr;

TEST(Usage, VersionAndHelp) {
  EXPECT_THAT(run_mlqc({"--version"}).out, testing::MatchesRegex("mlqc [0-9]+\\.[0-9]+\\.[0-9]+\n"));
  const Outcome help = run_mlqc({"--help"});
  EXPECT_EQ(help.exit, 0);
  for (const Command& command : commands()) {
    EXPECT_THAT(help.out, HasSubstr(command.name));
    const Outcome own = run_mlqc({command.name, "--help"});
    EXPECT_EQ(own.exit, 0) << command.name;
    EXPECT_THAT(own.out, HasSubstr("--threads")) << command.name;
    for (const std::string& argument : command.arguments) EXPECT_THAT(own.out, HasSubstr(argument));
  }
}

struct Mistake {
  std::vector<std::string> arguments;
  const char* message;
};

// The command line in the test's name, instead of the object's bytes, which differ from run to run.
void PrintTo(const Mistake& mistake, std::ostream* out) {
  *out << "mlqc";
  for (const std::string& argument : mistake.arguments) *out << ' ' << argument;
}

class Mistakes : public testing::TestWithParam<Mistake> {};

TEST_P(Mistakes, ExitWithTwoAndSayWhatIsMeant) {
  const Outcome run = run_mlqc(GetParam().arguments);
  EXPECT_EQ(run.exit, 2);
  EXPECT_EQ(run.err, GetParam().message);
  EXPECT_EQ(run.out, "");
}

INSTANTIATE_TEST_SUITE_P(
    Usage, Mistakes,
    testing::Values(
        Mistake{
            {"compil"},
            "mlqc: error: mlqc has no command 'compil' [MLQ120]\n      = hint: did you mean 'compile'?\n"},
        Mistake{{},
                "mlqc: error: no command given [MLQ120]\n      = hint: one of compile, codegen, quantize, "
                "gate, accept, "
                "compare, sweep, tune, convert, plugin, predict, inspect, init, schema, explain, doctor\n"},
        Mistake{
            {"compile", "m.yaml", "--ot", "x"},
            "mlqc: error: 'compile' has no option '--ot' [MLQ121]\n      = hint: did you mean '--out'?\n"},
        Mistake{{"schema", "--frobnicate"},
                "mlqc: error: 'schema' has no option '--frobnicate' [MLQ121]\n      = hint: see 'mlqc schema "
                "--help'\n"},
        Mistake{{"compile"},
                "mlqc: error: 'compile' needs MANIFEST [MLQ122]\n      = hint: see 'mlqc compile --help'\n"},
        Mistake{{"compile", "m.yaml"},
                "mlqc: error: 'compile' needs --out [MLQ122]\n      = hint: see 'mlqc compile --help'\n"},
        Mistake{{"compare", "a.mlq", "--samples", "random:1"},
                "mlqc: error: 'compare' needs B [MLQ122]\n      = hint: see 'mlqc compare --help'\n"},
        Mistake{{"inspect", "a.mlq", "b.mlq"},
                "mlqc: error: 'b.mlq' is one argument too many for 'inspect' [MLQ122]\n      = hint: see "
                "'mlqc inspect "
                "--help'\n"},
        Mistake{{"inspect", ""},
                "mlqc: error: an argument is empty [MLQ122]\n      = hint: see 'mlqc inspect --help'\n"},
        Mistake{{"explain", "MLQ1O1"},
                "mlqc: error: there is no message 'MLQ1O1' [MLQ123]\n      = hint: did you mean 'MLQ101'?\n"},
        Mistake{{"gate", "m.yaml", "-o", "x", "--name", "../x"},
                "m.yaml: error: cannot open: No such file or directory [MLQ111]\n      = hint: name a "
                "manifest; 'mlqc init "
                "MODEL' writes one\n"}));

TEST(Usage, BadValuesNameTheOption) {
  const Outcome threads = run_mlqc({"schema", "--threads", "many"});
  EXPECT_EQ(threads.exit, 2);
  EXPECT_THAT(threads.err, HasSubstr("--threads"));
  const Outcome form = run_mlqc({"schema", "--diagnostics", "gc"});
  EXPECT_EQ(form.exit, 2);
  EXPECT_THAT(form.err, HasSubstr("did you mean 'gcc'?"));
  EXPECT_EQ(run_mlqc({"schema"}, {"MLQ_THREADS=zero"}).exit, 2);
}

TEST(Usage, DiagnosticsHaveTheFormThatIsAskedFor) {
  const TemporaryFolder folder;
  const std::string manifest = folder.write("m.mlq.yaml", "schema: 1\nmodl: { file: a }\n").string();
  const auto with = [&](const char* form) {
    const Outcome run =
        run_mlqc({"codegen", manifest, "-o", (folder / "out").string(), "--diagnostics", form});
    EXPECT_EQ(run.exit, 2);
    EXPECT_THAT(test::names_in(folder / "out"), testing::IsEmpty());
    return run.err;
  };
  EXPECT_EQ(with("gcc"),
            manifest +
                ":2:1: error: unknown key 'modl' in 'manifest' [MLQ101]\n    2 | modl: { file: a }\n"
                "      | ^\n      = hint: did you mean 'model'?\n");
  EXPECT_EQ(
      with("msvc"),
      manifest + "(2,1): error MLQ101: unknown key 'modl' in 'manifest'; hint: did you mean 'model'?\n");
  EXPECT_THAT(with("github"), HasSubstr("::error title=MLQ101,file="));
  EXPECT_THAT(with("json"), HasSubstr("\"code\":\"MLQ101\""));
}

TEST(Usage, ExplainKnowsItsCodes) {
  const Outcome run = run_mlqc({"explain", "mlq101"});
  EXPECT_EQ(run.exit, 0);
  EXPECT_THAT(run.out, HasSubstr("MLQ101: unknown key"));
}

TEST(Usage, DoctorTellsWhatIsHere) {
  const Outcome run = run_mlqc({"doctor", "--threads", "3"});
  EXPECT_EQ(run.exit, 0);
  EXPECT_THAT(run.out, testing::ContainsRegex("threads +3\n"));
  EXPECT_THAT(run.out, testing::ContainsRegex("reads +coreml"));
}

}  // namespace
}  // namespace mlqc
