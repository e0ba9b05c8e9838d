// What so many samples can and cannot show.
#pragma once

#include <cstddef>

namespace mlqc {

// A gate asks one question, "is it at least this much?", so its bound is one-sided: the two-sided interval at
// 2c - 1 has the one-sided bounds at c. `confidence` is at least 0.5.
double two_sided(double confidence);

// Wilson's score bounds (Wilson 1927, JASA 22) at a share that need not be a whole number of hits; two-sided.
struct Bounds {
  double lower, upper;
};
Bounds wilson_bounds(double share, double n, double confidence);

// The smallest number of samples, all of them hits, whose one-sided lower bound reaches the limit; 0 when
// none does.
std::size_t samples_needed(double limit, double confidence);

// The smallest number of samples whose one-sided lower bound reaches the limit if the share stays what it is;
// 0 when none does, because the share itself is not above it.
std::size_t samples_to_settle(double share, double limit, double confidence);

// The same samples twice: `worse` became misses, `better` became hits. The probability of at least as many
// worse ones if either change were as likely (McNemar's test, exact and one-sided).
double sign_test(std::size_t worse, std::size_t better);

}  // namespace mlqc
