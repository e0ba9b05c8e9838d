// Rounding of one layer's weights with their errors weighed against each other.
#pragma once

#include <vector>

#include "compiler/quantize/moments.h"
#include "compiler/quantize/product.h"
#include "compiler/quantize/quantize.h"

namespace mlqc {

struct CompensateTask {
  const Product& product;
  const mlq::Tensor& tensor;       // of the weights
  std::span<const float> weights;  // in the tensor's order
  std::span<const float> nearest;  // the same, rounded to nearest: what there is to beat
  const TensorPlan& plan;
};

struct CompensateResult {
  Quantized quantized;
  // By which the bias of each output channel changes; empty for a layer without one.
  std::vector<double> bias;
  // Mean squared error at the layer's output on the calibration samples, up to a constant that both share.
  double error = 0, nearest_error = 0;
  // False: the samples never reach the layer.
  bool ok = false;
};

// Three rounds, each of
//  1. rounding column after column, with what the errors so far do to the output made good by the columns
//     to come (GPTQ), the best of several ways (beam.h),
//  2. coordinate descent: each weight once more, given all the others,
//  3. the least-squares levels (table, or scale and offset) for the weights' choice.
// The best round wins. One Moments per group; they are used up.
CompensateResult compensate(const CompensateTask& task, std::vector<Moments> moments);

}  // namespace mlqc
