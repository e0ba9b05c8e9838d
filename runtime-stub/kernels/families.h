// The families of operators, one per file of the same name.
#pragma once

#include <span>

#include "mlq/kernel.h"

namespace mlq::kernels {

std::span<const Kernel> unary_kernels();
std::span<const Kernel> activation_kernels();
std::span<const Kernel> exponential_kernels();
std::span<const Kernel> binary_kernels();
std::span<const Kernel> compare_kernels();
std::span<const Kernel> cast_kernels();
std::span<const Kernel> reshape_kernels();
std::span<const Kernel> transpose_kernels();
std::span<const Kernel> concat_kernels();
std::span<const Kernel> slice_kernels();
std::span<const Kernel> pad_kernels();
std::span<const Kernel> softmax_kernels();
std::span<const Kernel> matmul_kernels();
std::span<const Kernel> conv_kernels();
std::span<const Kernel> pool_kernels();
std::span<const Kernel> random_kernels();
std::span<const Kernel> recurrent_kernels();
std::span<const Kernel> suppress_kernels();
std::span<const Kernel> einsum_kernels();
std::span<const Kernel> conv_nhwc_kernels();
std::span<const Kernel> conv_transpose_nhwc_kernels();
std::span<const Kernel> pool_nhwc_kernels();
std::span<const Kernel> dense_kernels();
std::span<const Kernel> instance_nhwc_kernels();
std::span<const Kernel> normalize_kernels();
std::span<const Kernel> norms_kernels();
std::span<const Kernel> reduce_kernels();
std::span<const Kernel> order_kernels();
std::span<const Kernel> resize_kernels();
std::span<const Kernel> blocks_kernels();
std::span<const Kernel> gather_kernels();
std::span<const Kernel> scatter_kernels();
std::span<const Kernel> shape_kernels();
std::span<const Kernel> custom_kernels();

}  // namespace mlq::kernels
