#include "compiler/driver/diagnostics.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/support/files.h"

namespace mlqc {
namespace {

using mlq::test::TemporaryFolder;

struct Files : testing::Test {
  TemporaryFolder folder;
  Diagnostic at(const std::string& text, int line, int column) {
    return {{folder.write("m.yaml", text).string(), line, column},
            "it is wrong",
            "MLQ101",
            "do it right",
            {"a note"}};
  }
  std::string without_folder(std::string text) {
    const std::string prefix = folder.path().string() + "/";
    for (std::size_t at; (at = text.find(prefix)) != std::string::npos;) text.erase(at, prefix.size());
    return text;
  }
  std::string gcc(const Diagnostic& diagnostic) {
    return without_folder(to_text(diagnostic, Severity::error, DiagnosticFormat::gcc, false));
  }
};

TEST_F(Files, GccShowsTheLineWithACaretAndTheHint) {
  EXPECT_EQ(gcc(at("schema: 1\nbits: 9\n", 2, 7)),
            "m.yaml:2:7: error: it is wrong [MLQ101]\n"
            "    2 | bits: 9\n"
            "      |       ^\n"
            "      = hint: do it right\n"
            "      = note: a note\n");
}

TEST_F(Files, TheCaretStandsUnderTheCharacterNotTheByte) {
  EXPECT_EQ(gcc(at("k\xC3\xA4se: 9\n", 1, 8)),
            "m.yaml:1:8: error: it is wrong [MLQ101]\n"
            "    1 | k\xC3\xA4se: 9\n"
            "      |       ^\n"
            "      = hint: do it right\n"
            "      = note: a note\n");
}

TEST_F(Files, TabsStayAndControlCharactersDoNotReachTheTerminal) {
  const std::string text = gcc(at("a:\t\x1b[31mb\r\n", 1, 5));
  EXPECT_NE(text.find("    1 | a:\t?[31mb\n      |   \t ^\n"), std::string::npos) << text;
}

TEST_F(Files, ALineOfAnyLengthIsCutAfterAWhile) {
  const std::string text = gcc(at(std::string(100000, 'x'), 1, 3));
  EXPECT_LT(text.size(), 500u);
  EXPECT_NE(text.find("xxx...\n      |   ^\n"), std::string::npos);
}

TEST_F(Files, AMissingFileOrLineShowsNoExcerpt) {
  EXPECT_EQ(gcc({{"no/such.yaml", 3, 1}, "it is wrong", "MLQ101", "", {}}),
            "no/such.yaml:3:1: error: it is wrong [MLQ101]\n");
  EXPECT_EQ(gcc({{}, "it is wrong", "MLQ101", "", {}}), "mlqc: error: it is wrong [MLQ101]\n");
  EXPECT_EQ(gcc(at("one line\n", 7, 1)).substr(0, 12), "m.yaml:7:1: ");
}

TEST_F(Files, ColourOnlyWhereItIsWanted) {
  const Diagnostic diagnostic = at("bits: 9\n", 1, 7);
  EXPECT_EQ(to_text(diagnostic, Severity::error, DiagnosticFormat::gcc, false).find('\033'),
            std::string::npos);
  EXPECT_NE(to_text(diagnostic, Severity::error, DiagnosticFormat::gcc, true).find('\033'),
            std::string::npos);
}

TEST_F(Files, MsvcIsOneLine) {
  EXPECT_EQ(without_folder(to_text(at("a: 1\n", 1, 4), Severity::warning, DiagnosticFormat::msvc, true)),
            "m.yaml(1,4): warning MLQ101: it is wrong; hint: do it right; note: a note\n");
}

TEST_F(Files, GithubEscapesWhatItsCommandsReadAsSyntax) {
  const Diagnostic diagnostic{{"a,b:c.yaml", 1, 4}, "100 % wrong", "MLQ101", "do it\nright", {}};
  EXPECT_EQ(to_text(diagnostic, Severity::error, DiagnosticFormat::github, false),
            "::error title=MLQ101,file=a%2Cb%3Ac.yaml,line=1,col=4::100 %25 wrong%0Ahint: do it%0Aright\n");
}

TEST_F(Files, JsonIsOneObjectOnALineWhateverTheBytes) {
  const Diagnostic diagnostic{{"a\".yaml", 1, 4}, "bad \xff byte", "MLQ101", "", {"n"}};
  const std::string text = to_text(diagnostic, Severity::warning, DiagnosticFormat::json, false);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
  const auto json = nlohmann::json::parse(text);
  EXPECT_EQ(json["severity"], "warning");
  EXPECT_EQ(json["file"], "a\".yaml");
  EXPECT_EQ(json["line"], 1);
  EXPECT_EQ(json["notes"][0], "n");
}

}  // namespace
}  // namespace mlqc
