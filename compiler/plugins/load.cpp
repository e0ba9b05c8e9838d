#include <dlfcn.h>
#include <fmt/format.h>

#include <algorithm>

#include "compiler/plugins/board.h"
#include "compiler/plugins/plugins.h"
#include "compiler/support/error.h"
#include "mlq/plugin.h"

namespace mlqc {

namespace fs = std::filesystem;

namespace {

[[noreturn]] void refuse(const fs::path& file, const std::string& what, const std::string& hint) {
  throw Error(Exit::usage, {{file.string()}, what, "MLQ124", hint, {}});
}

const mlq::Plugin& open_plugin(const fs::path& file) {
  const OnBoard note("plugin '" + file.string() + "'", "loading");
  // Never closed: classes, and what they have thrown, live in it. The absolute path, lest the linker search.
  void* module = dlopen(fs::absolute(file).c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!module) {
    const char* why = dlerror();
    refuse(file, fmt::format("this plugin cannot be loaded: {}", why ? why : "the system does not say why"),
           "build it as a module for this machine: mlq_add_model(... CUSTOM_LAYERS file.cpp) does");
  }
  const auto* plugin = static_cast<const mlq::Plugin*>(dlsym(module, "mlq_plugin"));
  if (!plugin || plugin->magic != mlq::plugin_magic)
    refuse(file, "this module is no plugin of mlq: it exports no mlq_plugin",
           "'mlqc plugin MANIFEST' writes the source file that does");
  if (plugin->major != mlq::version_major || plugin->minor != mlq::version_minor ||
      plugin->size_of_string != sizeof(std::string) || plugin->size_of_shape != sizeof(mlq::Shape))
    refuse(file,
           fmt::format("this plugin was built for mlq {}.{}, this is mlq {}.{}, or with another compiler",
                       plugin->major, plugin->minor, mlq::version_major, mlq::version_minor),
           "build it again with the headers of this mlq");
  return *plugin;
}

// Adds what no plugin before has brought; `kind` is the word for it.
template <class T>
void add_new(std::vector<T>& all, T one, const char* kind, const fs::path& file) {
  const std::string_view name = one.name;
  if (std::ranges::any_of(all, [&](const T& other) { return other.name == name; }))
    refuse(file, fmt::format("the {} {} comes from two plugins", kind, name), "give only one of them");
  all.push_back(std::move(one));
}

}  // namespace

Plugins load_plugins(std::span<const fs::path> files) {
  Plugins all;
  for (const fs::path& file : files) {
    const mlq::Plugin& plugin = open_plugin(file);
    for (const mlq::PluginClass& entry : std::span(plugin.classes, plugin.count))
      add_new(all.classes,
              guarded({entry.name,
                       [create = entry.create](std::string_view) {
                         return std::unique_ptr<mlq::CustomLayer>(create());
                       }}),
              "class", file);
    for (const mlq::PluginMetric& metric : std::span(plugin.metrics, plugin.metric_count))
      add_new(all.metrics, metric, "metric", file);
    for (const mlq::PluginLut& lut : std::span(plugin.luts, plugin.lut_count))
      add_new(all.luts, lut, "quantizer", file);
  }
  return all;
}

}  // namespace mlqc
