// The cases of the ONNX project's own test suite: a model, its inputs, and what its maker's reference
// computed.
//
// Cases that mlq refuses are listed in compiler/frontends/ONNX.md, each with its reason; one that fails
// without being listed, or passes although it is, fails the test.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>
#include <set>
#include <sstream>

#include "compiler/frontends/frontend.h"
#include "compiler/graph/rewrite.h"
#include "compiler/support/error.h"
#include "tests/frontends/onnx_files.h"
#include "tests/support/files.h"

namespace mlqc {
namespace {

namespace fs = std::filesystem;
using mlq::test::shared_folder;

using Rewrite = mlq::Graph (*)(mlq::Graph);
mlq::Graph as_it_is(mlq::Graph graph) { return graph; }
mlq::Graph as_shipped(mlq::Graph graph) { return prepare_for_runtime(simplify(std::move(graph))); }

std::string compare_outputs(const std::vector<mlq::Array>& results, const fs::path& data) {
  for (std::size_t i = 0; i < results.size(); ++i) {
    const auto expected = mlq::test::read_onnx_tensor(data / ("output_" + std::to_string(i) + ".pb"));
    if (expected.type == 0) return "output " + std::to_string(i) + " is expected to be no tensor of numbers";
    const std::string why = mlq::test::compare(results[i], expected, 1e-3, 1e-7);
    if (!why.empty()) return "output " + std::to_string(i) + ": " + why;
  }
  return "";
}

// Why the case fails; empty when it passes.
std::string run(const fs::path& folder, Rewrite rewrite) {
  mlq::Graph graph = rewrite(import_graph(read_source(folder / "model.onnx")));
  const fs::path data = folder / "test_data_set_0";
  std::vector<mlq::Array> inputs;
  for (std::size_t i = 0; i < graph.inputs.size(); ++i) {
    const auto numbers = mlq::test::read_onnx_tensor(data / ("input_" + std::to_string(i) + ".pb"));
    if (numbers.type == 0) return "input " + std::to_string(i) + " is no tensor of numbers";
    inputs.push_back(mlq::test::to_array(numbers, graph.inputs[i].type));
  }
  const mlq::Result<mlq::Model> model = mlq::Model::from_graph(std::move(graph));
  if (!model) return model.error();
  std::vector<mlq::View> views;
  for (const mlq::Array& input : inputs) views.push_back(input.view());
  const auto results = model->predict(views);
  return results ? compare_outputs(*results, data) : results.error();
}

std::string run_case(const fs::path& folder, Rewrite rewrite) {
  try {
    return run(folder, rewrite);
  } catch (const Error& error) {
    std::string text = error.diagnostic().what;
    for (const std::string& note : error.diagnostic().notes) text += "; " + note;
    return text;
  }
}

std::string list_for_readers() {
  return mlq::test::read(mlq::test::data_folder() / "../../compiler/frontends/ONNX.md");
}

// Rows "| `test_...` | reason |". Operators of training do not count among the refusals.
std::map<std::string, bool> refused_cases() {
  std::map<std::string, bool> names;
  std::istringstream text(list_for_readers());
  for (std::string line; std::getline(text, line);) {
    const auto from = line.find("| `test_");
    if (from != 0) continue;
    names[line.substr(3, line.find('`', 3) - 3)] = line.find("` | training") != std::string::npos;
    EXPECT_GT(line.size(), line.find("` | ") + 10) << "no reason: " << line;
  }
  return names;
}

// MLQ_ONNX_CASES=word runs those cases whose name has the word.
std::vector<fs::path> cases() {
  const char* word = std::getenv("MLQ_ONNX_CASES");
  std::vector<fs::path> folders;
  for (const char* suite : {"node", "simple", "pytorch-converted"})
    for (const auto& one : fs::directory_iterator(shared_folder() / "conformance/onnx" / suite))
      if (!word || one.path().filename().string().find(word) != std::string::npos)
        folders.push_back(one.path());
  std::sort(folders.begin(), folders.end());
  return folders;
}

struct Count {
  int passed = 0, all = 0;
};

void run_all(Rewrite rewrite, std::map<std::string, Count>& operators) {
  const std::map<std::string, bool> refused = refused_cases();
  std::ptrdiff_t counted = 0;
  for (const auto& [name, training] : refused) counted += !training;
  Count total;
  for (const fs::path& folder : cases()) {
    const std::string name = folder.filename().string(), why = run_case(folder, rewrite);
    total = {total.passed + why.empty(), total.all + 1};
    for (const std::string& one : mlq::test::summarize(folder / "model.onnx").operators)
      operators[one] = {operators[one].passed + why.empty(), operators[one].all + 1};
    if (refused.contains(name) && why.empty()) ADD_FAILURE() << name << " passes: take it off the list";
    if (!refused.contains(name) && !why.empty()) ADD_FAILURE() << name << ": " << why;
  }
  std::cout << "in all " << total.passed << " of " << total.all << " cases\n";
  EXPECT_GT(total.all, 0);
  if (std::getenv("MLQ_ONNX_CASES")) return;
  EXPECT_LE(counted, total.all / 20);
}

TEST(OnnxConformance, EveryCasePassesThatIsNotRefused) {
  MLQ_NEEDS_SHARED();
  std::map<std::string, Count> operators;
  run_all(as_it_is, operators);
  if (std::getenv("MLQ_ONNX_CASES")) return;
  const std::string list = list_for_readers();
  for (const auto& [name, count] : operators) {
    const std::string row =
        "| " + name + " | " + std::to_string(count.passed) + "/" + std::to_string(count.all) + " |";
    std::cout << row << "\n";
    EXPECT_NE(list.find(row), std::string::npos) << "ONNX.md lacks: " << row;
  }
}

TEST(OnnxConformance, RewritingForTheRuntimeChangesNothing) {
  MLQ_NEEDS_SHARED();
  std::map<std::string, Count> operators;
  run_all(as_shipped, operators);
}

}  // namespace
}  // namespace mlqc
