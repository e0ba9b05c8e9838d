// All operators: the families, in a plain list.
#include "runtime-stub/kernels/families.h"
#include "runtime-stub/kernels/rare_families.h"

namespace mlq {
namespace {

using Family = std::span<const Kernel> (*)();

constexpr Family families[] = {
    kernels::unary_kernels,         kernels::activation_kernels,
    kernels::exponential_kernels,   kernels::binary_kernels,
    kernels::compare_kernels,       kernels::cast_kernels,
    kernels::bitwise_kernels,       kernels::grid_sample_kernels,
    kernels::fold_kernels,          kernels::deform_conv_kernels,
    kernels::fourier_kernels,       kernels::ngrams_kernels,
    kernels::unique_kernels,        kernels::reshape_kernels,
    kernels::transpose_kernels,     kernels::concat_kernels,
    kernels::slice_kernels,         kernels::pad_kernels,
    kernels::softmax_kernels,       kernels::matmul_kernels,
    kernels::conv_kernels,          kernels::pool_kernels,
    kernels::random_kernels,        kernels::recurrent_kernels,
    kernels::suppress_kernels,      kernels::einsum_kernels,
    kernels::conv_nhwc_kernels,     kernels::conv_transpose_nhwc_kernels,
    kernels::pool_nhwc_kernels,     kernels::dense_kernels,
    kernels::instance_nhwc_kernels, kernels::normalize_kernels,
    kernels::norms_kernels,         kernels::reduce_kernels,
    kernels::order_kernels,         kernels::resize_kernels,
    kernels::blocks_kernels,        kernels::gather_kernels,
    kernels::scatter_kernels,       kernels::shape_kernels,
    kernels::custom_kernels,
};

}  // namespace

const Kernel* find_kernel(std::string_view op) {
  for (Family family : families)
    for (const Kernel& kernel : family())
      if (kernel.op == op) return &kernel;
  return nullptr;
}

}  // namespace mlq
