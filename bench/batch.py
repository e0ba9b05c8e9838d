#!/usr/bin/python3
"""Throughput of a batch of 64 on two cores against one by one on one core, in turns in one run; the results are the
same, bit for bit. At least 1.7 is wanted.
"""
import argparse
import pathlib
import statistics
import subprocess

from inference import write_nets


def report(arguments, name, net):
    runner = arguments.build / "bench/batch_runner"
    lines = subprocess.run([runner, net.with_suffix(".mlmodel"), "64", str(arguments.rounds)], check=True,
                           capture_output=True, text=True).stdout.splitlines()
    alone, batch = zip(*([float(word) for word in line.split()] for line in lines))
    print(f"{name:16} alone {64 / min(alone):7.1f} /s  batch {64 / min(batch):7.1f} /s  ratio {min(alone) / min(batch):5.3f}"
          f" (of medians {statistics.median(alone) / statistics.median(batch):5.3f}; more is better)", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, default=pathlib.Path("build/release"))
    parser.add_argument("--peers", type=pathlib.Path, help="not needed")
    parser.add_argument("--nets", nargs="*", help="parts of names; all when absent")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    for name, net in write_nets(arguments.nets, arguments.build / "bench/nets").items():
        report(arguments, name, net)


if __name__ == "__main__":
    main()
