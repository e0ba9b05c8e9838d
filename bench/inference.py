#!/usr/bin/python3
"""Whole networks on mlq and on ONNX Runtime, taken in turns in one run: latency with 1 and 2 threads, and images per
second on two cores (mlq: two threads that share one model; the peer: two sessions of one thread).

The same random weights on both sides; the outputs must agree to 1e-3 of the largest before anything is timed.
"""
import argparse
import pathlib
import statistics
import subprocess
import sys
import time

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "inference"))
REST = .03  # seconds between the sides, in which the peer's waiting threads stop spinning


class Side:
    """A process that runs one network when told to."""

    def __init__(self, *command):
        self.process = subprocess.Popen([str(c) for c in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)
        self.answer()

    def tell(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"bench/inference.py: {self.process.args[0]} stopped")
        return line

    def run(self, count):
        """Milliseconds of each of `count` predictions, after one that warms the caches."""
        self.tell(f"run {count + 1}")
        return [float(word) for word in self.answer().split()[1:]]

    def output(self, path):
        self.tell(f"output {path}")
        self.answer()
        return np.fromfile(path, np.float32)

    def stop(self):
        self.process.stdin.close()
        self.process.wait()


def write_nets(names, folder):
    """The chosen networks in both formats, written once; {name: path without extension}."""
    import nets
    folder.mkdir(parents=True, exist_ok=True)
    np.random.default_rng(0).normal(0, 1, (3, 224, 224)).astype(np.float32).tofile(folder / "input.f32")
    chosen = {}
    for name, make in nets.NETS.items():
        if names and not any(n.lower() in name.lower() for n in names):
            continue
        chosen[name] = folder / make.__name__
        if not chosen[name].with_suffix(".onnx").exists():
            import to_coreml
            import to_onnx
            print(f"writing {name}", flush=True)
            net = make()
            chosen[name].with_suffix(".mlmodel").write_bytes(to_coreml.coreml_bytes(net))
            chosen[name].with_suffix(".onnx").write_bytes(to_onnx.onnx_bytes(net))
    return chosen


class Bench:
    def __init__(self, arguments, net):
        self.arguments, self.net, self.input = arguments, net, net.parent / "input.f32"

    def ours(self, threads, workers=1):
        return Side(self.arguments.build / "bench/inference_runner", self.net.with_suffix(".mlmodel"), threads, workers,
                    self.input)

    def peer(self, threads):
        return Side("node", HERE / "inference/peer_ort.mjs", self.arguments.peers, self.net.with_suffix(".onnx"),
                    threads, self.input)

    def check(self, ours, peer):
        a, b = (side.output(self.net.parent / "output.f32") for side in (ours, peer))
        worst = np.abs(a - b).max() / np.abs(b).max() if a.shape == b.shape else np.inf
        if not worst <= 1e-3:
            sys.exit(f"bench/inference.py: outputs of {self.net.name} differ by {worst} of the largest")
        return worst

    def latency(self, threads):
        """Milliseconds of all runs of both sides, and how far their outputs differ."""
        ours, peer = self.ours(threads), self.peer(threads)
        difference = self.check(ours, peer)
        count = max(3, int(120 / statistics.median(peer.run(3))))  # about 120 ms in a row
        times = {ours: [], peer: []}
        for _ in range(self.arguments.rounds):
            for side, taken in times.items():
                time.sleep(REST)
                taken += side.run(count)
        ours.stop(), peer.stop()
        return times[ours], times[peer], difference

    def throughput(self, per_round):
        """Images a second of each round, of both sides, with two cores busy."""
        ours, peers = self.ours(1, workers=2), [self.peer(1), self.peer(1)]
        rates = [], []
        for side in (ours, *peers):
            side.run(2)
        for _ in range(self.arguments.rounds):
            for rate, sides, line in ((rates[0], [ours], f"many {per_round}"),
                                      (rates[1], peers, f"many {per_round // 2}")):
                time.sleep(REST)
                start = time.perf_counter()
                for side in sides:
                    side.tell(line)
                for side in sides:
                    side.answer()
                rate.append(per_round / (time.perf_counter() - start))
        for side in (ours, *peers):
            side.stop()
        return rates


def report(arguments, name, net):
    bench = Bench(arguments, net)
    for threads in arguments.threads:
        ours, peer, difference = bench.latency(threads)
        low = min(ours) / min(peer)
        middle = statistics.median(ours) / statistics.median(peer)
        print(f"{name:16} {threads} thread{'s' if threads > 1 else ' '}  mlq {min(ours):7.2f} ms  peer {min(peer):7.2f} ms"
              f"  ratio {low:5.3f} (of medians {middle:5.3f})  outputs differ by {difference:.0e}", flush=True)
    if arguments.throughput:
        ours, peer = bench.throughput(2 * max(4, int(300 / min(peer))))
        print(f"{name:16} 2 at once   mlq {max(ours):7.1f} /s  peer {max(peer):7.1f} /s"
              f"  ratio {max(ours) / max(peer):5.3f} (of medians "
              f"{statistics.median(ours) / statistics.median(peer):5.3f}; more is better)", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, default=pathlib.Path("build/release"))
    parser.add_argument("--peers", type=pathlib.Path, default=pathlib.Path("build/peers"))
    parser.add_argument("--nets", nargs="*", help="parts of names; all when absent")
    parser.add_argument("--threads", nargs="*", type=int, default=[1, 2])
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--no-throughput", dest="throughput", action="store_false")
    arguments = parser.parse_args()
    if not (arguments.peers / "node_modules/onnxruntime-node").is_dir():
        print("SKIPPED: bench/inference.py: the peer onnxruntime-node is not installed")
        return
    for name, net in write_nets(arguments.nets, arguments.build / "bench/nets").items():
        report(arguments, name, net)


if __name__ == "__main__":
    main()
