#include "tests/graph/nets.h"

#include <gtest/gtest.h>

#include <cmath>

#include "mlq/model.h"

namespace mlqc::test {

using mlq::Shape;
using mlq::TensorId;
using Ints = std::vector<std::int64_t>;

std::int64_t Builder::pick(std::int64_t low, std::int64_t high) {
  return low + static_cast<std::int64_t>(random_() % static_cast<std::uint32_t>(high - low + 1));
}

TensorId Builder::input(Shape shape) {
  std::string name = "input" + std::to_string(graph.inputs.size());
  TensorId id = mlq::add_tensor(graph, {name, mlq::DataType::float32, shape, {}, {}});
  mlq::Feature feature;
  feature.name = name, feature.tensor = id, feature.shape = shape;
  graph.inputs.push_back(feature);
  return id;
}

TensorId Builder::weights(Shape shape, float range) {
  std::vector<float> values(static_cast<std::size_t>(*mlq::element_count(shape)));
  for (float& v : values) v = range * (static_cast<float>(random_() % 20000) / 10000.0f - 1.0f);
  return mlq::add_constant(graph, "weights" + std::to_string(graph.tensors.size()), shape, values);
}
TensorId Builder::positive(Shape shape) {
  std::vector<float> values(static_cast<std::size_t>(*mlq::element_count(shape)));
  for (float& v : values) v = 0.5f + static_cast<float>(random_() % 10000) / 10000.0f;
  return mlq::add_constant(graph, "positive" + std::to_string(graph.tensors.size()), shape, values);
}
TensorId Builder::ints(Ints values) {
  return mlq::add_constant(graph, "ints" + std::to_string(graph.tensors.size()),
                           {static_cast<std::int64_t>(values.size())}, std::span<const std::int64_t>(values));
}

std::vector<TensorId> Builder::nodes(const std::string& op, std::vector<TensorId> operands,
                                     std::size_t results, Attributes attributes) {
  std::string name = op + std::to_string(graph.nodes.size());
  std::vector<TensorId> ids;
  for (std::size_t i = 0; i < results; ++i)
    ids.push_back(
        mlq::add_tensor(graph, {name + ":" + std::to_string(i), mlq::DataType::float32, {}, {}, {}}));
  graph.nodes.push_back({op, name, std::move(operands), ids, std::move(attributes)});
  return ids;
}
TensorId Builder::node(const std::string& op, std::vector<TensorId> operands, Attributes attributes) {
  return nodes(op, std::move(operands), 1, std::move(attributes))[0];
}

void Builder::output(TensorId id) {
  mlq::Feature feature;
  feature.name = "output" + std::to_string(graph.outputs.size());
  feature.tensor = id;
  graph.outputs.push_back(feature);
  mlq::Status s = mlq::infer_shapes(graph);
  ASSERT_TRUE(s.ok()) << s.error();
  for (auto& output : graph.outputs) {
    output.shape = graph.tensors[output.tensor].shape;
    output.type = graph.tensors[output.tensor].type;
  }
}

TensorId Builder::conv(TensorId x, std::int64_t from, std::int64_t to, std::int64_t kernel,
                       std::int64_t stride, std::int64_t groups) {
  std::int64_t pad = kernel / 2;
  float range = 1.5f / std::sqrt(static_cast<float>(from / groups * kernel * kernel));
  TensorId w = weights({to, from / groups, kernel, kernel}, range), b = weights({to}, 0.1f);
  return node("Conv", {x, w, b},
              {{"strides", Ints{stride, stride}}, {"pads", Ints{pad, pad, pad, pad}}, {"group", groups}});
}

TensorId Builder::batch_norm(TensorId x, std::int64_t channels) {
  return node("BatchNormalization",
              {x, positive({channels}), weights({channels}), weights({channels}), positive({channels})});
}

mlq::Graph squeezenet_like() {
  Builder b(11);
  Attributes pool{{"kernel_shape", Ints{3, 3}}, {"strides", Ints{2, 2}}, {"ceil_mode", std::int64_t{1}}};
  TensorId x = b.node("Relu", {b.conv(b.input({1, 3, 35, 35}), 3, 16, 3, 2)});
  x = b.node("MaxPool", {x}, pool);
  std::int64_t from = 16;
  for (std::int64_t wide : {8, 12}) {
    TensorId squeezed = b.node("Relu", {b.conv(x, from, wide, 1)});
    TensorId left = b.node("Relu", {b.conv(squeezed, wide, 2 * wide, 1)});
    TensorId right = b.node("Relu", {b.conv(squeezed, wide, 2 * wide, 3)});
    x = b.node("Concat", {left, right}, {{"axis", std::int64_t{1}}});
    from = 4 * wide;
  }
  x = b.node("Dropout", {x});
  x = b.node("Relu", {b.conv(x, from, 10, 1)});
  x = b.node("GlobalAveragePool", {x});
  b.output(b.node("Softmax", {b.node("Flatten", {x})}));
  return b.graph;
}

mlq::Graph mobilenet_like() {
  Builder b(12);
  auto clip = [&](TensorId x) { return b.node("Clip", {x}, {{"min", 0.0f}, {"max", 6.0f}}); };
  TensorId x = clip(b.batch_norm(b.conv(b.input({1, 3, 32, 32}), 3, 8, 3, 2), 8));
  for (int i = 0; i < 2; ++i) {
    TensorId y = clip(b.batch_norm(b.conv(x, 8, 24, 1), 24));
    y = clip(b.batch_norm(b.conv(y, 24, 24, 3, 1, 24), 24));
    y = b.batch_norm(b.conv(y, 24, 8, 1), 8);
    x = b.node("Add", {x, y});
  }
  x = b.node("ReduceMean", {x}, {{"axes", Ints{2, 3}}, {"keepdims", std::int64_t{0}}});
  b.output(b.node("Gemm", {x, b.weights({10, 8}), b.weights({10})}, {{"transB", std::int64_t{1}}}));
  return b.graph;
}

mlq::Graph resnet_like() {
  Builder b(13);
  TensorId x = b.node("Relu", {b.batch_norm(b.conv(b.input({2, 3, 33, 33}), 3, 8, 7, 2), 8)});
  x = b.node("MaxPool", {x},
             {{"kernel_shape", Ints{3, 3}}, {"strides", Ints{2, 2}}, {"pads", Ints{1, 1, 1, 1}}});
  TensorId side = b.batch_norm(b.conv(x, 8, 16, 1), 16);
  TensorId y = b.node("Relu", {b.batch_norm(b.conv(x, 8, 4, 1), 4)});
  y = b.node("Relu", {b.batch_norm(b.conv(y, 4, 4, 3), 4)});
  y = b.batch_norm(b.conv(y, 4, 16, 1), 16);
  x = b.node("Relu", {b.node("Add", {y, side})});
  x = b.node("GlobalAveragePool", {x});
  TensorId flat = b.node("Reshape", {x, b.ints({0, -1})});
  b.output(b.node("Gemm", {flat, b.weights({10, 16}), b.weights({10})}, {{"transB", std::int64_t{1}}}));
  return b.graph;
}

std::size_t count(const mlq::Graph& graph, std::string_view op) {
  std::size_t n = 0;
  for (const auto& node : graph.nodes) n += node.op == op;
  return n;
}

namespace {

std::vector<mlq::Array> outputs_of(const mlq::Graph& graph, unsigned seed) {
  auto model = mlq::Model::from_graph(graph);
  EXPECT_TRUE(model.ok()) << model.error();
  if (!model) return {};
  std::mt19937 random(seed);
  std::vector<std::vector<float>> values;
  std::vector<mlq::View> views;
  for (const auto& input : graph.inputs) {
    values.emplace_back(static_cast<std::size_t>(*mlq::element_count(input.shape)));
    for (float& v : values.back()) v = static_cast<float>(random() % 20000) / 10000.0f - 1.0f;
  }
  for (std::size_t i = 0; i < values.size(); ++i)
    views.push_back({mlq::DataType::float32, graph.inputs[i].shape, values[i].data()});
  auto result = model->predict(views);
  EXPECT_TRUE(result.ok()) << result.error();
  return result ? *result : std::vector<mlq::Array>{};
}

}  // namespace

void expect_equal_outputs(const mlq::Graph& a, const mlq::Graph& b, unsigned seed) {
  auto x = outputs_of(a, seed), y = outputs_of(b, seed);
  ASSERT_EQ(x.size(), a.outputs.size());
  ASSERT_EQ(y.size(), x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    ASSERT_EQ(x[i].shape, y[i].shape);
    ASSERT_EQ(x[i].type, y[i].type);
    if (x[i].type != mlq::DataType::float32) {
      ASSERT_EQ(x[i].bytes, y[i].bytes);
      continue;
    }
    for (std::size_t k = 0; k < x[i].floats().size(); ++k) {
      float e = x[i].floats()[k], v = y[i].floats()[k];
      if (std::isnan(e) && std::isnan(v)) continue;
      ASSERT_LE(std::fabs(e - v), 2e-4f * std::fmax(1.0f, std::fabs(e)))
          << "output " << i << ", element " << k;
    }
  }
}

}  // namespace mlqc::test
