#!/usr/bin/python3
"""Is compensated rounding ever worse than rounding to nearest? Every model that loads, at several widths.

Models that take pictures see photographs, some to calibrate, others to judge; the rest see random numbers. The figure
is the signal-to-noise ratio of the outputs in dB, the mean over outputs; a layer that fell back to nearest is counted.
`worse` marks rows where compensation costs more than 0.1 dB. Without --models it takes the shared test material."""
import argparse
import json
import os
import pathlib
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
SUFFIXES = (".mlmodel", ".mlpackage", ".onnx", ".h5", ".hdf5", ".keras", ".pb", ".tflite")
MANIFEST = """schema: 1
model: {{ file: "{model}" }}
quantize: {{ algorithm: {algorithm}, bits: {bits}, rounding: {rounding} }}
calibrate: {calibrate}
validate: {{ samples: {judge} }}
"""


def samples(photos, count):
    """What to calibrate and to judge with: photographs first, else random numbers."""
    images = '{{ images: "{}", limit: {} }}'
    yield images.format(photos[0], count), images.format(photos[1], count)
    yield f"{{ random: {count}, seed: 1 }}", f"{{ random: {count}, seed: 2 }}"


def quantize(mlqc, work, timeout, **keys):
    manifest = work / "net.mlq.yaml"
    manifest.write_text(MANIFEST.format(**keys))
    try:
        made = subprocess.run([mlqc, "quantize", manifest, "-o", work / "out", "--name", "net"], capture_output=True,
                              text=True, timeout=timeout)
    except subprocess.TimeoutExpired:
        return f"longer than {timeout} s"
    if made.returncode:
        return next((line for line in made.stderr.splitlines() if "error:" in line), made.stderr)
    return json.loads((work / "out/net.measured.json").read_text())


def snr(report):
    values = [metrics["snr_db"]["value"] for metrics in report["outputs"].values() if "snr_db" in metrics]
    return sum(values) / len(values) if values else float("nan")


def rows(mlqc, work, model, arguments):
    for calibrate, judge in samples(arguments.photos, arguments.count):
        keys = dict(model=model, algorithm=arguments.algorithm, calibrate=calibrate, judge=judge)
        first = quantize(mlqc, work, arguments.timeout, bits=arguments.bits[0], rounding="nearest", **keys)
        if isinstance(first, dict):
            break
    else:
        print(f"{model.name:<44} {first.split('error: ')[-1][:90]}", flush=True)
        return
    for bits in arguments.bits:
        nearest = quantize(mlqc, work, arguments.timeout, bits=bits, rounding="nearest", **keys)
        ours = quantize(mlqc, work, arguments.timeout, bits=bits, rounding="compensated", **keys)
        if isinstance(ours, str) or isinstance(nearest, str):
            print(f"{model.name:<44} {bits:>4} {ours if isinstance(ours, str) else nearest}", flush=True)
            continue
        fallen = sum("nearest_since" in layer for layer in ours["layers"])
        moved = sum(layer.get("rounding") == "compensated" for layer in ours["layers"])
        before, after = snr(nearest), snr(ours)
        verdict = "worse" if after < before - 0.1 else ""
        print(f"{model.name:<44} {bits:>4} {before:>9.2f} {after:>11.2f} {moved:>6} {fallen:>7}  {verdict}", flush=True)


def main():
    shared = pathlib.Path(os.environ.get("MLQ_SHARED", ROOT.parent / "shared"))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/release")
    parser.add_argument("--models", type=pathlib.Path, nargs="*", help="files; default: all of the shared material")
    parser.add_argument("--photos", type=pathlib.Path, nargs=2, metavar=("CALIBRATE", "JUDGE"),
                        default=[shared / "samples/flowers", shared / "samples/clothing"])
    parser.add_argument("--algorithm", default="kmeans_lut")
    parser.add_argument("--bits", type=int, nargs="+", default=[8, 6, 4, 3])
    parser.add_argument("--count", type=int, default=24, help="samples to calibrate and to judge with")
    parser.add_argument("--timeout", type=int, default=300, help="seconds for one model at one width")
    arguments = parser.parse_args()
    models = arguments.models or sorted(p for p in (shared / "models").rglob("*") if p.suffix in SUFFIXES)
    if not models:
        print("SKIPPED: no models; give --models")
        return
    mlqc = next(p for p in arguments.build.rglob("mlqc") if p.is_file())
    print(f"{'model':<44} {'bits':>4} {'nearest':>9} {'compensated':>11} {'layers':>6} {'nearest':>7}")
    with tempfile.TemporaryDirectory() as folder:
        for model in models:
            rows(mlqc, pathlib.Path(folder), model.resolve(), arguments)


if __name__ == "__main__":
    main()
