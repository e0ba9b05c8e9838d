#!/usr/bin/python3
"""What reading an ONNX model costs: ResNet50 (102 MB) and MobileNetV2 (14 MB) as Debian's python3-torch exports them.

Seconds from the file to the graph, against ONNX Runtime's from the file to a session, without its optimizations; peak
memory of both processes in sizes of the file. Inference of these networks is measured by `inference`.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
SESSION = """
const ort = require("onnxruntime-node"), start = performance.now();
ort.InferenceSession.create(process.argv[1], { intraOpNumThreads: 1, graphOptimizationLevel: "disabled" })
  .then(() => console.log((performance.now() - start) / 1000));
"""


def finish(process, name):
    """What the process printed, and its peak memory in bytes."""
    said = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"bench/onnx_import.py: {name} failed")
    return said, usage.ru_maxrss * 1024


def ours(mlqc, model, folder):
    manifest = folder / "net.mlq.yaml"
    manifest.write_text(f"schema: 1\nmodel: {{ file: {model} }}\n")
    (folder / "net.key").unlink(missing_ok=True)  # else nothing is done the second time
    subprocess.run([mlqc, "quantize", manifest, "-o", folder, "--name", "net"], check=True, stdout=subprocess.DEVNULL)
    seconds = json.loads((folder / "net.measured.json").read_text())["seconds"]["import"]
    return seconds, finish(subprocess.Popen([mlqc, "inspect", model], stdout=subprocess.PIPE), "mlqc")[1]


def theirs(peers, model):
    said, peak = finish(subprocess.Popen(["node", "-e", SESSION, model], stdout=subprocess.PIPE, cwd=peers), "node")
    return float(said), peak


def measure(arguments, model, folder):
    rows = [(ours(arguments.build / "compiler/driver/mlqc", model, folder), theirs(arguments.peers, model))
            for _ in range(arguments.rounds)]
    size = model.stat().st_size
    import_time, session_time = (min(row[side][0] for row in rows) for side in (0, 1))
    our_peak, their_peak = (max(row[side][1] for row in rows) for side in (0, 1))
    print(f"{model.stem:14} import {1e3 * import_time:7.1f} ms, session {1e3 * session_time:7.1f} ms"
          f"  ratio {import_time / session_time:5.3f}", flush=True)
    print(f"{'':14} peak memory {our_peak / size:5.2f} and {their_peak / size:5.2f} of the file's {size / 1e6:.1f} MB"
          f"  ratio {our_peak / their_peak:5.3f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, default=pathlib.Path("build/release"))
    parser.add_argument("--peers", type=pathlib.Path, default=pathlib.Path("build/peers"))
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    if not (arguments.peers / "node_modules/onnxruntime-node").is_dir():
        print("SKIPPED: onnxruntime-node is not installed")
        return
    with tempfile.TemporaryDirectory() as made:
        folder = pathlib.Path(made)
        written = subprocess.run([sys.executable, HERE.parent / "tests/peers/torch_nets.py", folder],
                                 stdout=subprocess.PIPE, text=True)
        if written.returncode == 77:
            print(written.stdout, end="")
            return
        for model in sorted(folder.glob("*.onnx")):
            measure(arguments, model, folder)


if __name__ == "__main__":
    main()
