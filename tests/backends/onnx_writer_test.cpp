// An ONNX model written from a graph of another format, read back by our own ONNX front end: the same
// numbers. (tests/peers runs what is written in ONNX Runtime.)
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <onnx/onnx_pb.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "compiler/backends/backend.h"
#include "compiler/frontends/frontend.h"
#include "compiler/graph/rewrite.h"
#include "compiler/manifest/manifest.h"
#include "compiler/quantize/quantize.h"
#include "compiler/support/error.h"
#include "mlq/model.h"
#include "tests/support/files.h"
#include "tests/support/npy.h"

namespace mlqc {
namespace {

namespace fs = std::filesystem;
using mlq::Array;
using mlq::DataType;
using mlq::Graph;
using testing::ElementsAre;
using testing::HasSubstr;

// The one that writes anew, whatever the graph came from.
std::vector<std::byte> written(const Graph& graph) {
  return find_backend("onnx")->write({"net.h5", {}, "", "keras"}, graph);
}
Graph read_back(const std::vector<std::byte>& bytes) {
  return import_graph({"net.onnx", mlq::copy_data(std::span<const std::byte>(bytes)), "", "onnx"});
}
::onnx::ModelProto parsed(const std::vector<std::byte>& bytes) {
  ::onnx::ModelProto model;
  EXPECT_TRUE(model.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())));
  return model;
}

Array to_type(const Array& array, DataType type) {
  const auto convert = [&]<class T>(T) {
    std::vector<T> values;
    const auto take = [&]<class From>(From) {
      const auto* from = reinterpret_cast<const From*>(array.bytes.data());
      for (std::size_t i = 0; i < array.bytes.size() / sizeof(From); ++i)
        values.push_back(static_cast<T>(from[i]));
    };
    switch (array.type) {
      case DataType::float64:
        take(double{});
        break;
      case DataType::int64:
        take(std::int64_t{});
        break;
      case DataType::int32:
        take(std::int32_t{});
        break;
      case DataType::boolean:
        take(std::uint8_t{});
        break;
      default:
        take(float{});
    }
    Array made{type, array.shape, {}};
    const auto bytes = std::as_bytes(std::span(values));
    made.bytes.assign(bytes.begin(), bytes.end());
    return made;
  };
  if (type == DataType::int32) return convert(std::int32_t{});
  if (type == DataType::int64) return convert(std::int64_t{});
  if (type == DataType::float64) return convert(double{});
  return convert(float{});
}

using Outputs = std::map<std::string, std::vector<float>>;

// Inputs in the features' own types and, where those are fixed, their own shapes.
Outputs run(const Graph& graph, const std::map<std::string, Array>& inputs) {
  const auto model = mlq::Model::from_graph(prepare_for_runtime(simplify(graph)));
  if (!model) throw std::runtime_error(model.error());
  std::vector<Array> arrays;
  for (const mlq::Feature& feature : graph.inputs) {
    arrays.push_back(to_type(inputs.at(feature.name), feature.type));
    if (mlq::element_count(feature.shape)) arrays.back().shape = feature.shape;
  }
  std::vector<mlq::View> views;
  for (const Array& array : arrays) views.push_back(array.view());
  const auto results = model->predict(views);
  if (!results) throw std::runtime_error(results.error());
  Outputs outputs;
  for (std::size_t i = 0; i < results->size(); ++i) {
    const Array floats = to_type((*results)[i], DataType::float32);
    outputs[graph.outputs[i].name].assign(floats.floats().begin(), floats.floats().end());
  }
  return outputs;
}

void expect_same(const Outputs& ours, const Outputs& theirs, double tolerance, const std::string& who) {
  for (const auto& [name, values] : theirs) {
    ASSERT_TRUE(ours.contains(name)) << who;
    const std::vector<float>& own = ours.at(name);
    ASSERT_EQ(own.size(), values.size()) << who << " " << name;
    for (std::size_t i = 0; i < own.size(); ++i) {
      if (own[i] == values[i] || (std::isnan(own[i]) && std::isnan(values[i]))) continue;
      ASSERT_NEAR(own[i], values[i], tolerance * std::max(1.0f, std::abs(own[i])))
          << who << " " << name << " " << i;
    }
  }
}

// --- every layer of the Core ML suite

