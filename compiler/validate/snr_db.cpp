// Signal to noise ratio in decibels: the reference is the signal, the candidate's difference to it the noise.
#include "compiler/validate/metric.h"

namespace mlqc {

namespace {

double sample(const mlq::Feature& output, const mlq::Array& reference, const mlq::Array& candidate) {
  const Power sums = power(user_values(output, reference), user_values(output, candidate));
  return decibels(sums.signal, sums.noise);
}

}  // namespace

const Metric snr_db{"snr_db", true, Summary::mean, is_numbers, sample};

}  // namespace mlqc
