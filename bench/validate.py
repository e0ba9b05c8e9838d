#!/usr/bin/python3
"""Predictions per second of the validation (two models over samples from files, metrics included) on two cores, against
two ONNX Runtime sessions of one thread, which only predict. Taken in turns in one run.
"""
import argparse
import pathlib
import statistics
import time

import numpy as np

from inference import HERE, REST, Side, write_nets


def sides(arguments, net):
    data = np.fromfile(net.parent / "input.f32", np.float32).reshape(3, 224, 224)
    np.save(net.parent / "input.npy", data)
    ours = Side(arguments.build / "bench/validate_runner", net.with_suffix(".mlmodel"), net.parent / "input.npy")
    peers = [Side("node", HERE / "inference/peer_ort.mjs", arguments.peers, net.with_suffix(".onnx"), 1,
                  net.parent / "input.f32") for _ in range(2)]
    return [ours], peers


def rate(processes, count):
    """Predictions per second when each process makes its share of `count`."""
    start = time.perf_counter()
    for side in processes:
        side.tell(f"many {count // len(processes)}")
    for side in processes:
        side.answer()
    return count / (time.perf_counter() - start)


def report(arguments, name, net):
    ours, peers = sides(arguments, net)
    count = 2 * max(8, int(.3 * rate(peers, 16) / 2))  # about 300 ms
    rate(ours, 16)
    rates = [], []
    for _ in range(arguments.rounds):
        for taken, processes in zip(rates, (ours, peers)):
            time.sleep(REST)
            taken.append(rate(processes, count))
    for side in (*ours, *peers):
        side.stop()
    print(f"{name:16} mlq {max(rates[0]):7.1f} /s  peer {max(rates[1]):7.1f} /s  ratio {max(rates[0]) / max(rates[1]):5.3f}"
          f" (of medians {statistics.median(rates[0]) / statistics.median(rates[1]):5.3f}; more is better)", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, default=pathlib.Path("build/release"))
    parser.add_argument("--peers", type=pathlib.Path, default=pathlib.Path("build/peers"))
    parser.add_argument("--nets", nargs="*", help="parts of names; all when absent")
    parser.add_argument("--rounds", type=int, default=12)
    arguments = parser.parse_args()
    if not (arguments.peers / "node_modules/onnxruntime-node").is_dir():
        print("SKIPPED: bench/validate.py: the peer onnxruntime-node is not installed")
        return
    for name, net in write_nets(arguments.nets, arguments.build / "bench/nets").items():
        report(arguments, name, net)


if __name__ == "__main__":
    main()
