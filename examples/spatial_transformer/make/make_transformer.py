#!/usr/bin/python3
"""Draws displaced digits, trains a spatial transformer, and writes transformer.mlmodel and samples/ beside this folder.

Takes about a minute on one core; it starts from the classifier of examples/digits. The results are committed;
run it again only to change them. Needs Debian's python3-numpy, python3-pil, python3-protobuf and protobuf-compiler.
"""
import os
import pathlib
import shutil
import sys

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # sums in the same order on every machine
EXAMPLE = pathlib.Path(__file__).resolve().parents[1]
DIGITS = EXAMPLE.parent / "digits"
sys.path.insert(0, str(DIGITS / "make"))

import numpy as np  # noqa: E402
from PIL import Image  # noqa: E402

import drawing  # noqa: E402
import model  # noqa: E402
import network  # noqa: E402
from transformer import INSIDE, OUTSIDE, Transformer  # noqa: E402

PER_CLASS = 20
WHERE, BOTH = 20, 1  # epochs
FREE = OUTSIDE - INSIDE


def displace(images, random):
    """Each digit somewhere in a larger picture of the same paper, [n, 40, 40] in 0..1, and where in -1..1."""
    n = len(images)
    paper = np.median(images.reshape(n, -1), 1)[:, None, None] / 255
    large = np.clip(paper + random.normal(0, .03, (n, OUTSIDE, OUTSIDE)), 0, 1)
    corner = random.integers(0, FREE + 1, (n, 2))  # x, y
    for picture, image, (x, y) in zip(large, images, corner):
        picture[y:y + INSIDE, x:x + INSIDE] = image / 255
    return large.astype(np.float32), (corner - FREE / 2) / ((OUTSIDE - 1) / 2)


def pretrained():
    """The classifier of the digits example."""
    net = network.Network(np.random.default_rng(0))
    layers = [layer for layer in net.layers if not isinstance(layer, network.MaxPool)]
    for layer, (weights, bias) in zip(layers, model.weights_of(DIGITS / "digits.mlmodel")):
        layer.weights[:], layer.bias[:] = weights.reshape(layer.weights.shape), bias
    return net


def train(images, digits, random):
    net = Transformer(pretrained(), random)
    for epoch in range(WHERE):
        seen, offsets = displace(images, random)
        parts = np.array_split(random.permutation(len(images)), len(images) // 64)
        miss = [net.learn_where(seen[part], offsets[part], 2e-3 * (1 - epoch / WHERE)) for part in parts]
        print(f"where, epoch {epoch + 1} of {WHERE}: misses by {np.mean(miss):.2f} pixels", flush=True)
    for epoch in range(BOTH):
        seen, _ = displace(images, random)
        parts = np.array_split(random.permutation(len(images)), len(images) // 64)
        loss = [net.learn(seen[part], digits[part], 1e-3 * (1 - epoch / (BOTH + 1))) for part in parts]
        print(f"both, epoch {epoch + 1} of {BOTH}: loss {np.mean(loss):.4f}", flush=True)
    return net


def write_samples(folder, random):
    shutil.rmtree(folder, ignore_errors=True)
    images, digits = drawing.draw_many(10 * PER_CLASS, seed=13)
    pictures = np.round(displace(images, random)[0] * 255).astype(np.uint8)
    for number, (picture, digit) in enumerate(zip(pictures, digits)):
        path = folder / str(digit) / f"{number // 10:02}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(path, optimize=True)
    return pictures / np.float32(255), digits


def main():
    random = np.random.default_rng(5)
    print("drawing 4,000 digits to learn from", flush=True)
    net = train(*drawing.draw_many(4_000, seed=11), random)
    (EXAMPLE / "transformer.mlmodel").write_bytes(model.model_bytes(net))
    held_out, digits = drawing.draw_many(1_000, seed=12)
    displaced = displace(held_out, random)[0]
    middle = displaced[:, FREE // 2:FREE // 2 + INSIDE, FREE // 2:FREE // 2 + INSIDE]
    samples, truth = write_samples(EXAMPLE / "samples", random)
    print(f"1,000 displaced digits: {100 * np.mean(net.classify(displaced) == digits):.2f} % right, "
          f"{100 * np.mean(pretrained().classify(255 * middle) == digits):.2f} % without looking where they are")
    print(f"the samples: {100 * np.mean(net.classify(samples) == truth):.2f} % right")


if __name__ == "__main__":
    main()
