#include "compiler/quantize/row_block.h"

#include "compiler/quantize/isa.h"

namespace mlqc {

MLQ_EACH_ISA void spread(const float* by, std::size_t count, const double* factor, std::size_t lanes,
                         double* to) {
  for (std::size_t i = 0; i < count; ++i)
    for (std::size_t first = 0; first < lanes; first += RowBlock::usual, to += RowBlock::usual)
      for (std::size_t lane = 0; lane < RowBlock::usual; ++lane)
        to[lane] += static_cast<double>(by[i]) * factor[first + lane];
}

}  // namespace mlqc
