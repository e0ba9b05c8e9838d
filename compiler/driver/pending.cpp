#include "compiler/driver/pending.h"

#include "compiler/driver/machine.h"
#include "compiler/support/bytes.h"
#include "compiler/validate/gate.h"

namespace mlqc {

namespace fs = std::filesystem;

fs::path pending_file(const Manifest& manifest) {
  return manifest.baseline ? fs::path(manifest.baseline->value.string() + ".pending") : fs::path();
}

void keep_pending(const Manifest& manifest, const Report& report, bool wanted) {
  if (!manifest.baseline || is_continuous_integration()) return;
  std::error_code error;
  if (!wanted) {
    fs::remove(pending_file(manifest), error);
    return;
  }
  try {
    write_if_changed(pending_file(manifest), to_json(baseline_of(report, "")));
  } catch (const Error&) {
    return;  // a source tree that is read only
  }
}

}  // namespace mlqc
