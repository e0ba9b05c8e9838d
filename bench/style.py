#!/usr/bin/python3
"""Style nets at few bits: how far the painted picture is from the float model's, compensated and to nearest.

Eight photographs calibrate and others judge, cut to squares by Pillow. The figure is the PSNR of the pictures of 8 bits
with a peak of 255, the mean over the pictures, beside the least. `candy` is the shared style_candy.onnx, written anew
for pictures of 224 x 224; `starry` is FastStyleTransferStarryNight.mlmodel at its own size, whose two custom layers are
those of examples/style (build the target style_4_custom, or give --plugin). The last row is coded, bits chosen for
--coded bytes. Seconds are of the processor: they do not depend on who else uses it."""
import argparse
import os
import pathlib
import resource
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
SIDE = 224
MANIFEST = """schema: 1
model: {{ file: "{model}" }}
{interface}
quantize: {{ {quantize} }}
calibrate: {{ images: calibrate{more} }}
"""
CUSTOM = """custom_layers:
  - { class: ResCropBlockLambda, type: app::ResCropBlock, header: style_layers.h }
  - { class: RescaleOutputLambda, type: app::RescaleOutput, header: style_layers.h }"""


class Net:
    """A model file, what a manifest adds to it, and the names of its picture in and out."""

    def __init__(self, model, interface, picture_in, picture_out, plugin=None):
        self.model, self.interface, self.picture_in, self.picture_out = model, interface, picture_in, picture_out
        self.options = ["--plugin", plugin] if plugin else []


def candy(shared, work):
    """The shared net takes 720 x 720. Its transposed convolutions ask for a row and a column more than they make, which
    the layers after them crop away again; here they do neither, which a Core ML file can say, too."""
    import onnx
    model = onnx.load(shared / "models/onnx/style_candy.onnx")
    for value in [*model.graph.input, *model.graph.output]:
        for dimension in value.type.tensor_type.shape.dim[2:]:
            dimension.dim_value = SIDE
    crop = {node.input[0]: node for node in model.graph.node if node.op_type == "Crop"}
    for node in model.graph.node:
        if node.op_type == "ConvTranspose":
            kept = [attribute for attribute in node.attribute if attribute.name != "output_shape"]
            del node.attribute[:]
            node.attribute.extend(kept)
            crop[node.output[0]].attribute[0].ints[:] = [1, 1, 0, 0]
    onnx.save(model, work / "candy.onnx")
    return Net(work / "candy.onnx", "interface: { inputs: { inputImage: { as: image, color: bgr } } }",
               "inputImage", "outputImage")


def starry(shared, plugin):
    return Net(shared / "models/coreml/FastStyleTransferStarryNight.mlmodel", CUSTOM, "image", "output", plugin)


