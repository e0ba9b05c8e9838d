"""check_sweep.py MLQC SOURCE WORK: a sweep measures what compiling each setting by itself measures."""
import json
import pathlib
import subprocess
import sys

MANIFEST = """schema: 1
model: {{ file: {source}/examples/digits/digits.mlmodel }}
quantize: {{ algorithm: {algorithm}, bits: {bits} }}
validate: {{ samples: {{ images: {source}/examples/digits/samples, limit: 40 }}, labels: {source}/examples/digits/samples }}
"""


def main(mlqc, source, work):
    work.mkdir(parents=True, exist_ok=True)

    def run(*words):
        return subprocess.run([mlqc, *map(str, words)], capture_output=True, text=True)

    def manifest(algorithm, bits):
        file = work / f"{algorithm}{bits}.mlq.yaml"
        file.write_text(MANIFEST.format(source=source, algorithm=algorithm, bits=bits))
        return file

    out = work / "sweep.json"
    done = run("sweep", manifest("linear", 8), "--bits", "8,3,2", "--algorithms", "linear,kmeans_lut", "--json", out,
               "--html", work / "sweep.html")
    assert done.returncode == 0, done.stderr
    sweep = json.loads(out.read_text())
    assert [(r["algorithm"], r["bits"]) for r in sweep["runs"]] == [
        (a, b) for a in ("linear", "kmeans_lut") for b in (8, 3, 2)]
    for setting in sweep["runs"]:
        folder = work / f"{setting['algorithm']}{setting['bits']}"
        alone = run("quantize", manifest(setting["algorithm"], setting["bits"]), "-o", folder, "--name", "d")
        assert alone.returncode == 0, alone.stderr
        measured = json.loads((folder / "d.measured.json").read_text())
        assert measured["bytes"]["artifact"] == setting["bytes"]
        for output, figures in measured["outputs"].items():
            for metric, figure in figures.items():
                assert setting["outputs"][output][metric]["value"] == figure["value"], (output, metric)
        assert "accuracy" in measured["outputs"]["classLabelProbs"]
    values = {r["outputs"]["classLabelProbs"]["snr_db"]["value"] for r in sweep["runs"]}
    assert len(values) == 6, "six settings, six results"

    wrong = run("sweep", work / "linear8.mlq.yaml", "--algorithms", "kmeans_lt")
    assert wrong.returncode == 2 and "did you mean 'kmeans_lut'?" in wrong.stderr, wrong.stderr
    wrong = run("sweep", work / "linear8.mlq.yaml", "--bits", "9")
    assert wrong.returncode == 2 and "does not take '9' bits" in wrong.stderr, wrong.stderr
    print("ok: six settings as by themselves")


if __name__ == "__main__":
    main(sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3]))