std::vector<fs::path> cases() {
  std::vector<fs::path> folders;
  for (const auto& entry :
       fs::recursive_directory_iterator(mlq::test::shared_folder() / "conformance/coreml-layers"))
    if (entry.path().filename() == "model.mlmodel") folders.push_back(entry.path().parent_path());
  std::sort(folders.begin(), folders.end());
  return folders;
}

// The operator in "layer 'x' (Op) ...".
std::string operator_in(const std::string& text) {
  const std::size_t from = text.find(" (") + 2;
  return text.substr(from, text.find(')') - from);
}

TEST(OnnxWriter, EveryLayerOfTheCoreMlSuiteGivesItsNumbers) {
  MLQ_NEEDS_SHARED();
  std::map<std::string, int> refused;
  int passed = 0, all = 0;
  for (const fs::path& folder : cases()) {
    ++all;
    const std::string name = folder.parent_path().filename().string() + "/" + folder.filename().string();
    const Graph graph = simplify(import_graph(read_source(folder / "model.mlmodel")));
    std::map<std::string, Array> inputs;
    for (const mlq::Feature& feature : graph.inputs)
      inputs[feature.name] = mlq::test::read_npy(folder / ("in." + feature.name + ".npy"));
    try {
      const Graph again = read_back(written(graph));
      expect_same(run(graph, inputs), run(again, inputs), 1e-3, name);
      ++passed;
    } catch (const Error& error) {
      EXPECT_EQ(error.diagnostic().code, "MLQ503") << name << ": " << error.diagnostic().what;
      EXPECT_EQ(error.exit(), Exit::model);
      ++refused[operator_in(error.diagnostic().what)];
    } catch (const std::exception& error) {
      ADD_FAILURE() << name << ": " << error.what();
    }
  }
  std::cout << passed << " of " << all << "\n";
  for (const auto& [op, count] : refused) std::cout << "refused: " << op << " " << count << "\n";
  const std::set<std::string> known = {"RandomUniformLike", "RandomNormalLike", "Multinomial", "Loop"};
  for (const auto& [op, count] : refused) EXPECT_TRUE(known.contains(op)) << op;
  EXPECT_GT(passed, all * 9 / 10);
}

// --- what ONNX says otherwise

Graph graph_of(mlq::Node node, const std::vector<mlq::Shape>& shapes, DataType type = DataType::float32) {
  Graph graph;
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    const std::string name = "x" + std::to_string(i);
    const mlq::TensorId id = mlq::add_tensor(graph, {name, type, shapes[i], {}, {}});
    graph.inputs.push_back({name, "", mlq::FeatureKind::tensor, id, shapes[i], type});
    node.inputs.insert(node.inputs.begin() + static_cast<std::ptrdiff_t>(i), id);
  }
  node.outputs = {mlq::add_tensor(graph, {"y", type, {}, {}, {}})};
  node.name = "layer";
  graph.nodes.push_back(std::move(node));
  static_cast<void>(mlq::infer_shapes(graph).ok());  // operands may still be missing
  const mlq::Tensor& y = graph.tensors[static_cast<std::size_t>(graph.nodes[0].outputs[0])];
  graph.outputs.push_back({"y", "", mlq::FeatureKind::tensor, graph.nodes[0].outputs[0], y.shape, y.type});
  return graph;
}

std::map<std::string, Array> waves(const Graph& graph) {
  std::map<std::string, Array> inputs;
  for (std::size_t k = 0; k < graph.inputs.size(); ++k) {
    std::vector<float> values(static_cast<std::size_t>(*mlq::element_count(graph.inputs[k].shape)));
    for (std::size_t i = 0; i < values.size(); ++i)
      values[i] = 3 * std::sin(0.7f * static_cast<float>(i) + static_cast<float>(k) + 0.2f) + 0.1f;
    if (graph.inputs[k].type != DataType::float32)
      for (float& value : values) value = value < 0 ? value - 1 : value + 1;  // nothing is divided by zero
    Array array{DataType::float32, graph.inputs[k].shape, {}};
    const auto bytes = std::as_bytes(std::span(values));
    array.bytes.assign(bytes.begin(), bytes.end());
    inputs[graph.inputs[k].name] = array;
  }
  return inputs;
}

void expect_kept(const Graph& graph, const std::string& who, double tolerance = 1e-5) {
  expect_same(run(graph, waves(graph)), run(read_back(written(graph)), waves(graph)), tolerance, who);
}

