#!/usr/bin/python3
"""Is compensated rounding ever worse than rounding to nearest? Every model that loads, at several widths.

Models that take pictures see photographs, some to calibrate, others to judge; the rest see random numbers. The figure
is the signal-to-noise ratio of the outputs in dB, the mean over outputs; a layer that fell back to nearest is counted.
`worse` marks rows where compensation costs more than 0.1 dB. A model that takes too long is tried again with a quarter
of the samples, down to two. Without --models it takes the shared test material; --markdown writes the table of
docs/never_worse.md, and takes from a table that is there the rows of models that are not asked for."""
import argparse
import json
import os
import pathlib
import re
import resource
import signal
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
SUFFIXES = (".mlmodel", ".mlpackage", ".onnx", ".h5", ".hdf5", ".keras", ".pb", ".tflite")
TENSOR = re.compile(r"(input|output)_\d+\.pb")
MANIFEST = """schema: 1
model: {{ file: "{model}" }}
quantize: {{ algorithm: {algorithm}, bits: {bits}, rounding: {rounding} }}
calibrate: {calibrate}
validate: {{ samples: {judge} }}
"""
HEAD = ["model", "bits", "nearest, dB", "compensated, dB", "layers", "to nearest", "samples"]


def samples(photos, count):
    """What to calibrate and to judge with: photographs first, else random numbers."""
    images = '{{ images: "{}", limit: {} }}'
    yield str(count), images.format(photos[0], count), images.format(photos[1], count)
    yield f"{count} random", f"{{ random: {count}, seed: 1 }}", f"{{ random: {count}, seed: 2 }}"


class TooLong(Exception):
    """A run was stopped."""


def quantize(mlqc, work, timeout, **keys):
    """The measured report, or what the error says."""
    manifest = work / "net.mlq.yaml"
    manifest.write_text(MANIFEST.format(**keys))
    made = subprocess.run([mlqc, "quantize", manifest, "-o", work / "out", "--name", "net"], capture_output=True, text=True,
                          preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (timeout, timeout + 5)))
    if -made.returncode in (signal.SIGXCPU, signal.SIGKILL):
        raise TooLong
    if made.returncode:
        return next((line for line in made.stderr.splitlines() if "error:" in line), made.stderr)
    return json.loads((work / "out/net.measured.json").read_text())


def snr(report):
    values = [metrics["snr_db"]["value"] for metrics in report["outputs"].values() if "snr_db" in metrics]
    return sum(values) / len(values) if values else float("nan")


def rows_with(mlqc, work, model, name, count, arguments):
    """The model's rows; a text where it does not load."""
    for used, calibrate, judge in samples(arguments.photos, count):
        keys = dict(model=model, algorithm=arguments.algorithm, calibrate=calibrate, judge=judge)
        first = quantize(mlqc, work, arguments.timeout, bits=arguments.bits[0], rounding="nearest", **keys)
        if isinstance(first, dict):
            break
    else:
        return first.split("error: ")[-1]
    rows = []
    for bits in arguments.bits:
        pair = [quantize(mlqc, work, arguments.timeout, bits=bits, rounding=rounding, **keys)
                for rounding in ("nearest", "compensated")]
        wrong = next((one for one in pair if isinstance(one, str)), None)
        if wrong:
            return wrong.split("error: ")[-1]
        fallen = sum("nearest_since" in layer for layer in pair[1]["layers"])
        moved = sum(layer.get("rounding") == "compensated" for layer in pair[1]["layers"])
        before, after = snr(pair[0]), snr(pair[1])
        worse = "**worse**" if after < before - 0.1 else ""
        rows.append([name, str(bits), f"{before:.2f}", f"{after:.2f} {worse}".strip(), str(moved), str(fallen), used])
    return rows


