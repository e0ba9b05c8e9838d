#!/usr/bin/python3
"""Runs every benchmark, or those whose names contain one of the given words: programs of the build, then scripts."""
import argparse
import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent


def benchmarks(build, peers):
    """{name: command}. A program that a script drives (its folder is named like the script) is not run alone."""
    found = {}
    driven = tuple(script.stem + "_" for script in HERE.glob("*.py"))
    for program in sorted((build / "bench").glob("*")):
        if program.is_file() and os.access(program, os.X_OK) and not program.name.startswith(driven):
            found[program.name] = [program]
    for script in sorted(HERE.glob("*.py")):
        if script.name != pathlib.Path(__file__).name:
            found[script.stem] = [sys.executable, script, "--build", build, "--peers", peers]
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--peers", type=pathlib.Path, required=True)
    parser.add_argument("names", nargs="*")
    arguments = parser.parse_args()
    failed = []
    for name, command in benchmarks(arguments.build, arguments.peers).items():
        if arguments.names and not any(word in name for word in arguments.names):
            continue
        print(f"\n-- {name}", flush=True)
        if subprocess.run([str(c) for c in command]).returncode:
            failed.append(name)
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
