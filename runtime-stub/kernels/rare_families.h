// Families that few networks have; apart, so that a new one does not compile all the others again.
#pragma once

#include <span>

#include "mlq/kernel.h"

namespace mlq::kernels {

std::span<const Kernel> bitwise_kernels();
std::span<const Kernel> grid_sample_kernels();
std::span<const Kernel> fold_kernels();
std::span<const Kernel> deform_conv_kernels();
std::span<const Kernel> fourier_kernels();
std::span<const Kernel> ngrams_kernels();
std::span<const Kernel> unique_kernels();

}  // namespace mlq::kernels