TEST(OnnxWriter, OperatorsOfOurOwnBecomeSeveral) {
  for (const char* op : {"Square", "Exp2", "Trunc", "Mish"})
    expect_kept(graph_of({op, "", {}, {}, {}}, {{2, 3, 4}}), op);
  for (const char* op : {"FloorDiv", "SquaredDifference", "Mod"})
    for (const DataType type : {DataType::float32, DataType::int64})
      if (type == DataType::float32 || std::string(op) != "SquaredDifference")
        expect_kept(graph_of({op, "", {}, {}, {}}, {{2, 3}, {2, 3}}, type), op);
  for (const char* how : {"none", "tanh", "sigmoid"})
    expect_kept(graph_of({"Gelu", "", {}, {}, {{"approximate", std::string(how)}}}, {{2, 3}}), how);
  for (const std::int64_t lower : {-1, 0, 1})
    for (const std::int64_t upper : {-1, 0, 2})
      expect_kept(graph_of({"BandPart", "", {}, {}, {{"lower", lower}, {"upper", upper}}}, {{4, 5}}),
                  "BandPart");
  for (const std::int64_t scaled : {0, 1})
    for (const float epsilon : {0.0f, 0.1f})
      expect_kept(graph_of({"MeanVarianceNormalization",
                            "",
                            {},
                            {},
                            {{"normalize_variance", scaled}, {"epsilon", epsilon}}},
                           {{1, 2, 3, 4}}),
                  "MeanVarianceNormalization");
}

TEST(OnnxWriter, AttributesThatStandForOperandsBecomeOperands) {
  const std::vector<mlq::Node> nodes = {
      {"Reshape", "", {}, {}, {{"shape", mlq::Shape{3, -1}}}},
      {"Unsqueeze", "", {}, {}, {{"axes", mlq::Shape{0, 2}}}},
      {"ReduceSum", "", {}, {}, {{"axes", mlq::Shape{1}}, {"keepdims", std::int64_t{0}}}},
      {"ReduceMax", "", {}, {}, {{"axes", mlq::Shape{1}}}},
      {"Slice", "", {}, {}, {{"starts", mlq::Shape{1}}, {"ends", mlq::Shape{4}}, {"axes", mlq::Shape{1}}}},
      {"Pad", "", {}, {}, {{"pads", mlq::Shape{0, 1, 2, 0}}, {"value", 4.0f}}},
      {"Tile", "", {}, {}, {{"repeats", mlq::Shape{2, 1}}}},
      {"Clip", "", {}, {}, {{"min", -1.0f}, {"max", 0.5f}}},
      {"CumSum", "", {}, {}, {{"axis", std::int64_t{1}}, {"reverse", std::int64_t{1}}}},
  };
  for (const mlq::Node& node : nodes) expect_kept(graph_of(node, {{6, 5}}), node.op);
}

TEST(OnnxWriter, TheFirstOfManyComplaintsHasTheOthersAsNotes) {
  Graph graph = graph_of({"RandomNormalLike", "", {}, {}, {}}, {{2, 3}});
  graph.nodes[0].name = "noise";
  mlq::Node second = graph.nodes[0];
  second.name = "more noise";
  second.inputs = graph.nodes[0].outputs;
  second.outputs = {mlq::add_tensor(graph, {"z", DataType::float32, {2, 3}, {}, {}})};
  graph.outputs[0].tensor = second.outputs[0];
  graph.nodes.push_back(second);
  for (const bool trial : {false, true}) try {
      const Source source{"net.h5", {}, "", "keras"};
      trial ? find_backend("onnx")->check(source, graph)
            : static_cast<void>(find_backend("onnx")->write(source, graph));
      FAIL();
    } catch (const Error& error) {
      EXPECT_EQ(error.exit(), Exit::model);
      EXPECT_THAT(error.diagnostic().what, HasSubstr("layer 'noise' (RandomNormalLike)"));
      ASSERT_EQ(error.diagnostic().notes.size(), 1u);
      EXPECT_THAT(error.diagnostic().notes[0], HasSubstr("layer 'more noise' (RandomNormalLike)"));
    }
}

// --- weights in few bits

Graph tiny() { return simplify(import_graph(read_source(mlq::test::data_folder() / "onnx/tiny.onnx"))); }

Graph quantized(const Graph& graph, const std::string& settings) {
  const Manifest manifest = parse_manifest(
      "m.mlq.yaml", "schema: 1\nmodel: { file: m.h5 }\nquantize: { " + settings + " }\nemit: [onnx]\n");
  return quantize(graph, plan(graph, manifest));
}

