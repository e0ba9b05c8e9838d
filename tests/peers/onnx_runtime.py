"""ONNX models, and quantized ones that mlqc wrote, in ONNX Runtime and in mlq: the same inputs, the same outputs.

    onnx_runtime.py models|emitted|converted MLQC MODULES [MODEL...]

MODULES holds node_modules/onnxruntime-node (build/peers after ./dev bench). `models` runs each model as it is, on the
inputs that lie beside it or on random ones; `emitted` what `emit: [onnx]` makes of it against the .mlq beside that, and
at eight bits holds its size against the artifact's; `converted` the same of models of other formats, and `mlqc convert`
of them. Without models: all of the shared folder, or the two that weigh
enough for sizes to say something. Exit status 77 where node, the peer or the models are missing."""
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
ALGORITHMS = [("linear", "per_tensor"), ("linear", "per_channel"), ("linear_lut", None), ("kmeans_lut", None)]
SETTINGS = [(algorithm, bits, granularity) for bits in (8, 4, 3) for algorithm, granularity in ALGORITHMS]
SETTINGS += [("linear_symmetric", 8, None), ("none", 16, None)]
SETTINGS += [("kmeans_lut", 4, "per_group, group_size: 16"), ("linear", 4, "per_block, block_size: 24")]
CONVERTED_SETTINGS = [("linear", 8, "per_tensor"), ("linear", 8, "per_channel"), ("kmeans_lut", 8, None), ("kmeans_lut", 4, None)]
CONVERTED = ["coreml/SqueezeNetFP16.mlmodel", "coreml/SqueezeNetInt8LUT.mlmodel", "coreml/mnistCNN_r4ghu.mlmodel",
             "coreml/CustomVisionFruit.mlmodel", "coreml/waifu2x_photo_noise1.mlmodel", "coreml/pose_hourglass.mlmodel",
             "keras/mnistCNN_r4ghu.h5", "keras/fer2013_mini_XCEPTION.107-0.66.hdf5", "keras/mlperf_tiny_vww_mobilenet_96.h5",
             "tensorflow/kws_DS_CNN_S.pb", "tensorflow/tf2onnx_fc-layers_frozen.pb", "tensorflow/pose_hourglass.pb",
             "tflite/mlperf_tiny_resnet8_float.tflite", "tflite/mobilenet_v1_0.25_224_float.tflite",
             "tflite/mobilenet_v1_0.25_224_quant.tflite"]
TOLERANCE = 1e-3  # of the largest number
MOST_BYTES = 1.02  # of the artifact's, at eight bits and for models of a megabyte and more


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
            words = line.split()
            if len(words) < 4 or words[1] == "label":  # also the line that counts the labels
                continue
            name, meaning, kind, shape = words[:4]
            found[section].append((name, kind, [int(d) for d in shape.split("x")], meaning == "image"))
    return found["inputs"], found["outputs"]


def ours(mlqc, model, inputs, outputs, folder):
    words = [mlqc, "predict", model]
    for name, array in inputs.items():
        np.save(folder / f"{name.replace('/', '_')}.npy", array)
        words += ["--input", f"{name}={folder / (name.replace('/', '_') + '.npy')}"]
    for i, (name, *_) in enumerate(outputs):
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


def emitted(mlqc, model, algorithm, bits, granularity, folder):
    settings = f"algorithm: {algorithm}, bits: {bits}" + (f", granularity: {granularity}" if granularity else "")
    manifest = folder / "m.mlq.yaml"
    manifest.write_text(f"schema: 1\nmodel: {{file: {model}}}\nquantize: {{{settings}}}\nemit: [onnx]\n")
    call(mlqc, "compile", manifest, "-o", folder / "out", "--name", "m")
    return folder / "out/m.onnx", folder / "out/m.mlq"