def cut_photographs(folders, work, side, judging):
    """calibrate/ and judge/ with squares of photographs, evenly chosen; returns those that judge."""
    from PIL import Image, ImageOps
    photos = [p for folder in folders for p in sorted(folder.rglob("*")) if p.suffix.lower() in (".jpg", ".jpeg", ".png")]
    each = len(photos) // (8 + judging)
    chosen = photos[::each][:8 + judging]
    spread = {i * len(chosen) // 8 for i in range(8)}
    for part in ("calibrate", "judge"):
        (work / part).mkdir(exist_ok=True)
    for i, photo in enumerate(chosen):
        part = "calibrate" if i in spread else "judge"
        ImageOps.fit(Image.open(photo).convert("RGB"), (side, side)).save(work / part / f"{i:02}.png")
    return sorted((work / "judge").glob("*.png"))


def children():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def compiled(mlqc, work, net, quantize, augment=()):
    """The artifact, and the processor's seconds."""
    more = f", augment: [{', '.join(augment)}]" if augment else ""
    (work / "net.mlq.yaml").write_text(MANIFEST.format(model=net.model, interface=net.interface, quantize=quantize, more=more))
    before = children()
    made = subprocess.run([mlqc, "compile", work / "net.mlq.yaml", "-o", work / "out", "--name", "net", *net.options],
                          capture_output=True, text=True)
    if made.returncode not in (0, 1):
        sys.exit(made.stderr)
    return work / "out/net.mlq", children() - before


def paintings(mlqc, work, net, model, photos):
    import numpy
    pictures = []
    for photo in photos:
        subprocess.run([mlqc, "predict", model, "--input", f"{net.picture_in}={photo}", "--save",
                        f"{net.picture_out}={work / 'picture.npy'}", *net.options], check=True, capture_output=True)
        pictures.append(numpy.clip(numpy.rint(numpy.load(work / "picture.npy").astype(float)), 0, 255))
    return pictures


def psnr(exact, ours):
    """Mean and least of the pictures' decibels."""
    import numpy
    values = [10 * numpy.log10(255 ** 2 / max(numpy.mean((a - b) ** 2), 1e-9)) for a, b in zip(exact, ours)]
    return sum(values) / len(values), min(values)


def run(mlqc, work, name, net, photos, arguments):
    exact = paintings(mlqc, work, net, compiled(mlqc, work, net, "algorithm: none, bits: 32")[0], photos)
    rows = [(f"{algorithm}, {bits} bits, {rounding}", f"algorithm: {algorithm}, bits: {bits}, rounding: {rounding}")
            for bits in arguments.bits for algorithm in arguments.algorithms for rounding in arguments.roundings]
    coded = "algorithm: kmeans_lut, bits: auto, rounding: compensated, storage: coded, budget: {{ max_size: {} }}"
    rows += [(f"auto, coded, at most {size:,} bytes", coded.format(size)) for size in arguments.coded]
    for title, quantize in rows:
        artifact, seconds = compiled(mlqc, work, net, quantize, arguments.augment)
        mean, least = psnr(exact, paintings(mlqc, work, net, artifact, photos))
        print(f"{name:<7} {title:<38} {artifact.stat().st_size:>9,} bytes {mean:6.2f} dB, least {least:6.2f}"
              f"{seconds:8.1f} s", flush=True)


def main():
    shared = pathlib.Path(os.environ.get("MLQ_SHARED", ROOT.parent / "shared"))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/release")
    parser.add_argument("--peers", type=pathlib.Path, help="not needed")
    parser.add_argument("--photos", type=pathlib.Path, nargs="+",
                        default=[shared / "samples/clothing", shared / "samples/flowers"])
    parser.add_argument("--nets", nargs="+", default=["candy", "starry"])
    parser.add_argument("--plugin", type=pathlib.Path, help="module with the custom layers of starry")
    parser.add_argument("--algorithms", nargs="+", default=["kmeans_lut"])
    parser.add_argument("--roundings", nargs="+", default=["nearest", "compensated"])
    parser.add_argument("--bits", type=int, nargs="*", default=[4, 3])
    parser.add_argument("--coded", type=int, nargs="*", default=[140_000], help="bytes; none: no such row")
    parser.add_argument("--augment", nargs="+", choices=["mirror", "crop"],
                        help="photographs calibrate mirrored, or parts of them, too")
    parser.add_argument("--judging", type=int, default=16, help="so many photographs judge")
    arguments = parser.parse_args()
    if not (shared / "models/onnx/style_candy.onnx").is_file():
        print("SKIPPED: no shared test material (MLQ_SHARED)")
        return
    mlqc = arguments.build / "compiler/driver/mlqc"
    plugin = arguments.plugin or next(arguments.build.glob("examples/style/*style_4_custom*"), None)
    for name in arguments.nets:
        with tempfile.TemporaryDirectory() as folder:
            work = pathlib.Path(folder)
            if name == "starry" and not plugin:
                print("starry  SKIPPED: no module with its custom layers; build style_4_custom, or give --plugin")
                continue
            net = candy(shared, work) if name == "candy" else starry(shared, plugin)
            photos = cut_photographs(arguments.photos, work, SIDE if name == "candy" else 320, arguments.judging)
            run(mlqc, work, name, net, photos, arguments)


if __name__ == "__main__":
    main()