def rows_of(mlqc, work, model, name, arguments):
    count = arguments.count
    while True:
        try:
            return rows_with(mlqc, work, model, name, count, arguments)
        except TooLong:
            if count <= 2:
                return f"longer than {arguments.timeout} s with {count} samples"
        count = max(2, count // 4)


def line(cells):
    return "| " + " | ".join(cells) + " |"


def known_rows(file):
    """Rows of a table that is there, by the model's name."""
    known = {}
    for text in file.read_text().splitlines() if file.is_file() else []:
        cells = [cell.strip() for cell in text.strip("|").split("|")]
        if text.startswith("| `"):
            known.setdefault(cells[0].strip("`"), []).append(cells)
    return known


def page(known, algorithm):
    """The text of docs/never_worse.md."""
    tables = [row for name in sorted(known) for row in known[name] if len(row) == len(HEAD)]
    others = [row for name in sorted(known) for row in known[name] if len(row) == 2]
    text = ["# Compensated rounding against rounding to nearest, on every model", "",
            f"`bench/never_worse.py --markdown docs/never_worse.md`: `{algorithm}`, one table a tensor. The figures are",
            "signal-to-noise ratios against the float model, means over the outputs. Photographs judge where the input is a",
            "picture, random numbers elsewhere; the same number of others calibrates. \"layers\" counts tensors whose",
            "rounding is compensated, \"to nearest\" those that stayed with nearest rounding because it costs their output",
            "less, or because compensation does not apply; the report gives each one's reason.", "",
            line(HEAD), "|" + "---|" * len(HEAD)] + [line(row) for row in tables]
    if others:
        text += ["", "Not in the table:", "", "| model | why |", "|---|---|"] + [line(row) for row in others]
    return "\n".join(text) + "\n"


def models_of(arguments, shared):
    """Files by the names that the table gives them. What lies in an .mlpackage is no model by itself, nor are the
    tensors beside ONNX models."""
    if arguments.models:
        return {p.name: p.resolve() for p in arguments.models}
    found = sorted(p for p in (shared / "models").rglob("*") if p.suffix in SUFFIXES and not TENSOR.fullmatch(p.name)
                   and not any(folder.suffix == ".mlpackage" for folder in p.parents))
    return {str(p.relative_to(shared / "models")): p.resolve() for p in found}


def main():
    shared = pathlib.Path(os.environ.get("MLQ_SHARED", ROOT.parent / "shared"))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/release")
    parser.add_argument("--peers", type=pathlib.Path, help="not needed")
    parser.add_argument("--models", type=pathlib.Path, nargs="*", help="files; default: all of the shared material")
    parser.add_argument("--photos", type=pathlib.Path, nargs=2, metavar=("CALIBRATE", "JUDGE"),
                        default=[shared / "samples/flowers", shared / "samples/clothing"])
    parser.add_argument("--algorithm", default="kmeans_lut")
    parser.add_argument("--bits", type=int, nargs="+", default=[8, 6, 4, 3])
    parser.add_argument("--count", type=int, default=24, help="samples to calibrate and to judge with")
    parser.add_argument("--timeout", type=int, default=240, help="the processor's seconds for one model at one width")
    parser.add_argument("--markdown", type=pathlib.Path, help="a page to write")
    parser.add_argument("--missing", action="store_true", help="only models that the page does not hold")
    arguments = parser.parse_args()
    models = models_of(arguments, shared)
    if not models:
        print("SKIPPED: no models; give --models")
        return
    mlqc = arguments.build / "compiler/driver/mlqc"
    known = known_rows(arguments.markdown) if arguments.markdown else {}
    with tempfile.TemporaryDirectory() as folder:
        for name, model in models.items():
            if arguments.missing and name in known:
                continue
            rows = rows_of(mlqc, pathlib.Path(folder), model, name, arguments)
            if isinstance(rows, str):
                rows = [[f"`{name}`", rows.split(": ")[-1][:100]]]
            else:
                rows = [[f"`{row[0]}`"] + row[1:] for row in rows]
            known[name] = rows
            print("\n".join(line(row) for row in rows), flush=True)
            if arguments.markdown:
                arguments.markdown.write_text(page(known, arguments.algorithm))


if __name__ == "__main__":
    main()
