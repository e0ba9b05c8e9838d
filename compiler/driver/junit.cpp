// JUnit's XML in the form of Jenkins' junit-10.xsd: testsuites, testsuite, testcase, failure, error.
#include <fmt/format.h>

#include <algorithm>

#include "compiler/driver/verdicts.h"

namespace mlqc {

namespace {

// Text and attributes of XML 1.0, which has no control characters in any form.
std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '"')
      out += "&quot;";
    else if (c == '\n')
      out += "&#10;";
    else
      out += static_cast<unsigned char>(c) < 32 ? '?' : c;
  }
  return out;
}

std::string position(const Place& where) {
  return where.line ? fmt::format("{}:{}:{}", where.file, where.line, where.column) : where.file;
}

// One case; `kind` is "failure", "error" or "" for one that passed.
std::string test_case(const std::string& model, const std::string& name, const std::string& kind,
                      const Diagnostic& diagnostic) {
  std::string text =
      fmt::format("    <testcase classname=\"mlq.{}\" name=\"{}\"", escaped(model), escaped(name));
  if (kind.empty()) return text + "/>\n";
  std::string body = position(diagnostic.where);
  if (!diagnostic.hint.empty()) body += "\nhint: " + diagnostic.hint;
  for (const std::string& note : diagnostic.notes) body += "\nnote: " + note;
  return text + fmt::format(">\n      <{0} message=\"{1}\" type=\"{2}\">{3}</{0}>\n    </testcase>\n", kind,
                            escaped(diagnostic.what), escaped(diagnostic.code), escaped(body));
}

std::string check_name(const Check& check) {
  return check.output.empty() ? fmt::format("{} {}", check.metric, check.limit)
                              : fmt::format("{} of {} {}", check.metric, check.output, check.limit);
}

struct Suite {
  std::string cases;
  std::size_t tests = 0, failures = 0, errors = 0;

  void add(const std::string& model, const std::string& name, const std::string& kind,
           const Diagnostic& diagnostic) {
    cases += test_case(model, name, kind, diagnostic);
    ++tests;
    failures += kind == "failure";
    errors += kind == "error";
  }
};

Suite suite_of(const ModelVerdict& verdict) {
  Suite suite;
  if (!verdict.judged) {
    for (const Diagnostic& complaint : verdict.complaints)
      suite.add(verdict.name, "gate", "error", complaint);
    return suite;
  }
  for (const Check& check : verdict.report.checks)
    suite.add(verdict.name, check_name(check), check.passed ? "" : "failure",
              {check.where, check.sentence, "MLQ200", check.hint, all_notes(check)});
  for (const Diagnostic& complaint : verdict.complaints)
    if (complaint.code != "MLQ200") suite.add(verdict.name, "samples", "failure", complaint);
  return suite;
}

}  // namespace

std::string to_junit(std::span<const ModelVerdict> verdicts) {
  std::string body;
  Suite all;
  for (const ModelVerdict& verdict : verdicts) {
    const Suite suite = suite_of(verdict);
    body += fmt::format(
        "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\">\n{}  </testsuite>\n",
        escaped(verdict.name), suite.tests, suite.failures, suite.errors, suite.cases);
    all.tests += suite.tests;
    all.failures += suite.failures;
    all.errors += suite.errors;
  }
  return fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
      "<testsuites name=\"mlq\" tests=\"{}\" failures=\"{}\" errors=\"{}\">\n{}</testsuites>\n",
      all.tests, all.failures, all.errors, body);
}

}  // namespace mlqc
