// Single-layer models that others made, with inputs and the outputs that their maker's reference computed.
//
// Cases known to fail are listed in coreml_known_failures.txt, each with a cause; one that fails without
// being listed, or passes although it is, fails the test.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "compiler/frontends/frontend.h"
#include "compiler/graph/rewrite.h"
#include "compiler/support/error.h"
#include "mlq/model.h"
#include "tests/support/files.h"
#include "tests/support/npy.h"

namespace mlqc {
namespace {

namespace fs = std::filesystem;
using mlq::Array;
using mlq::DataType;
using mlq::test::read_npy;
using mlq::test::shared_folder;

template <class T>
void widen(const Array& array, std::vector<float>& out) {
  const T* values = reinterpret_cast<const T*>(array.bytes.data());
  for (std::size_t i = 0; i < array.bytes.size() / sizeof(T); ++i)
    out.push_back(static_cast<float>(values[i]));
}

Array as_floats(const Array& array) {
  std::vector<float> values;
  switch (array.type) {
    case DataType::float64:
      widen<double>(array, values);
      break;
    case DataType::int64:
      widen<std::int64_t>(array, values);
      break;
    case DataType::int32:
      widen<std::int32_t>(array, values);
      break;
    case DataType::boolean:
      widen<std::uint8_t>(array, values);
      break;
    default:
      widen<float>(array, values);
      break;
  }
  Array out{DataType::float32, array.shape, {}};
  const auto bytes = std::as_bytes(std::span(values));
  out.bytes.assign(bytes.begin(), bytes.end());
  return out;
}

// Relative error against max(|expected|, 1), as the cases' maker measures it. NaN agrees with NaN.
std::string compare(const Array& actual, const Array& expected, double tolerance) {
  const auto a = actual.floats(), e = expected.floats();
  if (a.size() != e.size())
    return std::to_string(a.size()) + " numbers instead of " + std::to_string(e.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    if ((std::isnan(a[i]) && std::isnan(e[i])) || a[i] == e[i]) continue;
    const double scale = std::max(std::abs(static_cast<double>(e[i])), 1.0);
    if (!(std::abs(static_cast<double>(a[i]) - e[i]) / scale <= tolerance))
      return "number " + std::to_string(i) + " is " + std::to_string(a[i]) + ", not " + std::to_string(e[i]);
  }
  return "";
}

std::vector<Array> inputs_of(const mlq::Graph& graph, const fs::path& folder) {
  std::vector<Array> inputs;
  for (const mlq::Feature& feature : graph.inputs)
    inputs.push_back(as_floats(read_npy(folder / ("in." + feature.name + ".npy"))));
  return inputs;
}

std::string compare_output(const mlq::Feature& feature, const Array& actual, const fs::path& folder,
                           const nlohmann::json& about) {
  Array expected = as_floats(read_npy(folder / ("out." + feature.name + ".npy")));
  if (expected.shape.empty())
    expected.shape = {1};  // NumPy has scalars, Core ML's arrays have one dimension at least
  if (about["strict_shape"] && actual.shape != expected.shape)
    return feature.name + " has the shape " + mlq::to_string(actual.shape) + ", not " +
           mlq::to_string(expected.shape);
  if (about["validate_shapes_only"]) return "";
  return compare(actual, expected, about["delta"]);
}

// The graph as it was imported, or as the runtime gets it.
using Rewrite = mlq::Graph (*)(mlq::Graph);
mlq::Graph as_it_is(mlq::Graph graph) { return graph; }
mlq::Graph as_shipped(mlq::Graph graph) { return prepare_for_runtime(simplify(std::move(graph))); }

// Why the case fails; empty when it passes.
std::string run(const fs::path& folder, const nlohmann::json& about, Rewrite rewrite) {
  mlq::Graph graph = rewrite(import_graph(read_source(folder / "model.mlmodel")));
  const std::vector<Array> inputs = inputs_of(graph, folder);
  const std::vector<mlq::Feature> outputs = graph.outputs;
  const mlq::Result<mlq::Model> model = mlq::Model::from_graph(std::move(graph));
  if (!model) return model.error();
  std::vector<mlq::View> views;
  for (const Array& input : inputs) views.push_back(input.view());
  const auto results = model->predict(views);
  if (!results) return results.error();
  // The maker's reference gives some outputs of a few models only.
  bool compared = false;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (!fs::exists(folder / ("out." + outputs[i].name + ".npy"))) continue;
    compared = true;
    const std::string why = compare_output(outputs[i], (*results)[i], folder, about);
    if (!why.empty()) return why;
  }
  return compared ? "" : "nothing to compare with";
}

std::string run_case(const fs::path& folder, const nlohmann::json& about, Rewrite rewrite) {
  try {
    return run(folder, about, rewrite);
  } catch (const std::exception& error) {
    return error.what();
  }
}

// The first word of each line; # starts a comment.
std::set<std::string> known_failures() {
  std::set<std::string> names;
  std::ifstream file(MLQ_KNOWN_FAILURES);
  for (std::string line; std::getline(file, line);)
    if (!line.empty() && line[0] != '#') names.insert(line.substr(0, line.find(' ')));
  return names;
}

struct Count {
  int passed = 0, all = 0;
};

std::vector<fs::path> cases(const fs::path& root) {
  std::vector<fs::path> folders;
  for (const auto& test : fs::directory_iterator(root))
    for (const auto& one : fs::directory_iterator(test)) folders.push_back(one.path());
  std::sort(folders.begin(), folders.end());
  return folders;
}

void run_all(Rewrite rewrite, std::map<std::string, Count>& kinds) {
  const fs::path root = shared_folder() / "conformance/coreml-layers";
  const std::set<std::string> known = known_failures();
  Count total;
  for (const fs::path& folder : cases(root)) {
    const std::string name = fs::relative(folder, root).string();
    const auto about = nlohmann::json::parse(mlq::test::read(folder / "case.json"));
    const std::string why = run_case(folder, about, rewrite);
    ++total.all;
    total.passed += why.empty();
    for (const std::string& kind : std::set<std::string>(about["layers"].begin(), about["layers"].end())) {
      ++kinds[kind].all;
      kinds[kind].passed += why.empty();
    }
    if (known.count(name) && why.empty()) ADD_FAILURE() << name << " passes: take it off the list";
    if (!known.count(name) && !why.empty()) ADD_FAILURE() << name << ": " << why;
  }
  std::cout << "in all " << total.passed << " of " << total.all << " cases\n";
  EXPECT_GT(total.all, 0);
}

TEST(CoreMlConformance, EveryCasePassesThatIsNotKnownToFail) {
  MLQ_NEEDS_SHARED();
  std::map<std::string, Count> kinds;
  run_all(as_it_is, kinds);
  // The list for readers agrees with what was run.
  const std::string list = mlq::test::read(mlq::test::data_folder() / "../../compiler/frontends/COREML.md");
  for (const auto& [kind, count] : kinds) {
    const std::string row =
        kind + " | runs | " + std::to_string(count.passed) + "/" + std::to_string(count.all) + " |";
    std::cout << kind << " " << count.passed << "/" << count.all << "\n";
    if (count.passed == 0) continue;
    EXPECT_NE(list.find("| " + row), std::string::npos) << "COREML.md lacks: " << row;
  }
}

TEST(CoreMlConformance, RewritingForTheRuntimeChangesNothing) {
  MLQ_NEEDS_SHARED();
  std::map<std::string, Count> kinds;
  run_all(as_shipped, kinds);
}

}  // namespace
}  // namespace mlqc
