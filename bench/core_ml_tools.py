#!/usr/bin/python3
"""Weights quantized by Core ML Tools and by mlq, both as Core ML files, judged alike: size, likeness, seconds.

Three nets of the shared test material: SqueezeNet and a classifier of fruit by top-1 agreement with the float model and
KL divergence, a style net (style.py's candy) by the PSNR of its picture of 8 bits. Every third photograph calibrates
ours, others judge both; `mlqc compare` judges the files that were written, the peer's and ours. Seconds are of the
processor, all of Core ML Tools' function against all of `mlqc quantize`. MLQ_COREMLTOOLS names a checkout of
coremltools outside the repository (tests/peers/README.md); its k-means is scikit-learn's."""
import argparse
import importlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import warnings

import style
from compensated import split

ROOT = pathlib.Path(__file__).resolve().parents[1]
MANIFEST = """schema: 1
model: {{ file: "{model}" }}
{interface}
quantize: {{ algorithm: {algorithm}, bits: {bits}, rounding: {rounding} }}
calibrate: {{ images: "{calibrate}" }}
emit: [coreml]
"""
OURS = (("linear", "nearest"), ("kmeans_lut", "nearest"), ("kmeans_lut", "compensated"))


def load_peer():
    """Core ML Tools' quantization module, or None."""
    folder = os.environ.get("MLQ_COREMLTOOLS", "")
    if not (pathlib.Path(folder) / "coremltools").is_dir():
        return None
    import logging
    sys.path.insert(0, folder)
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    return importlib.import_module("coremltools.models.neural_network.quantization_utils")


def widen_halves(message):
    """Core ML Tools leaves weights of 16 bits as they are: it gets them as floats, which are the same numbers."""
    import numpy
    for field, value in message.ListFields():
        if field.message_type is None or field.message_type.GetOptions().map_entry:
            continue
        for each in value if field.label == field.LABEL_REPEATED else [value]:
            if field.message_type.name == "WeightParams" and each.float16Value:
                each.floatValue.extend(numpy.frombuffer(each.float16Value, numpy.float16).astype(float))
                each.ClearField("float16Value")
            else:
                widen_halves(each)


def theirs(peer, model, mode, bits, out):
    from coremltools.proto import Model_pb2
    spec = Model_pb2.Model()
    spec.ParseFromString(model.read_bytes())
    widen_halves(getattr(spec, spec.WhichOneof("Type")))
    modes = {"linear": peer._QUANTIZATION_MODE_LINEAR_QUANTIZATION,
             "kmeans": peer._QUANTIZATION_MODE_LOOKUP_TABLE_KMEANS}
    begin = time.process_time()
    silenced, sys.stdout = sys.stdout, open(os.devnull, "w")
    try:
        made = peer._quantize_spec_weights(spec, bits, modes[mode])
    finally:
        sys.stdout = silenced
    seconds = time.process_time() - begin
    out.write_bytes(made.SerializeToString())
    return seconds


def ours(mlqc, work, model, algorithm, bits, rounding, calibrate, interface):
    (work / "net.mlq.yaml").write_text(MANIFEST.format(model=model, algorithm=algorithm, bits=bits, rounding=rounding,
                                                       calibrate=calibrate, interface=interface))
    before = style.children()
    made = subprocess.run([mlqc, "quantize", work / "net.mlq.yaml", "-o", work / "out", "--name", "net"],
                          capture_output=True, text=True)
    if made.returncode not in (0, 1):
        sys.exit(made.stderr)
    return work / "out/net.mlmodel", style.children() - before


def scores(mlqc, work, model, made, judge):
    """What compare says of a classifier."""
    subprocess.run([mlqc, "compare", model, made, "--samples", judge, "--json", work / "compare.json"], check=True,
                   capture_output=True)
    for metrics in json.loads((work / "compare.json").read_text())["outputs"].values():
        if "kl_divergence" in metrics:
            return f"{100 * metrics['top1_agreement']['value']:5.1f} %, KL {metrics['kl_divergence']['value']:.4f}"
    return "?"


def rows(peer, mlqc, work, name, model, calibrate, interface, judged, bits_list):
    def row(who, bits, made, seconds):
        print(f"{name:<11} {who:<29} {bits:>4} {made.stat().st_size:>10,}  {judged(made):<20} {seconds:>7.1f} s", flush=True)

    for bits in bits_list:
        for mode in ("linear", "kmeans"):
            seconds = theirs(peer, model, mode, bits, work / "peer.mlmodel")
            row(f"Core ML Tools, {mode}", bits, work / "peer.mlmodel", seconds)
        for algorithm, rounding in OURS:
            row(f"mlq, {algorithm}, {rounding}", bits,
                *ours(mlqc, work, model, algorithm, bits, rounding, calibrate, interface))


def classifier(peer, mlqc, work, shared, name, arguments):
    model = shared / "models/coreml" / arguments.models[name]
    calibrate, judge = split([shared / "samples/clothing", shared / "samples/flowers"], work, 3)
    rows(peer, mlqc, work, name, model, calibrate, "",
         lambda made: scores(mlqc, work, model, made, judge), arguments.bits)


def painter(peer, mlqc, work, shared, name, arguments):
    """candy as Core ML: both sides begin with the same file."""
    net = style.candy(shared, work)
    photos = style.cut_photographs([shared / "samples/clothing", shared / "samples/flowers"], work, style.SIDE, 16)
    model = work / "float.mlmodel"
    subprocess.run([mlqc, "convert", net.model, "-o", model], check=True, capture_output=True)
    exact = style.paintings(mlqc, work, net, model, photos)

    def judged(made):
        return f"{style.psnr(exact, style.paintings(mlqc, work, net, made, photos))[0]:5.2f} dB PSNR"

    rows(peer, mlqc, work, name, model, work / "calibrate", net.interface, judged, arguments.bits)


def main():
    shared = pathlib.Path(os.environ.get("MLQ_SHARED", ROOT.parent / "shared"))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/release")
    parser.add_argument("--peers", type=pathlib.Path, help="not needed")
    parser.add_argument("--nets", nargs="+", default=["squeezenet", "fruit", "candy"])
    parser.add_argument("--bits", type=int, nargs="+", default=[8, 6, 4])
    arguments = parser.parse_args()
    arguments.models = {"squeezenet": "SqueezeNetFP16_TrainedMean.mlmodel", "fruit": "CustomVisionFruit.mlmodel"}
    peer = load_peer()
    if not peer or not (shared / "models").is_dir():
        print("SKIPPED: MLQ_COREMLTOOLS names no checkout of coremltools" if not peer else "SKIPPED: no shared material")
        return
    mlqc = arguments.build / "compiler/driver/mlqc"
    print(f"{'net':<11} {'who':<29} {'bits':>4} {'bytes':>10}  {'likeness':<20} {'processor':>9}")
    for name in arguments.nets:
        with tempfile.TemporaryDirectory() as folder:
            work = pathlib.Path(folder)
            (painter if name == "candy" else classifier)(peer, mlqc, work, shared, name, arguments)


if __name__ == "__main__":
    main()
