"""ONNX models, and quantized ones that mlqc wrote, in ONNX Runtime and in mlq: the same inputs, the same outputs.

    onnx_runtime.py MLQC MODULES [MODEL.onnx...]

MODULES holds node_modules/onnxruntime-node (build/peers after ./dev bench). Without models: those of the shared folder.
Each model is compared as it is; then as written with `emit: [onnx]` against the .mlq beside it, at 8 bits linear and
as a table, at 4 bits and as halves. Exit status 77 where node, the peer or the models are missing."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
TYPES = {"float32": np.float32, "float16": np.float16}
SETTINGS = [("linear", 8), ("linear_symmetric", 8), ("kmeans_lut", 8), ("linear", 4), ("kmeans_lut", 4), ("linear", 3)]


def skip(why):
    print("SKIPPED:", why)
    sys.exit(77)


def call(*words):
    done = subprocess.run([str(w) for w in words], capture_output=True, text=True)
    if done.returncode not in (0, 1):
        raise RuntimeError(f"{words[0]} {words[1]}: {done.stderr or done.stdout}")
    return done.stdout


def interface(mlqc, model):
    """Name, type and shape of inputs and outputs, as inspect prints them."""
    found = {"inputs": [], "outputs": []}
    section = None
    for line in call(mlqc, "inspect", model).splitlines():
        if not line.startswith(" "):
            section = line.strip() if line.strip() in found else None
        elif section:
            name, _, kind, shape = line.split()[:4]
            found[section].append((name, kind, [int(d) for d in shape.split("x")]))
    return found["inputs"], found["outputs"]


def ours(mlqc, model, inputs, outputs, folder):
    words = [mlqc, "predict", model]
    for name, array in inputs.items():
        np.save(folder / f"{name.replace('/', '_')}.npy", array)
        words += ["--input", f"{name}={folder / (name.replace('/', '_') + '.npy')}"]
    for i, (name, _, _) in enumerate(outputs):
        words += ["--save", f"{name}={folder / f'ours{i}.npy'}"]
    call(*words)
    return [np.load(folder / f"ours{i}.npy").astype(np.float64) for i in range(len(outputs))]


def theirs(modules, model, inputs, folder):
    listed = []
    for i, (name, array) in enumerate(inputs.items()):
        (folder / f"in{i}").write_bytes(array.tobytes())
        listed.append({"name": name, "type": array.dtype.name, "dims": array.shape, "file": f"in{i}"})
    (folder / "in.json").write_text(json.dumps(listed))
    call("node", HERE / "onnx_runtime.mjs", modules, model, folder)
    return [np.frombuffer((folder / o["file"]).read_bytes(), TYPES[o["type"]]).astype(np.float64).reshape(o["dims"])
            for o in json.loads((folder / "out.json").read_text())]


def distance(a, b):
    """The largest difference, relative to the largest number."""
    return max(float(np.abs(x.ravel() - y.ravel()).max() / max(np.abs(y).max(), 1e-30)) for x, y in zip(a, b))


def emitted(mlqc, model, algorithm, bits, folder):
    manifest = folder / "m.mlq.yaml"
    manifest.write_text(f"schema: 1\nmodel: {{file: {model}}}\nquantize: {{algorithm: {algorithm}, bits: {bits}}}\nemit: [onnx]\n")
    call(mlqc, "compile", manifest, "-o", folder / "out", "--name", "m")
    return folder / "out/m.onnx", folder / "out/m.mlq"


def compare(mlqc, modules, model, folder):
    features, outputs = interface(mlqc, model)
    random = np.random.default_rng(1)
    image = features[0][2][-1] > 64
    inputs = {name: (random.random(shape) * (255 if image else 1)).astype(TYPES[kind]) for name, kind, shape in features}
    good = True

    def line(what, difference, more=""):
        nonlocal good
        good &= difference <= 1e-3
        print(f"{model.parent.name}/{model.name:28} {what:22} {difference:.1e} {more}", flush=True)

    line("as it is", distance(ours(mlqc, model, inputs, outputs, folder), theirs(modules, model, inputs, folder)))
    for algorithm, bits in SETTINGS:
        onnx, mlq = emitted(mlqc, model, algorithm, bits, folder)
        sizes = onnx.stat().st_size / mlq.stat().st_size
        line(f"{algorithm} {bits}", distance(ours(mlqc, mlq, inputs, outputs, folder), theirs(modules, onnx, inputs, folder)),
             f".onnx / .mlq {sizes:.3f}")
    return good


def main(mlqc, modules, *models):
    shared = pathlib.Path(os.environ.get("MLQ_SHARED", HERE.parents[1].parent / "shared")) / "models/onnx"
    if not shutil.which("node") or not (pathlib.Path(modules) / "node_modules/onnxruntime-node").exists():
        skip("node or onnxruntime-node is missing")
    if not models and not shared.exists():
        skip("no shared models")
    found = [pathlib.Path(m).resolve() for m in models] or sorted(shared.rglob("*.onnx"))
    with tempfile.TemporaryDirectory() as folder:
        return 0 if all([compare(mlqc, modules, model, pathlib.Path(folder)) for model in found]) else 1


sys.exit(main(*sys.argv[1:]))
