#!/usr/bin/python3
"""kmeans_lut against scikit-learn's KMeans as Core ML Tools calls it, on 2.36 million heavy-tailed weights, one thread,
in turns; then the programs that compare linear quantization with reading and packing with copying."""
import argparse
import os
import pathlib
import subprocess
import sys
import tempfile
import time

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
import numpy as np


class Ours:
    def __init__(self, program, weights):
        self.process = subprocess.Popen([str(program), str(weights)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return [float(word) for word in self.process.stdout.readline().split()]


def sklearn_kmeans(weights, bits):
    """CPU seconds and squared error of the call in Core ML Tools 7.2, which computes on float64."""
    from sklearn.cluster import KMeans
    column = weights.astype(np.float64).reshape(-1, 1)
    start = time.process_time()
    found = KMeans(1 << bits, init="k-means++", tol=1e-2, n_init=1, random_state=0).fit(column)
    seconds = time.process_time() - start
    table = found.cluster_centers_.astype(np.float32).flatten()
    return seconds, float(np.square(weights - table[found.labels_].astype(np.float64)).sum())


def kmeans(program, bit_widths, rounds):
    try:
        import sklearn
    except ImportError:
        print("skipped: scikit-learn is not installed (python3-sklearn)")
        return
    weights = (np.random.default_rng(0).standard_t(5, 512 * 4608) * 0.015).astype(np.float32)
    with tempfile.NamedTemporaryFile(suffix=".f32") as file:
        weights.tofile(file.name)
        ours = Ours(program, file.name)
        for bits in bit_widths:
            best = ours.ask(f"best {bits}")[0]
            for _ in range(rounds):
                before, error = ours.ask(f"run {bits}")
                peer, peer_error = sklearn_kmeans(weights, bits)
                after, _ = ours.ask(f"run {bits}")
                mine = (before + after) / 2
                print(f"kmeans_lut {bits} bits: scikit-learn {sklearn.__version__} {peer:.2f} s, ours {mine * 1e3:.1f} ms:"
                      f" {peer / mine:.0f} times faster; squared error {error / peer_error:.4f} of its,"
                      f" {error / best:.6f} of the optimum", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--peers", type=pathlib.Path)
    parser.add_argument("--bits", type=int, nargs="*", default=[4, 8])
    parser.add_argument("--rounds", type=int, default=1)
    arguments = parser.parse_args()
    kmeans(arguments.build / "bench/quantize_kmeans", arguments.bits, arguments.rounds)
    sys.exit(subprocess.run([str(arguments.build / "bench/quantize_throughput")]).returncode)


if __name__ == "__main__":
    main()
