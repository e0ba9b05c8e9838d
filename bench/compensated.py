#!/usr/bin/python3
"""Compensated rounding against rounding to nearest: SqueezeNet at uniform widths, one table per tensor
unless told otherwise.

Every third photograph of the samples calibrates, the others judge. The figures are the model's own (bytes of
weights, top-1 agreement), the same on every machine; the seconds are those of quantizing. Without --model and
--photos it takes SqueezeNet and the photographs of the shared test material, where that is present."""
import argparse
import itertools
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
MANIFEST = """schema: 1
model: {{ file: "{model}" }}
quantize: {{ algorithm: {algorithm}, bits: {bits}, rounding: {rounding}{sharing} }}
calibrate: {{ images: "{calibrate}"{more} }}
validate: {{ samples: {{ images: "{judge}" }} }}
"""


def split(folders, into, third):
    """Links to every third photograph for calibration, to the others for judging."""
    photos = [(folder, p) for folder in folders for p in sorted(folder.rglob("*"))
              if p.suffix.lower() in (".jpg", ".jpeg", ".png")]
    for i, (folder, photo) in enumerate(photos):
        target = into / ("calibrate" if i % third == 0 else "judge")
        target.mkdir(exist_ok=True)
        (target / f"{folder.name}-{photo.parent.name}-{photo.name}").symlink_to(photo)
    return into / "calibrate", into / "judge"


def measure(mlqc, work, **keys):
    manifest = work / "net.mlq.yaml"
    manifest.write_text(MANIFEST.format(**keys))
    begin = time.monotonic()
    out = work / "out"
    made = subprocess.run([mlqc, "compile", manifest, "-o", out, "--name", "net"], capture_output=True, text=True)
    if made.returncode not in (0, 1):
        sys.exit(made.stderr)
    report = json.loads((out / "net.report.json").read_text())
    report["wall"] = time.monotonic() - begin
    return report


def sharing_of(word):
    """per_group:16 as the manifest says it."""
    name, _, size = word.partition(":")
    return f", granularity: {name}" + (f", {name.removeprefix('per_')}_size: {size}" if size else "") if name else ""


def figures(report):
    """The output's metrics: agreement for classifiers, else what there is."""
    for metrics in report["outputs"].values():
        if "top1_agreement" in metrics and "kl_divergence" in metrics:
            rest = f", KL {metrics['kl_divergence']['value']:.5f}"
            rest += f", SNR {metrics['snr_db']['value']:.1f} dB" if "snr_db" in metrics else ""
            return f"{100 * metrics['top1_agreement']['value']:5.1f} %" + rest
        if "psnr_db" in metrics:
            return f"{metrics['psnr_db']['value']:5.1f} dB PSNR"
    return "; ".join(f"{m} {v['value']:.4g}" for ms in report["outputs"].values() for m, v in ms.items())


def main():
    shared = pathlib.Path(os.environ.get("MLQ_SHARED", ROOT.parent / "shared"))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/release")
    parser.add_argument("--peers", type=pathlib.Path, help="not needed")
    parser.add_argument("--model", type=pathlib.Path, default=shared / "models/coreml/SqueezeNetFP16_TrainedMean.mlmodel")
    parser.add_argument("--photos", type=pathlib.Path, nargs="+",
                        default=[shared / "samples/clothing", shared / "samples/flowers"])
    parser.add_argument("--algorithms", nargs="+", default=["kmeans_lut"])
    parser.add_argument("--roundings", nargs="+", default=["nearest", "compensated"])
    parser.add_argument("--bits", type=int, nargs="+", default=[8, 6, 5, 4, 3])
    parser.add_argument("--granularities", nargs="+", default=[""], help="per_channel, per_group:16, per_block:32, ...")
    parser.add_argument("--calibration", type=int, help="at most so many photographs calibrate")
    parser.add_argument("--augment", nargs="+", choices=["mirror", "crop"],
                        help="photographs calibrate mirrored, or parts of them, too")
    arguments = parser.parse_args()
    if not arguments.model.is_file():
        print("SKIPPED: no model; give --model and --photos")
        return
    mlqc = arguments.build / "compiler/driver/mlqc"
    more = f", limit: {arguments.calibration}" if arguments.calibration else ""
    more += f", augment: [{', '.join(arguments.augment)}]" if arguments.augment else ""
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        calibrate, judge = split([p.resolve() for p in arguments.photos], work, 3)
        print(f"{'algorithm':<18} {'granularity':<13} {'rounding':<12} {'bits':>4} {'weights':>10} {'quantize':>9}  agreement")
        runs = itertools.product(arguments.algorithms, arguments.granularities, arguments.roundings, arguments.bits)
        for algorithm, granularity, rounding, bits in runs:
            report = measure(mlqc, work, model=arguments.model.resolve(), algorithm=algorithm, bits=bits, rounding=rounding,
                             sharing=sharing_of(granularity), calibrate=calibrate, judge=judge, more=more)
            since = sum("nearest_since" in layer for layer in report["layers"])
            print(f"{algorithm:<18} {granularity:<13} {rounding:<12} {bits:>4} {report['bytes']['weights']:>10,} "
                  f"{report['seconds']['quantize']:>7.1f} s  {figures(report)}"
                  + (f"  ({since} layers to nearest)" if since else ""), flush=True)


if __name__ == "__main__":
    main()
