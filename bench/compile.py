#!/usr/bin/python3
"""What compiling costs, on ResNet50 with random weights (a file of 102 MB):

peak memory of `mlqc compile` in sizes of the model's file (at most 2.5 is wanted); four compilations at once on two
cores against the sum of their CPU time over two (at most 1.15); and how long it takes until the artifact with float
weights, as large as the file, is open (under 5 ms).
"""
import argparse
import os
import pathlib
import subprocess
import tempfile
import time

from inference import write_nets

MANIFEST = """schema: 1
model: {{ file: {model} }}
quantize: {{ algorithm: {algorithm}, bits: {bits} }}
validate: {{ samples: {{ random: {samples} }} }}
gate: [ {{ metric: top1_agreement, at_least: 0 }} ]
"""


class Compilation:
    """mlqc at work on a manifest of its own."""

    def __init__(self, mlqc, folder, name, **values):
        self.folder, self.name = folder, name
        manifest = folder / f"{name}.mlq.yaml"
        manifest.write_text(MANIFEST.format(**values))
        self.process = subprocess.Popen([mlqc, "compile", manifest, "-o", folder, "--name", name],
                                        stdout=subprocess.DEVNULL)

    def wait(self):
        """What the process used; ends the benchmark where it failed."""
        _, status, usage = os.wait4(self.process.pid, 0)
        if status:
            raise SystemExit(f"bench/compile.py: mlqc failed on {self.name}")
        return usage

    @property
    def artifact(self):
        return self.folder / f"{self.name}.mlq"


def peak_memory(mlqc, folder, model):
    for algorithm, bits in (("linear", 8), ("kmeans_lut", 4)):
        usage = Compilation(mlqc, folder, "one", model=model, algorithm=algorithm, bits=bits, samples=4).wait()
        peak = usage.ru_maxrss * 1024
        print(f"peak memory      {algorithm} {bits} bits: {peak / 1e6:6.1f} MB, file {model.stat().st_size / 1e6:.1f} MB"
              f"  ratio {peak / model.stat().st_size:5.3f} (at most 2.5)", flush=True)


def four_at_once(mlqc, folder, model):
    start = time.perf_counter()
    running = [Compilation(mlqc, folder, f"four{i}", model=model, algorithm="kmeans_lut", bits=4 + i, samples=16)
               for i in range(4)]
    used = [one.wait() for one in running]
    wall = time.perf_counter() - start
    half = sum(usage.ru_utime + usage.ru_stime for usage in used) / 2
    print(f"four at once     {wall:5.2f} s, CPU time over two {half:5.2f} s  ratio {wall / half:5.3f} (at most 1.15)",
          flush=True)


def opening(mlqc, opener, folder, model):
    one = Compilation(mlqc, folder, "float", model=model, algorithm="none", bits=32, samples=1)
    one.wait()
    times = [float(line) for line in subprocess.run([opener, one.artifact, "20"], check=True, capture_output=True,
                                                    text=True).stdout.split()]
    print(f"opening          {one.artifact.stat().st_size / 1e6:.1f} MB: first {times[0]:.3f} ms, fastest {min(times):.3f} ms"
          " (under 5)", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, default=pathlib.Path("build/release"))
    parser.add_argument("--peers", type=pathlib.Path, help="not needed")
    arguments = parser.parse_args()
    mlqc = arguments.build / "compiler/driver/mlqc"
    net = write_nets(["ResNet50"], arguments.build / "bench/nets")["ResNet50"]
    model = net.with_suffix(".mlmodel").resolve()
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        peak_memory(mlqc, folder, model)
        four_at_once(mlqc, folder, model)
        opening(mlqc, arguments.build / "bench/compile_open", folder, model)


if __name__ == "__main__":
    main()