def random_inputs(features):
    random = np.random.default_rng(1)
    return {name: (random.random(shape) * (255 if image or shape[-1] > 64 and len(shape) > 2 else 1)).astype(TYPES[kind])
            for name, kind, shape, image in features}


def given_inputs(model, features):
    """Those of the folders test_data_set_N beside a model.onnx."""
    for data in sorted(model.parent.glob("test_data_set_*")):
        from onnx import TensorProto, numpy_helper
        tensors = [TensorProto.FromString((data / f"input_{i}.pb").read_bytes()) for i in range(len(features))]
        yield data.name, {f[0]: numpy_helper.to_array(t).astype(TYPES[f[1]]) for f, t in zip(features, tensors)}


class Judge:
    good = True

    def line(self, model, what, difference, ratio=None, most=None):
        fits = difference <= TOLERANCE and (most is None or ratio <= most)
        self.good &= fits
        size = "" if ratio is None else f".onnx / .mlq {ratio:.3f}"
        print(f"{model.parent.name}/{model.name:28} {what:26} {difference:.1e} {size}{'' if fits else '  TOO MUCH'}", flush=True)


def compare_models(mlqc, modules, model, folder, judge):
    features, outputs = interface(mlqc, model)
    for what, inputs in [*given_inputs(model, features), ("random", random_inputs(features))]:
        judge.line(model, what, distance(ours(mlqc, model, inputs, outputs, folder), theirs(modules, model, inputs, folder)))


def compare_emitted(mlqc, modules, model, folder, judge):
    features, outputs = interface(mlqc, model)
    inputs = random_inputs(features)
    for algorithm, bits, granularity in SETTINGS:
        onnx, mlq = emitted(mlqc, model, algorithm, bits, granularity, folder)
        difference = distance(ours(mlqc, mlq, inputs, outputs, folder), theirs(modules, onnx, inputs, folder))
        heavy = bits == 8 and model.stat().st_size > 1 << 20
        judge.line(model, f"{algorithm} {bits} {granularity or ''}", difference, onnx.stat().st_size / mlq.stat().st_size,
                   MOST_BYTES if heavy else None)


def compare_converted(mlqc, modules, model, folder, judge):
    features, outputs = interface(mlqc, model)
    inputs = random_inputs(features)
    made = folder / "converted.onnx"
    call(mlqc, "convert", model, "-o", made)
    judge.line(model, "float", distance(ours(mlqc, model, inputs, outputs, folder), theirs(modules, made, inputs, folder)))
    for algorithm, bits, granularity in CONVERTED_SETTINGS:
        onnx, mlq = emitted(mlqc, model, algorithm, bits, granularity, folder)
        difference = distance(ours(mlqc, mlq, inputs, outputs, folder), theirs(modules, onnx, inputs, folder))
        judge.line(model, f"{algorithm} {bits} {granularity or ''}", difference, onnx.stat().st_size / mlq.stat().st_size)


COMPARE = {"models": compare_models, "emitted": compare_emitted, "converted": compare_converted}


def main(what, mlqc, modules, *models):
    shared = pathlib.Path(os.environ.get("MLQ_SHARED", HERE.parents[1].parent / "shared")) / "models"
    if not shutil.which("node") or not (pathlib.Path(modules) / "node_modules/onnxruntime-node").exists():
        skip("node or onnxruntime-node is missing (./dev bench installs the latter)")
    if not models and not shared.exists():
        skip("no shared models")
    found = {"models": sorted((shared / "onnx").rglob("*.onnx")),
             "emitted": [shared / "onnx/SqueezeNet_fp16.onnx", shared / "onnx/style_candy.onnx"],
             "converted": [shared / model for model in CONVERTED]}[what]
    found = [pathlib.Path(m).resolve() for m in models] or found
    judge = Judge()
    with tempfile.TemporaryDirectory() as folder:
        for model in found:
            COMPARE[what](mlqc, modules, model, pathlib.Path(folder), judge)
    return 0 if judge.good else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
