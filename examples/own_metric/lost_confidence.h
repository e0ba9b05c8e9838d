// How much less sure the quantized model is of the float model's answer, 0 to 1. Agreement does not see it:
// the answer may be the same and the app's threshold missed.
#pragma once

#include <mlq/metric.h>

namespace app {

double lost_confidence(const mlq::Feature& output, std::span<const double> reference,
                       std::span<const double> candidate);

}  // namespace app
