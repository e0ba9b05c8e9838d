// Networks of one layer, for tests of single kinds.
#pragma once

#include <string>
#include <vector>

#include "tests/frontends/coreml_fixture.h"

namespace mlqc::test {

using Floats = std::vector<float>;

// An input of a layer: its shape and its numbers.
struct Blob {
  std::vector<std::int64_t> shape;
  Floats values;

  // Element at a place, all dimensions given.
  float at(std::initializer_list<std::int64_t> place) const;
};

// Numbers in (-2, 2), the same each time, no two alike.
Blob wave(const std::vector<std::int64_t>& shape, float phase = 0);

// One layer that reads blobs `x0`, `x1`, ... of these shapes and makes `y0`, ... In `rank5`, blobs have one
// or three dimensions, otherwise any.
class OneLayer {
 public:
  explicit OneLayer(std::vector<Blob> inputs, int outputs = 1, bool rank5 = false);
  coreml::NeuralNetworkLayer& layer();
  coreml::Model& model() { return model_; }
  std::vector<Floats> run() const;

 private:
  coreml::Model model_;
  std::vector<Blob> inputs_;
};

// All pairs within a small tolerance, relative to the larger of the expected number and one.
void expect_near(const Floats& actual, const std::vector<double>& expected);

}  // namespace mlqc::test
