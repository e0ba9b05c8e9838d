// The instruction sets that our vector code is compiled for: AVX2, AVX-512 and NEON. The others that Highway
// knows have too few lanes to beat the kernel library, or vectors whose size is not known before the program
// runs. Included before any header of Highway.
#pragma once

#define HWY_DISABLED_TARGETS \
  (HWY_SSSE3 | HWY_SSE4 | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
// Whether the target being compiled is one of them: Highway adds one for machines that have none.
#define MLQ_VECTOR_TARGET (HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_NEON)
