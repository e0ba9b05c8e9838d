// How far a candidate's output is from the reference's. Adding a metric is one file, its test, one line here
// and one row in metrics.cpp.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mlq/graph.h"
#include "mlq/model.h"

namespace mlqc {

// A figure over all samples with its 95 % interval (equal to the value where the metric has none). No sample
// at all gives NaN, which no limit accepts.
struct Measurement {
  double value = 0, lower = 0, upper = 0;
  std::size_t n = 0;
  // Which samples are behind it, by name: of hits those that missed, else the one that is worst.
  std::vector<std::string> samples = {};
};

// How the samples' figures become one.
enum class Summary {
  hits,  // the share of ones; has a Wilson interval, and `confidence` makes sense
  mean,
  worst,        // the largest, or the smallest where higher is better
  worst_class,  // figures are classes, from 1, negative for a miss: the lowest share of hits in any class
};

struct Metric {
  std::string_view name;  // as in the manifest, and the name of the file
  bool higher_is_better;
  Summary summary;
  // Which outputs it can judge.
  bool (*applies)(const mlq::Feature& output);
  // One sample, both arrays with the same number of elements: 1 or 0 for hits, the figure itself otherwise.
  // NaN or infinite numbers in one output but not in the other never count in the candidate's favour.
  double (*sample)(const mlq::Feature& output, const mlq::Array& reference, const mlq::Array& candidate);
  // Instead of it, for metrics that need the true label, as its place among the scores. These are measured
  // only where samples have labels.
  double (*with_truth)(const mlq::Feature& output, const mlq::Array& reference, const mlq::Array& candidate,
                       std::int64_t truth) = nullptr;
  // Instead of it, of a metric of the user's own (driver/own_metrics.h).
  std::function<double(const mlq::Feature& output, const mlq::Array& reference, const mlq::Array& candidate)>
      own = {};
};

std::span<const Metric> metrics();
const Metric* find_metric(std::string_view name);
// Adds a manifest's own to the table, in place of those of the manifest before. Not while anything measures.
void set_own_metrics(std::vector<Metric> own);

// One figure for all samples; of hits the share with its Wilson interval at `confidence`, two-sided.
Measurement summarize(const Metric& metric, std::span<const double> samples, double confidence = 0.95);

// Wilson score interval (Wilson 1927, JASA 22), two-sided.
Measurement wilson(std::size_t hits, std::size_t n, double confidence = 0.95);

// The metrics, one per file of that name. `size` is not among them: it needs no samples, the gate judges it.
extern const Metric top1_agreement;
extern const Metric top5_agreement;
extern const Metric worst_class_agreement;
extern const Metric snr_db;
extern const Metric psnr_db;
extern const Metric cosine;
extern const Metric max_abs_error;
extern const Metric mean_abs_error;
extern const Metric ssim;
extern const Metric kl_divergence;
extern const Metric accuracy;
extern const Metric reference_accuracy;
extern const Metric iou;
extern const Metric pixel_agreement;
extern const Metric mean_average_precision;
extern const Metric key_point_distance;

// What they share (metrics.cpp).

// An output's numbers as its user sees them: those of an image are rounded and clamped to 0..255.
std::vector<double> user_values(const mlq::Feature& output, const mlq::Array& array);
// Scores, or a tensor with more than `at_least` numbers along one dimension: something to take the best of.
bool is_ranking(const mlq::Feature& output, std::int64_t at_least);
bool is_numbers(const mlq::Feature& output);  // anything but a label
// The sum of squares of the reference, and of its difference to the candidate. Equal infinities cancel; any
// other number that is not finite makes the noise NaN.
struct Power {
  double signal = 0, noise = 0;
};
Power power(std::span<const double> reference, std::span<const double> candidate);
// 10 log10(signal / noise), within -200..200, so that one exact or one silent sample leaves the mean finite.
double decibels(double signal, double noise);

}  // namespace mlqc
