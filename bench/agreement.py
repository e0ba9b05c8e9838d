#!/usr/bin/python3
"""Bytes at a given agreement: one model at several widths and algorithms over the same photographs.

The table's figures are the model's own (artifact bytes, top-1 agreement with its 95 % interval), not times: they
are the same on every machine. Without --model and --photos it takes SqueezeNet and the photographs of the shared
test material, where that is present."""
import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
MANIFEST = """schema: 1
model: {{ file: "{model}" }}
quantize: {{ algorithm: {algorithm}, bits: {bits} }}
validate: {{ samples: {{ images: "{photos}" }} }}
"""


def gather(folders, into):
    """One folder of samples out of several: the manifest names one."""
    into.mkdir()
    for folder in folders:
        for file in sorted(p for p in folder.rglob("*") if p.suffix.lower() in (".jpg", ".jpeg", ".png")):
            shutil.copyfile(file, into / f"{folder.name}-{file.parent.name}-{file.name}")
    return into


def measure(mlqc, work, model, photos, algorithm, bits):
    manifest = work / "net.mlq.yaml"
    manifest.write_text(MANIFEST.format(model=model, photos=photos, algorithm=algorithm, bits=bits))
    out = work / f"{algorithm}-{bits}"
    subprocess.run([mlqc, "compile", manifest, "-o", out, "--name", "net"], check=True, stdout=subprocess.DEVNULL)
    report = json.loads((out / "net.report.json").read_text())
    for metrics in report["outputs"].values():
        if "top1_agreement" in metrics:
            return report["bytes"], metrics["top1_agreement"], report["samples"]
    sys.exit("the model has no output whose top-1 agreement could be measured")


def main():
    shared = pathlib.Path(os.environ.get("MLQ_SHARED", ROOT.parent / "shared"))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/release")
    parser.add_argument("--peers", type=pathlib.Path, help="not used: there is no peer")
    parser.add_argument("--model", type=pathlib.Path, default=shared / "models/coreml/SqueezeNetFP16_TrainedMean.mlmodel")
    parser.add_argument("--photos", type=pathlib.Path, nargs="+",
                        default=[shared / "samples/clothing", shared / "samples/flowers"])
    parser.add_argument("--algorithms", nargs="+", default=["linear", "kmeans_lut"])
    parser.add_argument("--bits", type=int, nargs="+", default=[8, 6, 5, 4])
    arguments = parser.parse_args()
    if not arguments.model.is_file():
        print("SKIPPED: no model; give --model and --photos")
        return
    mlqc = arguments.build / "compiler/driver/mlqc"
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        photos = gather([p.resolve() for p in arguments.photos], work / "photos")
        print(f"{'algorithm':<18} {'bits':>4} {'artifact':>10} {'weights':>10}  top-1 agreement (95 % interval)")
        for algorithm in arguments.algorithms:
            for bits in arguments.bits:
                size, top1, samples = measure(mlqc, work, arguments.model.resolve(), photos, algorithm, bits)
                print(f"{algorithm:<18} {bits:>4} {size['artifact']:>10,} {size['weights']:>10,}  "
                      f"{100 * top1['value']:5.1f} % ({100 * top1['lower']:.1f} .. {100 * top1['upper']:.1f}) "
                      f"of {samples['count']}", flush=True)


if __name__ == "__main__":
    main()
