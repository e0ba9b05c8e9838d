// Branches and loops as Core ML layers, read back by our own front end: the same numbers. Graphs are
// TensorFlow's, whose own tests compare them with loops written out
// (tests/frontends/tensorflow_control_test.cpp).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "compiler/backends/backend.h"
#include "compiler/frontends/coreml/model.pb.h"
#include "compiler/frontends/frontend.h"
#include "compiler/graph/rewrite.h"
#include "compiler/quantize/quantize.h"
#include "compiler/support/error.h"
#include "tests/frontends/tensorflow_control_fixture.h"

namespace mlqc {
namespace {

using test::GraphMaker;
using test::Names;
using Floats = std::vector<float>;

std::vector<std::byte> written(const mlq::Graph& graph) {
  return find_backend("coreml")->write({"net.pb", {}, "", "tensorflow"}, graph);
}

mlq::Graph read_back(const std::vector<std::byte>& bytes) {
  return simplify(import_graph({"written.mlmodel", mlq::copy_data(std::span(bytes)), "", "coreml"}));
}

// The layers of the outermost network, and nothing lost on the way.
coreml::Model expect_same(const tensorflow::GraphDef& def, const std::vector<Floats>& inputs) {
  const mlq::Graph graph = simplify(test::import_bytes(def));
  const std::vector<std::byte> bytes = written(graph);
  const mlq::Graph back = read_back(bytes);
  for (const Floats& input : inputs) {
    const Floats expected = test::run_graph(graph, {input}).at(0), got = test::run_graph(back, {input}).at(0);
    EXPECT_EQ(expected.size(), got.size());
    for (std::size_t i = 0; i < std::min(expected.size(), got.size()); ++i)
      EXPECT_NEAR(got[i], expected[i], 1e-5) << "at " << i;
  }
  coreml::Model model;
  EXPECT_TRUE(model.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())));
  return model;
}

int count(const coreml::NeuralNetwork& network, coreml::NeuralNetworkLayer::LayerCase kind) {
  int found = 0;
  for (const auto& layer : network.layers()) {
    found += layer.layer_case() == kind;
    if (layer.has_branch())
      found += count(layer.branch().if_branch(), kind) + count(layer.branch().else_branch(), kind);
    if (layer.has_loop()) found += count(layer.loop().body_network(), kind);
  }
  return found;
}

using Layer = coreml::NeuralNetworkLayer;

tensorflow::GraphDef made(const mlq::Shape& shape, const std::function<void(GraphMaker&)>& make) {
  tensorflow::GraphDef graph;
  GraphMaker maker(*graph.mutable_node());
  maker.placeholder("x", shape);
  make(maker);
  return graph;
}

TEST(CoreMlControlWriter, ABranchReadsAndWritesWhatIsAround) {
  const coreml::Model model = expect_same(test::functional_choice("If"), {{1, 2}, {-1, -2}});
  EXPECT_EQ(count(model.neural_network(), Layer::kBranch), 1);
}

TEST(CoreMlControlWriter, BranchesInBranchesAndTwoResults) {
  const auto def = made({2}, [](GraphMaker& g) {
    test::sign_of_sum(g);
    g.floats("two", {}, {2});
    g.node("large", "Greater", {"sum", "two"});
    test::old_choice(
        g, "a", "x", "positive", [&](const std::string& v) { return g.node("a/no", "Neg", {v}).name(); },
        [&](const std::string& v) {
          g.node("large_here", "Switch", {"large", "positive"});
          test::old_choice(
              g, "b", v, "large_here:1",
              [&](const std::string& w) { return g.node("b/no", "Abs", {w}).name(); },
              [&](const std::string& w) { return g.node("b/yes", "Square", {w}).name(); });
          return std::string("b/Merge");
        });
    test::old_choice(
        g, "c", "x", "positive", [&](const std::string& v) { return v; },
        [&](const std::string& v) { return g.node("c/yes", "Exp", {v}).name(); });
    g.node("y", "AddV2", {"a/Merge", "c/Merge"});
  });
  const coreml::Model model = expect_same(def, {{3, 4}, {3, -1.5f}, {-3, 1}});
  EXPECT_EQ(count(model.neural_network(), Layer::kBranch), 2);
}

