// What a module with custom layers, metrics or quantizers exports, so that mlqc can run them: one object
// named mlq_plugin, whose first fields say whether the rest can be understood. The build writes its source
// from the manifest.
#pragma once

#include <cstddef>
#include <cstdint>

#include "mlq/custom_layer.h"
#include "mlq/lut_function.h"
#include "mlq/metric.h"
#include "mlq/version.h"

namespace mlq {

inline constexpr std::uint32_t plugin_magic = 0x31716c6d;  // "mlq1"

// A class by the name that the model, or the manifest for an operator of the source, gives it.
struct PluginClass {
  const char* name;
  CustomLayer* (*create)();
};
template <class T>
constexpr PluginClass plugin_class(const char* name) {
  return {name, []() -> CustomLayer* { return new T(); }};
}

// A metric by the manifest's name.
struct PluginMetric {
  const char* name;
  MetricFunction* function;
};

// A quantizer by the manifest's name for it.
struct PluginLut {
  const char* name;
  LutFunction* function;
};

struct Plugin {
  std::uint32_t magic = plugin_magic;
  std::uint32_t major = version_major, minor = version_minor;
  // Standard libraries that lay out a text or a shape otherwise cannot share one.
  std::uint32_t size_of_string = sizeof(std::string), size_of_shape = sizeof(Shape);
  std::size_t count = 0;
  const PluginClass* classes = nullptr;
  std::size_t metric_count = 0;
  const PluginMetric* metrics = nullptr;
  std::size_t lut_count = 0;
  const PluginLut* luts = nullptr;
};

}  // namespace mlq
