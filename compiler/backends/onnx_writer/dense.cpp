// Products of matrices.
#include "compiler/backends/onnx_writer/writer.h"

namespace mlqc::onnx_writer {

namespace {

constexpr Row rows[] = {
    {"Einsum", same, "equation"},
    {"Gemm", same, "alpha beta transA transB"},
    {"MatMul", same},
};

}  // namespace

std::span<const Row> dense_rows() { return rows; }

}  // namespace mlqc::onnx_writer