TEST(CoreMlControlWriter, ALoopWhoseRoundsTheDataSay) {
  const auto def = made({2}, [](GraphMaker& g) {
    g.ints("axes", {1}, {0});
    g.floats("limit", {}, {100}), g.floats("three", {}, {3});
    // The two values change places in each round.
    test::old_loop(
        g, "while", {"x", "x"}, {"limit", "three"},
        [&](const Names& v) {
          g.node("while/Sum", "Sum", {v[0], "axes"});
          return g.node("while/Less", "Less", {"while/Sum", v[2]}).name();
        },
        [&](const Names& v) {
          return Names{g.node("while/mul", "Mul", {v[1], v[3]}).name(), v[0]};
        });
    g.node("y", "Sub", {"while/Exit_0", "while/Exit_1"});
  });
  const coreml::Model model = expect_same(def, {{1, 1}, {7, 2}, {200, 5}});
  EXPECT_EQ(count(model.neural_network(), Layer::kLoop), 1);
}

TEST(CoreMlControlWriter, StackedResultsOfAKnownNumberOfRounds) {
  const coreml::Model model = expect_same(made({4, 3}, [](GraphMaker& g) { test::running_sums(g, ""); }),
                                          {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}});
  EXPECT_EQ(count(model.neural_network(), Layer::kScatterNd), 1);
}

// Weights that rounds read stay in few bits, inside of the loop's network.
TEST(CoreMlControlWriter, WeightsInALoopStayQuantized) {
  Floats w(6), u(4), x(15);
  for (Floats* list : {&w, &u, &x})
    for (std::size_t i = 0; i < list->size(); ++i)
      (*list)[i] = std::sin(1.3f * static_cast<float>(i) + static_cast<float>(list->size()));
  const mlq::Graph graph = simplify(test::import_bytes(test::recurrent(w, u)));
  const Manifest manifest = parse_manifest(
      "m.mlq.yaml", "schema: 1\nmodel: { file: m.pb }\nquantize: { algorithm: linear, bits: 4 }\n");
  const mlq::Graph small = quantize(graph, plan(graph, manifest));
  const mlq::Graph back = read_back(written(small));
  const auto quantized = [](const mlq::Graph& g) {
    return std::ranges::count_if(g.tensors, [](const auto& t) { return t.quantization.has_value(); });
  };
  EXPECT_GE(quantized(small), 1);  // a matrix of four numbers does not pay
  EXPECT_EQ(quantized(back), quantized(small));
  const Floats expected = test::run_graph(small, {x}).at(0), got = test::run_graph(back, {x}).at(0);
  ASSERT_EQ(expected.size(), got.size());
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(got[i], expected[i], 1e-5) << "at " << i;
}

TEST(CoreMlControlWriter, WhatABodyHasNoLayerForIsNamed) {
  const auto def = made({3}, [](GraphMaker& g) {
    g.ints("axes", {1}, {0}), g.floats("limit", {}, {100});
    test::old_loop(
        g, "while", {"x"}, {"limit"},
        [&](const Names& v) {
          g.node("while/Sum", "Sum", {v[0], "axes"});
          return g.node("while/Less", "Less", {"while/Sum", v[1]}).name();
        },
        [&](const Names& v) {
          g.node("while/erf", "Selu", {v[0]});
          g.node("while/where", "Where", {v[0]});
          g.node("while/gather", "GatherNd", {"while/erf", "while/where"});
          return Names{"while/gather"};
        });
    g.node("y", "Identity", {"while/Exit_0"});
  });
  try {
    written(simplify(test::import_bytes(def)));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.diagnostic().code, "MLQ502");
    EXPECT_THAT(error.diagnostic().what, testing::HasSubstr("'while/where' has the operator NonZero"));
  }
}

// A second output of the same value, whose name is that of the node, as its own blobs' names begin.
TEST(CoreMlControlWriter, NoBlobTakesAnOutputsName) {
  mlq::Graph graph;
  const auto tensor = [&](const std::string& name) {
    return mlq::add_tensor(graph, {name, mlq::DataType::float32, {2, 3}, {}, {}});
  };
  const mlq::TensorId x = tensor("x"), y = tensor("y"), z = tensor("z");
  graph.nodes.push_back({"Mish", "act", {x}, {y}, {}});
  graph.nodes.push_back({"Relu", "last", {y}, {z}, {}});
  const auto feature = [](const std::string& name, mlq::TensorId id) {
    return mlq::Feature{name, "", mlq::FeatureKind::tensor, id, {2, 3}, mlq::DataType::float32, {}};
  };
  graph.inputs = {feature("x", x)};
  graph.outputs = {feature("first", z), feature("act", z), feature("act_1", z)};
  const std::vector<std::byte> bytes = written(graph);
  coreml::Model model;
  ASSERT_TRUE(model.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())));
  std::set<std::string> made = {"x"};
  for (const auto& layer : model.neural_network().layers())
    for (const std::string& blob : layer.output()) EXPECT_TRUE(made.insert(blob).second) << blob;
  EXPECT_GT(model.neural_network().layers_size(), 4) << "there are fresh blobs";
}

}  // namespace
}  // namespace mlqc
