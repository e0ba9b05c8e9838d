#!/usr/bin/python3
"""Draws digits, trains a classifier on them, and writes digits.mlmodel and samples/ beside this folder.

Takes about four minutes on one core. The results are committed; run it again only to change them. Needs Debian's
python3-numpy, python3-pil, python3-protobuf and protobuf-compiler.
"""
import os
import pathlib
import shutil

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # sums in the same order on every machine

import numpy as np  # noqa: E402
from PIL import Image  # noqa: E402

import coreml  # noqa: E402
import drawing  # noqa: E402
import network  # noqa: E402

EXAMPLE = pathlib.Path(__file__).resolve().parents[1]
PER_CLASS = 20


def write_samples(folder, seed):
    shutil.rmtree(folder, ignore_errors=True)
    images, digits = drawing.draw_many(10 * PER_CLASS, seed)
    for number, (image, digit) in enumerate(zip(images, digits)):
        path = folder / str(digit) / f"{number // 10:02}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path, optimize=True)
    return images, digits


def main():
    print("drawing 24,000 digits to learn from", flush=True)
    images, digits = drawing.draw_many(24_000, seed=1)
    net = network.train(images, digits, epochs=5, seed=7,
                        report=lambda epoch, loss: print(f"epoch {epoch} of 5: loss {loss:.4f}", flush=True))
    for what, (seen, truth) in {"4,000 held-out digits": drawing.draw_many(4_000, seed=2),
                                "the samples": write_samples(EXAMPLE / "samples", seed=3)}.items():
        print(f"{100 * np.mean(net.classify(seen) == truth):.2f} % of {what} right")
    (EXAMPLE / "digits.mlmodel").write_bytes(coreml.model_bytes(net))


if __name__ == "__main__":
    main()
