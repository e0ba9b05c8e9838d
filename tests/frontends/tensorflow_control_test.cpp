// Conditionals, loops and arrays of TensorFlow 1 and 2 against loops written out, and the shared face
// detector, which has all of version 1, against a judge that knows no conditional
// (tests/data/tensorflow_judge.py).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "compiler/frontends/frontend.h"
#include "compiler/graph/rewrite.h"
#include "compiler/quantize/quantize.h"
#include "compiler/support/error.h"
#include "tests/frontends/tensorflow_control_fixture.h"
#include "tests/support/files.h"
#include "tests/support/npy.h"

namespace mlqc {
namespace {

using test::GraphMaker;
using test::Names;
using testing::HasSubstr;
using Floats = std::vector<float>;

Floats wave(std::size_t n, float step = 0.7f) {
  Floats values(n);
  for (std::size_t i = 0; i < n; ++i) values[i] = std::sin(step * static_cast<float>(i) + 0.3f);
  return values;
}

void expect_near(const Floats& actual, const Floats& expected) {
  ASSERT_EQ(actual.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(actual[i], expected[i], 1e-4) << "at " << i;
}

Floats compute(const mlq::Shape& shape, const Floats& x, const std::function<void(GraphMaker&)>& make) {
  tensorflow::GraphDef graph;
  GraphMaker maker(*graph.mutable_node());
  maker.placeholder("x", shape);
  make(maker);
  return test::run(graph, {x}).at(0);
}

Error refusal(const std::function<void()>& act) {
  try {
    act();
  } catch (const Error& error) {
    return error;
  }
  throw std::runtime_error("was not refused");
}

TEST(TensorFlowControl, OldLoopsRunAsOftenAsTheDataSay) {
  for (const float first : {1.0f, 7.0f, 200.0f}) {
    const Floats result = compute({2}, {first, 1}, [](GraphMaker& g) {
      g.ints("axes", {1}, {0});
      g.floats("limit", {}, {100});
      g.floats("three", {}, {3});
      test::old_loop(
          g, "while", {"x"}, {"limit", "three"},
          [&](const Names& v) {
            g.node("while/Sum", "Sum", {v[0], "axes"});
            return g.node("while/Less", "Less", {"while/Sum", v[1]}).name();
          },
          [&](const Names& v) {
            return Names{g.node("while/mul", "Mul", {v[0], v[2]}).name()};
          });
      g.node("y", "Identity", {"while/Exit_0"});
    });
    Floats x{first, 1};
    while (x[0] + x[1] < 100) x[0] *= 3, x[1] *= 3;
    EXPECT_EQ(result, x);
  }
}

TEST(TensorFlowControl, ArraysAreReadAndWrittenARowARound) {
  const Floats x = wave(12);
  tensorflow::GraphDef graph;
  GraphMaker maker(*graph.mutable_node());
  maker.placeholder("x", {4, 3});
  test::running_sums(maker, "");
  Floats expected = x;
  for (std::size_t i = 3; i < 12; ++i) expected[i] += expected[i - 3];
  expect_near(test::run(graph, {x}).at(0), expected);
  // The number of rounds is a number in the graph, so the result's shape is known.
  EXPECT_EQ(test::import_bytes(graph).outputs.at(0).shape, (mlq::Shape{4, 3}));
}

TEST(TensorFlowControl, AnArrayThatIsWrittenInAnotherOrderIsRefused) {
  const Error error = refusal([] {
    compute({4, 3}, wave(12), [](GraphMaker& g) { test::running_sums(g, "while/i"); });
  });
  EXPECT_EQ(error.diagnostic().code, "MLQ312");
  EXPECT_THAT(error.diagnostic().what,
              HasSubstr("writes to an array in another order than one element a round"));
}

TEST(TensorFlowControl, LoopsInLoopsReadWhatIsAroundBoth) {
  const Floats result = compute({2}, {1, -2}, [](GraphMaker& g) {
    for (const int n : {0, 1, 4}) g.ints("c" + std::to_string(n), {}, {n});
    g.floats("none", {2}, {0, 0});
    const auto below = [&](const std::string& name, const Names& v, const std::string& limit) {
      return g.node(name + "/Less", "Less", {v[0], limit}).name();
    };
    test::old_loop(
        g, "outer", {"c0", "none"}, {"c4", "x", "c1", "c0"},
        [&](const Names& v) { return below("outer", v, v[2]); },
        [&](const Names& v) {
          // j from 0 to i: the sum grows by x * j
          test::old_loop(
              g, "inner", {v[5], v[1]}, {v[0], v[3], v[4]},
              [&](const Names& w) { return below("inner", w, w[2]); },
              [&](const Names& w) {
                auto& real = g.node("inner/real", "Cast", {w[0]});
                test::set_type(real, "SrcT", 3), test::set_type(real, "DstT", 1);
                g.node("inner/mul", "Mul", {w[3], "inner/real"});
                g.node("inner/sum", "AddV2", {w[1], "inner/mul"});
                g.node("inner/j", "AddV2", {w[0], w[4]});
                return Names{"inner/j", "inner/sum"};
              });
          g.node("outer/i", "AddV2", {v[0], v[4]});
          return Names{"outer/i", "inner/Exit_1"};
        });
    g.node("y", "Identity", {"outer/Exit_1"});
  });
  expect_near(result, {4, -8});  // 0 + (0) + (0 + 1) + (0 + 1 + 2) times x
}

TEST(TensorFlowControl, OldBranchesMayGiveOtherShapes) {
  for (const float sign : {1.0f, -1.0f}) {
    const Floats result = compute({2}, {2 * sign, sign}, [](GraphMaker& g) {
      test::sign_of_sum(g);
      g.ints("axis", {}, {0});
      test::old_choice(
          g, "cond", "x", "positive", [&](const std::string& v) { return g.node("no", "Neg", {v}).name(); },
          [&](const std::string& v) {
            return g.node("yes", "ConcatV2", {v, v, "axis"}).name();
          });
      g.node("y", "Square", {"cond/Merge"});
    });
    expect_near(result, sign > 0 ? Floats{4, 1, 4, 1} : Floats{4, 1});
  }
}

// A constant is a branch by what it waits for; conditionals stand in conditionals and after one another, all
// on the same condition or on another.
TEST(TensorFlowControl, OldConditionalsNestAndFollowEachOther) {
  for (const Floats& x : {Floats{3, 4}, Floats{3, -1}, Floats{-3, 1}}) {
    const Floats result = compute({2}, x, [](GraphMaker& g) {
      test::sign_of_sum(g);
      g.floats("two", {}, {2});
      g.node("large", "Greater", {"sum", "two"});
      g.node("pivot", "Switch", {"positive", "positive"});
      g.node("switch_f", "Identity", {"pivot"});
      g.floats("fixed", {2}, {10, 20});
      g.last().add_input("^switch_f");
      test::old_choice(
          g, "a", "x", "positive", [&](const std::string&) { return std::string("fixed"); },
          [&](const std::string& v) {
            g.node("large_here", "Switch", {"large", "positive"});
            test::old_choice(
                g, "b", v, "large_here:1",
                [&](const std::string& w) { return g.node("b/no", "Neg", {w}).name(); },
                [&](const std::string& w) { return g.node("b/yes", "Square", {w}).name(); });
            return std::string("b/Merge");
          });
      test::old_choice(
          g, "c", "a/Merge", "positive",
          [&](const std::string& v) { return g.node("c/no", "Neg", {v}).name(); },
          [&](const std::string& v) {
            return g.node("c/yes", "AddV2", {v, v}).name();
          });
      g.node("y", "Identity", {"c/Merge"});
    });
    const float sum = x[0] + x[1];
    Floats expected{-10, -20};
    if (sum > 0) expected = sum > 2 ? Floats{2 * x[0] * x[0], 2 * x[1] * x[1]} : Floats{-2 * x[0], -2 * x[1]};
    expect_near(result, expected);
  }
}

TEST(TensorFlowControl, IfRunsOneOfTwoFunctions) {
  for (const char* op : {"If", "StatelessIf"}) {
    expect_near(test::run(test::functional_choice(op), {{1, 2}}).at(0), {3, 8});
    expect_near(test::run(test::functional_choice(op), {{-1, -2}}).at(0), {1, 2});
  }
}

TEST(TensorFlowControl, WhatABranchCannotRunIsNamed) {
  tensorflow::GraphDef graph = test::functional_choice("If");
  graph.mutable_library()->mutable_function(1)->mutable_node_def(0)->set_op("Mystery");
  const Error error = refusal([&] { test::import_bytes(graph); });
  EXPECT_EQ(error.diagnostic().code, "MLQ311");
  EXPECT_THAT(error.diagnostic().what, HasSubstr("'neg' of kind Mystery"));
}

TEST(TensorFlowControl, FunctionsThatChooseThemselvesAreRefused) {
  tensorflow::GraphDef graph = test::functional_choice("If");
  auto& body = *graph.mutable_library()->mutable_function(0)->mutable_node_def(0);
  body.set_op("If");
  *body.mutable_attr() = graph.node(5).attr();
  EXPECT_EQ(refusal([&] { test::import_bytes(graph); }).diagnostic().code, "MLQ310");
}

TEST(TensorFlowControl, WhileWithListsIsARecurrentLayer) {
  const Floats w = wave(6, 1.3f), u = wave(4, 0.9f), x = wave(15);
  Floats expected, h{0, 0};
  for (std::size_t t = 0; t < 5; ++t) {
    Floats next(2);
    for (std::size_t o = 0; o < 2; ++o) {
      for (std::size_t i = 0; i < 3; ++i) next[o] += x[3 * t + i] * w[2 * i + o];
      for (std::size_t i = 0; i < 2; ++i) next[o] += h[i] * u[2 * i + o];
      next[o] = std::tanh(next[o]);
    }
    h = next;
    expected.insert(expected.end(), h.begin(), h.end());
  }
  const tensorflow::GraphDef graph = test::recurrent(w, u);
  expect_near(test::run(graph, {x}).at(0), expected);
  // Weights that no round changes are constants of the network, where a quantizer finds them.
  const mlq::Graph imported = simplify(test::import_bytes(graph));
  EXPECT_EQ(imported.outputs.at(0).shape, (mlq::Shape{5, 1, 2}));
  int weights = 0;
  for (const mlq::Tensor& tensor : imported.tensors)
    weights += tensor.data && tensor.type == mlq::DataType::float32 && mlq::element_count(tensor.shape) >= 4;
  EXPECT_EQ(weights, 2);
}

// A network that can be checked, or one sentence.
void import_or_refuse(const std::string& bytes) {
  try {
    const mlq::Graph graph =
        import_graph({"test.pb", mlq::copy_data(std::as_bytes(std::span(bytes))), "", "tensorflow"});
    EXPECT_TRUE(mlq::check(graph).ok());
  } catch (const Error& error) {
    EXPECT_EQ(error.exit(), Exit::model);
    EXPECT_FALSE(error.diagnostic().what.empty());
  }
}

// In graphs of control flow nearly every bit is a name, an operand or an attribute of it.
TEST(TensorFlowControl, EveryBitAndEveryPrefixMayBeDamaged) {
  tensorflow::GraphDef old;
  GraphMaker maker(*old.mutable_node());
  maker.placeholder("x", {4, 3});
  test::running_sums(maker, "");
  test::sign_of_sum(maker);
  test::old_choice(
      maker, "cond", "y", "positive",
      [&](const std::string& v) { return maker.node("no", "Neg", {v}).name(); },
      [&](const std::string& v) { return maker.node("yes", "Square", {v}).name(); });
  for (const tensorflow::GraphDef& graph :
       {old, test::recurrent(wave(6), wave(4)), test::functional_choice("If")}) {
    const std::string bytes = graph.SerializeAsString();
    for (std::size_t at = 0; at < bytes.size(); ++at) {
      import_or_refuse(bytes.substr(0, at));
      std::string damaged = bytes;
      damaged[at] ^= static_cast<char>(1 << at % 8);
      import_or_refuse(damaged);
    }
  }
}

// A thousand loops in one another, and as many conditionals.
std::string loops_in_loops(GraphMaker& g, const std::string& x, int depth) {
  const std::string name = "d" + std::to_string(depth);
  if (depth == 1000) return g.node("deepest", "Neg", {x}).name();
  test::old_loop(
      g, name, {x}, {}, [&](const Names&) { return std::string("positive"); },
      [&](const Names& v) { return Names{loops_in_loops(g, v[0], depth + 1)}; });
  return name + "/Exit_0";
}

std::string choices_in_choices(GraphMaker& g, const std::string& x, const std::string& condition, int depth) {
  const std::string name = "d" + std::to_string(depth);
  if (depth == 1000) return g.node("deepest", "Neg", {x}).name();
  test::old_choice(
      g, name, x, condition, [&](const std::string& v) { return g.node(name + "no", "Neg", {v}).name(); },
      [&](const std::string& v) {
        g.node(name + "sum", "Sum", {v, "axes"});
        g.node(name + "again", "Greater", {name + "sum", "zero"});
        return choices_in_choices(g, v, name + "again", depth + 1);
      });
  return name + "/Merge";
}

TEST(TensorFlowControl, WhatIsNestedTooDeeplyIsRefused) {
  for (const bool loops : {true, false}) {
    const Error error = refusal([&] {
      compute({2}, {1, 2}, [&](GraphMaker& g) {
        test::sign_of_sum(g);
        g.node("y", "Identity",
               {loops ? loops_in_loops(g, "x", 0) : choices_in_choices(g, "x", "positive", 0)});
      });
    });
    EXPECT_EQ(error.diagnostic().code, "MLQ312") << error.diagnostic().what;
  }
}

// TensorFlow's definition of CropAndResize, point by point.
Floats cut(const Floats& image, int h, int w, int c, const Floats& boxes, int rows, int columns,
           bool nearest) {
  Floats result;
  for (std::size_t n = 0; n * 4 < boxes.size(); ++n)
    for (int i = 0; i < rows; ++i)
      for (int j = 0; j < columns; ++j)
        for (int k = 0; k < c; ++k) {
          const float* b = &boxes[4 * n];
          const auto at = [](float from, float to, int cells, int p, int points) {
            const auto last = static_cast<float>(cells - 1);
            return points > 1 ? from * last + static_cast<float>(p) * (to - from) * last /
                                                  static_cast<float>(points - 1)
                              : 0.5f * (from + to) * last;
          };
          const float y = at(b[0], b[2], h, i, rows), x = at(b[1], b[3], w, j, columns);
          const auto pixel = [&](float r, float q) {
            const auto place =
                static_cast<std::size_t>(r) * static_cast<std::size_t>(w) + static_cast<std::size_t>(q);
            return image[place * static_cast<std::size_t>(c) + static_cast<std::size_t>(k)];
          };
          if (y < 0 || x < 0 || y > static_cast<float>(h - 1) || x > static_cast<float>(w - 1)) {
            result.push_back(-5);
          } else if (nearest) {
            result.push_back(pixel(std::round(y), std::round(x)));
          } else {
            const float t = std::floor(y), l = std::floor(x), d = std::ceil(y), r = std::ceil(x);
            const float top = pixel(t, l) + (pixel(t, r) - pixel(t, l)) * (x - l);
            const float bottom = pixel(d, l) + (pixel(d, r) - pixel(d, l)) * (x - l);
            result.push_back(top + (bottom - top) * (y - t));
          }
        }
  return result;
}

TEST(TensorFlowControl, CropAndResizeReadsBetweenPixels) {
  const Floats boxes{0.1f, 0.2f, 0.9f, 0.7f, -0.3f, 0.5f, 0.4f, 1.2f, 0.8f, 0.9f, 0.2f, 0.1f},
      image = wave(60);
  for (const char* method : {"bilinear", "nearest"})
    for (const int points : {1, 3}) {
      const Floats result = compute({1, 5, 4, 3}, image, [&](GraphMaker& g) {
        g.floats("boxes", {3, 4}, boxes);
        g.ints("of", {3}, {0, 0, 0});
        g.ints("size", {2}, {points, 4});
        auto& node = g.node("y", "CropAndResize", {"x", "boxes", "of", "size"});
        test::set(node, "method", std::string(method)), test::set_real(node, "extrapolation_value", -5);
      });
      expect_near(result, cut(image, 5, 4, 3, boxes, points, 4, std::string(method) == "nearest"));
    }
}

// The judge's picture.
Floats blobs(int height, int width) {
  Floats values;
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (int c = 0; c < 3; ++c)
        values.push_back(static_cast<float>((y * y / 7 + x * x / 11 + x * y / 5 + c * 17) % 256));
  return values;
}

mlq::Graph face_detector() {
  return simplify(import_graph(read_source(mlq::test::shared_folder() / "models/tensorflow/mtcnn.pb")));
}

std::vector<mlq::Array> find_faces(const mlq::Graph& graph) {
  const auto model = mlq::Model::from_graph(prepare_for_runtime(graph));
  if (!model) throw std::runtime_error(model.error());
  const Floats picture = blobs(72, 96), size{20}, limits{0.1f, 0.01f, 0.001f}, factor{0.7f};
  const std::vector<mlq::View> views{{mlq::DataType::float32, {72, 96, 3}, picture.data()},
                                     {mlq::DataType::float32, {}, size.data()},
                                     {mlq::DataType::float32, {3}, limits.data()},
                                     {mlq::DataType::float32, {}, factor.data()}};
  auto outputs = model->predict(views);
  if (!outputs) throw std::runtime_error(outputs.error());
  return std::move(*outputs);
}

TEST(TensorFlowControl, TheSharedFaceDetectorFindsWhatTheJudgeFinds) {
  MLQ_NEEDS_SHARED();
  const mlq::Graph graph = face_detector();
  const std::vector<mlq::Array> outputs = find_faces(graph);
  for (std::size_t i = 0; i < graph.outputs.size(); ++i) {
    const auto expected =
        mlq::test::read_npy(mlq::test::data_folder() / "tensorflow" / (graph.outputs[i].name + ".npy"));
    ASSERT_EQ(outputs.at(i).shape, expected.shape) << graph.outputs[i].name;
    for (std::size_t k = 0; k < expected.floats().size(); ++k)
      EXPECT_NEAR(outputs.at(i).floats()[k], expected.floats()[k], 2e-3)
          << graph.outputs[i].name << " at " << k;
  }
}

// Weights in loops and branches are quantized as all others are.
TEST(TensorFlowControl, TheSharedFaceDetectorIsQuantized) {
  MLQ_NEEDS_SHARED();
  const Manifest manifest = parse_manifest(
      "m.mlq.yaml", "schema: 1\nmodel: { file: m.pb }\nquantize: { algorithm: kmeans_lut, bits: 8 }\n");
  const mlq::Graph graph = face_detector();
  const mlq::Graph small = quantize(graph, plan(graph, manifest));
  std::int64_t quantized = 0;
  for (const mlq::Tensor& tensor : small.tensors)
    if (tensor.quantization) quantized += *mlq::element_count(tensor.shape);
  EXPECT_GT(quantized, 480'000);  // of 496,069 weights
  const float best = find_faces(graph).at(0).floats()[0], found = find_faces(small).at(0).floats()[0];
  EXPECT_NEAR(found, best, 0.1 * best);
}

}  // namespace
}  // namespace mlqc
