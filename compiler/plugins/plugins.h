// Modules with the user's custom layers, metrics and quantizers. A plugin is somebody's first version of some
// code: what it does wrong is reported as its own fault, by layer, class and method.
#pragma once

#include <filesystem>
#include <span>
#include <vector>

#include "mlq/plugin.h"

namespace mlqc {

struct Plugins {
  std::vector<mlq::CustomClass> classes;   // guarded
  std::vector<mlq::PluginMetric> metrics;  // to be called by call_metric alone
  std::vector<mlq::PluginLut> luts;        // to be called by call_lut alone
};

// What all `files` bring. Throws Error (Exit::usage, MLQ124) on what is no plugin of this version of mlq, and
// when two bring the same class, metric or quantizer.
Plugins load_plugins(std::span<const std::filesystem::path> files);

// The class with its instances watched: exceptions, NaN where no input has one, outputs left unwritten and
// shapes that change are failures; every call is on the board (board.h).
mlq::CustomClass guarded(mlq::CustomClass plain);

// The figure of one sample; the call is on the board. Throws Error (Exit::model, MLQ317) when the metric
// throws.
double call_metric(const mlq::PluginMetric& metric, const mlq::Feature& output,
                   std::span<const double> reference, std::span<const double> candidate);

// The table and indices; the call is on the board. Throws Error (Exit::model, MLQ318) when the function
// throws, fails, or gives what no tensor can be.
mlq::Lut call_lut(const mlq::PluginLut& lut, const mlq::LutTask& task);

}  // namespace mlqc
