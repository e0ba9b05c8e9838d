// A table of all models and a list of what is wrong, in GitHub's dialect.
#include <fmt/format.h>

#include <algorithm>

#include "compiler/driver/verdicts.h"
#include "compiler/validate/limits.h"

namespace mlqc {

namespace {

// Names may hold what Markdown or HTML would read as its own.
std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '\n') {
      out += ' ';
      continue;
    }
    if (std::string_view("\\`*_[]<>|#").find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

std::string size_cell(const Report& report) {
  if (!report.source_bytes || !report.artifact_bytes) return "";
  return fmt::format("{} → {} KiB", report.source_bytes / 1024, report.artifact_bytes / 1024);
}

std::string checks_cell(const ModelVerdict& verdict) {
  if (!verdict.judged) return verdict.complaints.empty() ? "" : escaped(verdict.complaints[0].what);
  std::string text;
  for (const Check& check : verdict.report.checks)
    text += fmt::format("{}{} {} {} ({})", text.empty() ? "" : "<br>", check.passed ? "✅" : "❌",
                        escaped(check.metric), escaped(figure_text(check.metric, check.value)),
                        escaped(check.limit));
  return text;
}

std::string complaint_text(const ModelVerdict& verdict, const Diagnostic& complaint) {
  std::string text = fmt::format("- **{}**: {}", escaped(verdict.name), escaped(complaint.what));
  if (complaint.where.line) text += fmt::format(" (line {} of its manifest)", complaint.where.line);
  if (!complaint.hint.empty()) text += "\n  - " + escaped(complaint.hint);
  for (const std::string& note : complaint.notes) text += "\n  - " + escaped(note);
  return text + "\n";
}

}  // namespace

std::string to_markdown(std::span<const ModelVerdict> verdicts) {
  const auto red = std::ranges::count_if(verdicts, [](const ModelVerdict& v) { return !is_green(v); });
  std::string text = red ? fmt::format("### mlq: {} of {} models red\n\n", red, verdicts.size())
                         : fmt::format("### mlq: {} models green\n\n", verdicts.size());
  text += "| model | | size | samples | limits |\n|---|---|---|---|---|\n";
  for (const ModelVerdict& verdict : verdicts)
    text += fmt::format("| {} | {} | {} | {} | {} |\n", escaped(verdict.name),
                        is_green(verdict) ? "green" : "**RED**", size_cell(verdict.report),
                        verdict.report.sample_count, checks_cell(verdict));
  std::string wrong;
  for (const ModelVerdict& verdict : verdicts)
    for (const Diagnostic& complaint : verdict.complaints) wrong += complaint_text(verdict, complaint);
  return wrong.empty() ? text : text + "\n" + wrong;
}

}  // namespace mlqc
