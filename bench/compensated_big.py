#!/usr/bin/python3
"""What compensated rounding costs on a large network: ResNet50 with random weights (a file of 102 MB), tables of 4 bits,
100 random pictures.

Prints seconds (at most 600 are wanted on two cores), the processor's seconds over two, which other users of the machine do
not change much, and peak memory (at most 4 times the float weights and 512 MB). With --auto, `bits: auto` likewise, for
which nothing is wanted."""
import argparse
import os
import pathlib
import subprocess
import tempfile
import time

from inference import write_nets

MANIFEST = """schema: 1
model: {{ file: {model} }}
quantize: {{ algorithm: kmeans_lut, rounding: compensated, {bits} }}
calibrate: {{ random: {samples}, seed: 1 }}
validate: {{ samples: {{ random: 4, seed: 2 }} }}
"""


def measure(mlqc, folder, title, wanted, **values):
    (folder / "net.mlq.yaml").write_text(MANIFEST.format(**values))
    begin = time.monotonic()
    process = subprocess.Popen([mlqc, "quantize", folder / "net.mlq.yaml", "-o", folder, "--name", "net"],
                               stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - begin
    if status:
        raise SystemExit(f"bench/compensated_big.py: mlqc failed on {title}")
    peak, most = usage.ru_maxrss * 1024, 4 * values["model"].stat().st_size + (512 << 20)
    print(f"{title:<24} {wall:6.0f} s, processor over two {(usage.ru_utime + usage.ru_stime) / 2:6.0f} s {wanted}; peak memory "
          f"{peak / 1e6:6.0f} MB (at most {most / 1e6:.0f})", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=pathlib.Path("build/release"))
    parser.add_argument("--peers", type=pathlib.Path, help="not needed")
    parser.add_argument("--samples", type=int, default=100)
    parser.add_argument("--auto", action="store_true", help="also bits: auto, to half of the size at 8 bits")
    arguments = parser.parse_args()
    mlqc = arguments.build / "compiler/driver/mlqc"
    model = write_nets(["ResNet50"], arguments.build / "bench/nets")["ResNet50"].with_suffix(".mlmodel").resolve()
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        measure(mlqc, folder, "compensated, 4 bits", "(at most 600)", model=model, samples=arguments.samples, bits="bits: 4")
        if arguments.auto:
            measure(mlqc, folder, "bits: auto", "", model=model, samples=arguments.samples,
                    bits="bits: auto, budget: { max_size: 13 MB }")


if __name__ == "__main__":
    main()