std::set<std::string> operators(const ::onnx::ModelProto& model) {
  std::set<std::string> ops;
  for (const auto& node : model.graph().node()) ops.insert(node.op_type());
  return ops;
}

TEST(OnnxWriter, QuantizedWeightsStaySo) {
  const std::pair<const char*, const char*> cases[] = {
      {"algorithm: linear, bits: 8, granularity: per_tensor", "DequantizeLinear"},
      {"algorithm: linear, bits: 8, granularity: per_channel", "DequantizeLinear"},
      {"algorithm: linear, bits: 4", "Mul"},
      {"algorithm: kmeans_lut, bits: 8", "Gather"},
      {"algorithm: kmeans_lut, bits: 2, granularity: per_channel", "Gather"},
      {"algorithm: linear, bits: 4, granularity: per_group, group_size: 3", "Slice"},
      {"algorithm: kmeans_lut, bits: 2, granularity: per_group, group_size: 4", "Gather"},
      {"bits: 16", "Cast"}};
  for (const auto& [settings, op] : cases) {
    const Graph candidate = quantized(tiny(), settings);
    const std::vector<std::byte> bytes = written(candidate);
    EXPECT_TRUE(operators(parsed(bytes)).contains(op)) << settings;
    EXPECT_LT(bytes.size(), written(tiny()).size() * 3 / 4) << settings;
    expect_same(run(candidate, waves(candidate)), run(read_back(bytes), waves(candidate)), 1e-5, settings);
  }
}

// ONNX Runtime makes one operator of both, which rounds what is multiplied as well.
TEST(OnnxWriter, DequantizeLinearIsNeverBeforeMatMul) {
  Graph graph = graph_of({"MatMul", "", {}, {}, {}}, {{3, 64}});
  std::vector<float> values;
  for (int i = 0; i < 64 * 32; ++i) values.push_back(std::sin(0.7f * static_cast<float>(i)));
  graph.nodes[0].inputs.push_back(mlq::add_constant(graph, "w", {64, 32}, values));
  ASSERT_TRUE(mlq::infer_shapes(graph).ok());
  graph.outputs[0].shape = {3, 32};
  const Graph candidate = quantized(graph, "algorithm: linear_symmetric, bits: 8");
  ASSERT_TRUE(candidate.tensors.back().quantization);
  EXPECT_FALSE(operators(parsed(written(candidate))).contains("DequantizeLinear"));
  expect_kept(candidate, "MatMul");
}

TEST(OnnxWriter, TheSameGraphGivesTheSameBytes) { EXPECT_EQ(written(tiny()), written(tiny())); }

// --- what users see

TEST(OnnxWriter, AClassifierGivesScoresAndItsLabelsStandInTheMetadata) {
  Graph graph = tiny();
  graph.labels = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"};
  mlq::Feature& scores = graph.outputs[0];
  scores.kind = mlq::FeatureKind::scores;
  scores.shape = {10};
  graph.outputs.push_back({"best", "", mlq::FeatureKind::label, scores.tensor, {1}, DataType::int64});
  const ::onnx::ModelProto model = parsed(written(graph));
  ASSERT_EQ(model.graph().output_size(), 1);
  EXPECT_EQ(model.graph().output(0).name(), "digit");
  ASSERT_EQ(model.metadata_props_size(), 2);
  EXPECT_EQ(model.metadata_props(1).key(), "labels");
  EXPECT_EQ(model.metadata_props(1).value(), "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n");
  const Graph again = read_back(written(graph));
  EXPECT_THAT(again.outputs[0].shape, ElementsAre(10));
  expect_same(run(graph, waves(graph)), run(again, waves(graph)), 1e-6, "classifier");
  graph.outputs.erase(graph.outputs.begin());  // a label alone
  EXPECT_EQ(parsed(written(graph)).graph().output(0).name(), "classLabelProbs");
}

TEST(OnnxWriter, OpenDimensionsStayOpen) {
  Graph graph = graph_of({"Relu", "", {}, {}, {}}, {{1, 3, -1, -1}});
  graph.inputs[0].shape = {3, -1, -1};  // as Core ML's users see it
  const Graph again = read_back(written(graph));
  EXPECT_THAT(again.inputs[0].shape, ElementsAre(3, -1, -1));
  EXPECT_THAT(again.outputs[0].shape, ElementsAre(1, 3, -1, -1));
}

}  // namespace
}  // namespace mlqc
