"""Who may include whom (DESIGN.md, section 2). Prints each breach as file:line and fails when there is one."""
import pathlib
import re
import sys

# A folder's headers and sources may include from these besides itself and the runtime's public headers ("mlq/").
BELOW = ["compiler/manifest", "compiler/graph", "compiler/support"]
MAY_INCLUDE = {
    "compiler/support": [],
    "compiler/manifest": ["compiler/support"],
    "compiler/graph": ["compiler/support"],
    "compiler/frontends": BELOW,
    # Activations are gathered through the very windows that the kernels slide.
    "compiler/quantize": BELOW + ["runtime-stub/kernels"],
    "compiler/validate": BELOW,
    "compiler/codegen": BELOW,
    "compiler/plugins": ["compiler/support"],
    # A back end writes into a copy of the source, so it knows Source and the Core ML front end's weight walker.
    "compiler/backends": BELOW + ["compiler/frontends", "runtime-stub/src"],
    "compiler/driver": BELOW + ["compiler/frontends", "compiler/quantize", "compiler/validate", "compiler/backends",
                                "compiler/codegen", "compiler/plugins"],
    "compiler": ["compiler/driver", "compiler/support"],
    "runtime-stub": [],
}
# An app that links the runtime needs none of these.
NOT_IN_RUNTIME = re.compile(r"google/protobuf|yaml-cpp|hdf5|nlohmann|CLI/|fmt/|mustache|tbb/|openssl|\.pb\.h|compiler/")
# Only the one parallel seam, so that ThreadSanitizer builds can replace it.
ONLY_IN = {"tbb/": "compiler/support/", "oneapi/tbb": "compiler/support/"}
STANDARD = re.compile(r"[a-z_0-9]+$")  # <vector>, <cstdint>
POSIX = re.compile(r"(sys|linux)/[a-z_]+\.h$|(unistd|fcntl|pthread|dlfcn|poll|signal)\.h$")

INCLUDE = re.compile(r'\s*#\s*include\s*([<"])([^>"]+)[>"]')


def folder_of(path):
    """The longest folder of the table that holds the path."""
    return max((f for f in MAY_INCLUDE if path.startswith(f + "/")), key=len, default=None)


def breach(path, quote, target):
    """Why the file at `path` may not include `target`, or None."""
    folder = folder_of(path)
    if folder is None:
        return None
    if folder == "runtime-stub" and NOT_IN_RUNTIME.search(target):
        return "the runtime knows nothing of it"
    for library, home in ONLY_IN.items():
        if target.startswith(library) and not path.startswith(home):
            return f"only {home} may include it"
    if quote == "<":
        third_party = not (STANDARD.match(target) or POSIX.match(target))
        return "no third-party header in a header of compiler/" if (
            third_party and path.startswith("compiler/") and path.endswith(".h")) else None
    if folder == "runtime-stub" or target.startswith("mlq/") or not target.startswith(("compiler/", "runtime-stub/")):
        return None
    allowed = [folder, *MAY_INCLUDE[folder]]
    return None if any(target.startswith(f + "/") for f in allowed if f != "compiler") or (
        folder == "compiler" and target.count("/") == 1) else f"{folder}/ may include {', '.join(MAY_INCLUDE[folder])}"


def breaches(root):
    for path in sorted(p for top in ("compiler", "runtime-stub") for p in (root / top).rglob("*")):
        if path.suffix not in (".h", ".cpp"):
            continue
        name = path.relative_to(root).as_posix()
        for number, text in enumerate(path.read_text().splitlines(), 1):
            found = INCLUDE.match(text)
            reason = found and breach(name, *found.groups())
            if reason:
                yield f"{name}:{number}: {text.strip()}: {reason}"


def self_test():
    """The rules must bite: these are breaches, and these are none."""
    assert breach("compiler/quantize/a.cpp", '"', "compiler/validate/metric.h")
    assert breach("compiler/support/a.h", '"', "compiler/graph/rewrite.h")
    assert breach("compiler/codegen/a.h", "<", "kainjow/mustache.hpp")
    assert breach("compiler/quantize/a.cpp", "<", "tbb/parallel_for.h")
    assert breach("runtime-stub/src/a.cpp", '"', "compiler/support/error.h")
    assert breach("runtime-stub/src/a.cpp", "<", "yaml-cpp/yaml.h")
    assert not breach("compiler/codegen/a.cpp", "<", "kainjow/mustache.hpp")
    assert not breach("compiler/driver/a.cpp", '"', "compiler/validate/metric.h")
    assert not breach("compiler/quantize/a.cpp", '"', "compiler/quantize/b.h")
    assert not breach("compiler/main.cpp", '"', "compiler/driver/commands.h")
    assert breach("compiler/main.cpp", '"', "compiler/validate/metric.h")
    assert not breach("compiler/support/a.h", "<", "sys/stat.h")


if __name__ == "__main__":
    self_test()
    found = list(breaches(pathlib.Path(__file__).resolve().parents[2]))
    print("\n".join(found) or "every include is allowed")
    sys.exit(bool(found))
