// Layers of Keras 1, 2 and 3, in the files that those write, against what plain loops in NumPy make of the
// same input (tests/data/keras_make). A Core ML model that is written of one means the same.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <iostream>
#include <set>

#include "compiler/backends/backend.h"
#include "compiler/frontends/frontend.h"
#include "compiler/frontends/keras/archive.h"
#include "compiler/frontends/keras/hdf5.h"
#include "compiler/graph/rewrite.h"
#include "compiler/support/error.h"
#include "mlq/model.h"
#include "tests/support/files.h"

namespace mlqc {
namespace {

namespace fs = std::filesystem;

struct Square final : mlq::CustomLayer {
  mlq::Status evaluate_on_cpu(std::span<const mlq::LayerInput> in,
                              std::span<const mlq::LayerOutput> out) override {
    std::ranges::transform(in[0].floats(), out[0].floats().begin(), [](float x) { return x * x; });
    return {};
  }
};

struct Halve final : mlq::CustomLayer {
  mlq::Status evaluate_on_cpu(std::span<const mlq::LayerInput> in,
                              std::span<const mlq::LayerOutput> out) override {
    std::ranges::transform(in[0].floats(), out[0].floats().begin(), [](float x) { return x / 2; });
    return {};
  }
};

// Channels times weights, and what the layer's settings say is added.
struct Slope final : mlq::CustomLayer {
  mlq::Status init_with_parameters(const mlq::Parameters& parameters) override {
    const auto found = parameters.find("offset");
    offset = found == parameters.end() ? 0 : static_cast<float>(std::get<double>(found->second));
    return {};
  }
  mlq::Status set_weight_data(std::span<const mlq::LayerInput> weights) override {
    slopes.assign(weights[0].floats().begin(), weights[0].floats().end());
    return {};
  }
  mlq::Status evaluate_on_cpu(std::span<const mlq::LayerInput> in,
                              std::span<const mlq::LayerOutput> out) override {
    for (std::size_t i = 0; i < in[0].floats().size(); ++i)
      out[0].floats()[i] = in[0].floats()[i] * slopes[i % slopes.size()] + offset;
    return {};
  }
  float offset = 0;
  std::vector<float> slopes;
};

template <class T>
CustomEntry entry(const char* name) {
  return {name, "", {}, "", false, std::make_shared<const mlq::CustomClass>(mlq::custom_class<T>(name))};
}

// Lambda layers go by their names.
const std::vector<CustomEntry>& custom_layers() {
  static const std::vector<CustomEntry> entries = {entry<Square>("square"), entry<Halve>("halve"),
                                                   entry<Slope>("Slope")};
  return entries;
}

fs::path folder() { return mlq::test::data_folder() / "keras"; }

struct Case {
  Source source;
  std::vector<keras::Array> inputs, outputs;
};

Case read_case(const fs::path& path) {
  Case c{read_source(path), {}, {}};
  c.source.custom_layers = custom_layers();
  const mlq::Data file =
      keras::is_zip(c.source.bytes.bytes) ? keras::read_member(c.source, "judge.h5") : c.source.bytes;
  const keras::Hdf5 hdf5 = keras::read_hdf5(file, path);
  for (auto [kind, list] : {std::pair{"in", &c.inputs}, std::pair{"out", &c.outputs}})
    for (int i = 0;; ++i) {
      const auto found = hdf5.arrays.find("judge/" + std::string(kind) + std::to_string(i));
      if (found == hdf5.arrays.end()) break;
      list->push_back(found->second);
    }
  return c;
}

template <class T>
std::vector<T> values_of(const keras::Array& array) {
  std::vector<T> values(array.data.bytes.size() / sizeof(T));
  std::memcpy(values.data(), array.data.bytes.data(), array.data.bytes.size());
  return values;
}

// Outputs by name, for a graph read back may order them anew.
std::map<std::string, std::vector<float>> run(const mlq::Graph& graph, const Case& c) {
  const auto model = mlq::Model::from_graph(graph);
  if (!model) throw std::runtime_error(model.error());
  std::vector<std::vector<float>> floats;
  std::vector<std::vector<std::int64_t>> integers;
  floats.reserve(c.inputs.size()), integers.reserve(c.inputs.size());
  std::vector<mlq::View> views;
  for (std::size_t i = 0; i < c.inputs.size(); ++i) {
    mlq::View view{mlq::DataType::float32, graph.inputs.at(i).shape, nullptr};
    if (c.inputs[i].type == mlq::DataType::int64) {
      integers.push_back(values_of<std::int64_t>(c.inputs[i]));
      floats.emplace_back(integers.back().begin(), integers.back().end());
      const auto wanted = graph.tensors.at(static_cast<std::size_t>(graph.inputs.at(i).tensor)).type;
      if (wanted == mlq::DataType::int64)
        view = {wanted, view.shape, integers.back().data()};
      else
        view.data = floats.back().data();
    } else {
      floats.push_back(values_of<float>(c.inputs[i]));
      view.data = floats.back().data();
    }
    views.push_back(view);
  }
  const auto outputs = model->predict(views);
  if (!outputs) throw std::runtime_error(outputs.error());
  std::map<std::string, std::vector<float>> named;
  for (std::size_t i = 0; i < outputs->size(); ++i)
    named[graph.outputs[i].name].assign((*outputs)[i].floats().begin(), (*outputs)[i].floats().end());
  return named;
}

double apart(const std::vector<float>& expected, const std::vector<float>& got) {
  if (expected.size() != got.size()) return INFINITY;
  double difference = 0, largest = 1e-3;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    difference = std::max<double>(difference, std::abs(expected[i] - got[i]));
    largest = std::max<double>(largest, std::abs(expected[i]));
  }
  return difference / largest;
}

// The largest difference of any output, relative to its largest number.
double apart(const Case& c, const mlq::Graph& graph, const std::vector<std::string>& names) {
  const auto got = run(graph, c);
  double worst = c.outputs.size() == names.size() && got.size() == names.size() ? 0 : INFINITY;
  for (std::size_t i = 0; i < c.outputs.size() && i < names.size(); ++i)
    worst = std::max(worst, apart(values_of<float>(c.outputs[i]), got.at(names[i])));
  return worst;
}

std::vector<std::string> output_names(const mlq::Graph& graph) {
  std::vector<std::string> names;
  for (const mlq::Feature& output : graph.outputs) names.push_back(output.name);
  return names;
}

class KerasLayers : public testing::TestWithParam<std::string> {};

TEST_P(KerasLayers, AreWhatNumPyMakes) {
  const Case c = read_case(folder() / GetParam());
  ASSERT_FALSE(c.inputs.empty());
  const mlq::Graph graph = import_graph(c.source);
  ASSERT_EQ(graph.inputs.size(), c.inputs.size());
  const double plain = apart(c, graph, output_names(graph)),
               rewritten = apart(c, prepare_for_runtime(simplify(graph)), output_names(graph));
  std::cout << GetParam() << ": " << plain << ", rewritten: " << rewritten << "\n";
  EXPECT_LT(plain, 1e-5);
  EXPECT_LT(rewritten, 1e-5);
}

TEST_P(KerasLayers, AreWrittenAsCoreMl) {
  const Case c = read_case(folder() / GetParam());
  const mlq::Graph graph = simplify(import_graph(c.source));
  std::vector<std::byte> bytes;
  try {
    bytes = find_backend("coreml")->write(c.source, graph);
  } catch (const Error& error) {
    EXPECT_EQ(error.diagnostic().code, "MLQ502");
    GTEST_SKIP() << error.diagnostic().what;
  }
  Source written{"written.mlmodel", mlq::copy_data(std::span<const std::byte>(bytes)), "", "coreml"};
  written.custom_layers = custom_layers();
  const double difference =
      apart(c, prepare_for_runtime(simplify(import_graph(written))), output_names(graph));
  std::cout << GetParam() << ", written and read back: " << difference << "\n";
  EXPECT_LT(difference, 1e-5);
}

std::vector<std::string> names_of_cases() {
  std::set<std::string> names;
  for (const auto& file : fs::directory_iterator(folder())) names.insert(file.path().filename().string());
  return {names.begin(), names.end()};
}

INSTANTIATE_TEST_SUITE_P(Files, KerasLayers, testing::ValuesIn(names_of_cases()), [](const auto& info) {
  std::string name = info.param;
  std::ranges::replace(name, '.', '_');
  return name;
});

TEST(KerasLayers, AreManyFiles) { EXPECT_GE(names_of_cases().size(), 30u); }

}  // namespace
}  // namespace mlqc
