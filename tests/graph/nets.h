// Small networks of the well-known kinds, with random weights, built node by node.
#pragma once

#include <random>
#include <string>
#include <vector>

#include "mlq/graph.h"

namespace mlqc::test {

using Attributes = std::map<std::string, mlq::Attribute, std::less<>>;

class Builder {
 public:
  explicit Builder(unsigned seed) : random_(seed) {}

  mlq::TensorId input(mlq::Shape shape);
  mlq::TensorId weights(mlq::Shape shape, float range = 1.0f);
  mlq::TensorId positive(mlq::Shape shape);
  mlq::TensorId ints(std::vector<std::int64_t> values);
  mlq::TensorId node(const std::string& op, std::vector<mlq::TensorId> operands, Attributes attributes = {});
  std::vector<mlq::TensorId> nodes(const std::string& op, std::vector<mlq::TensorId> operands,
                                   std::size_t results, Attributes attributes = {});
  void output(mlq::TensorId id);

  // Convolution with weights and bias; SAME padding for odd kernels.
  mlq::TensorId conv(mlq::TensorId x, std::int64_t from, std::int64_t to, std::int64_t kernel,
                     std::int64_t stride = 1, std::int64_t groups = 1);
  mlq::TensorId batch_norm(mlq::TensorId x, std::int64_t channels);

  mlq::Graph graph;
  std::int64_t pick(std::int64_t low, std::int64_t high);

 private:
  std::mt19937 random_;
};

mlq::Graph squeezenet_like();
mlq::Graph mobilenet_like();
mlq::Graph resnet_like();

std::size_t count(const mlq::Graph& graph, std::string_view op);

// Runs both on the same random input and expects equal outputs up to rounding.
void expect_equal_outputs(const mlq::Graph& a, const mlq::Graph& b, unsigned seed);

}  // namespace mlqc::test
