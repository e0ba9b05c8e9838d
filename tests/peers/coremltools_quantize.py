#!/usr/bin/env python3
"""coremltools_quantize.py QUANTIZE_DUMP: our algorithms against Core ML Tools' own code, bit for bit."""
import itertools
import os
import subprocess
import sys
import tempfile

import numpy as np

import coremltools_peer

SHAPES = [((64, 3, 3, 3), 0), ((17, 40), 0), ((6, 16, 5, 5), 1), ((10, 200, 1, 1), 0), ((33, 7, 2, 2), 1)]


def tensors():
    """Weights of the shapes that layers have: heavy tails, a constant channel, all zero, few values, large."""
    random = np.random.default_rng(1)
    for shape, axis in SHAPES:
        weights = (random.standard_t(5, shape) * 0.015).astype(np.float32)
        yield "heavy tails", weights, axis
        flat = weights.copy()
        np.moveaxis(flat, axis, 0)[1] = 0.25
        np.moveaxis(flat, axis, 0)[2] = 0
        yield "constant channels", flat, axis
        yield "halves", weights.astype(np.float16).astype(np.float32), axis
        yield "large", (weights * 1e20).astype(np.float32), axis
        yield "whole numbers", random.integers(-128, 128, shape).astype(np.float32), axis
        yield "small ranges", (weights * 1e-5).astype(np.float32), axis


def ours(program, weights, algorithm, bits, axis, folder):
    source, out = os.path.join(folder, "w.npy"), os.path.join(folder, "out")
    np.save(source, weights)
    subprocess.run([program, source, algorithm, str(bits), str(axis), out], check=True)
    read = lambda name, kind: np.fromfile(f"{out}.{name}", dtype=kind)
    return {"indices": read("indices", np.uint8), "packed": read("packed", np.uint8), "scale": read("scale", np.float32),
            "offset": read("offset", np.float32), "table": read("table", np.float32), "decoded": read("decoded", np.float32)}


def theirs(peer, weights, algorithm, bits, axis):
    from coremltools.proto import NeuralNetwork_pb2
    blob = NeuralNetwork_pb2.WeightParams()
    mode = {"linear": peer._QUANTIZATION_MODE_LINEAR_QUANTIZATION,
            "linear_symmetric": peer._QUANTIZATION_MODE_LINEAR_SYMMETRIC,
            "linear_lut": peer._QUANTIZATION_MODE_LOOKUP_TABLE_LINEAR}[algorithm]
    shape = weights.shape
    if axis < 0:  # what it does for vectors: one pair for all
        shape, axis = (weights.size,), 0
        weights = weights.reshape(1, -1)
    blob.floatValue.extend(weights.flatten())
    if len(shape) == 1:
        shape = (1, shape[0])
    peer._quantize_wp_field(blob, bits, mode, shape, axis=axis)
    result = {"packed": np.frombuffer(blob.rawValue, np.uint8)}
    linear, table = blob.quantization.linearQuantization, blob.quantization.lookupTableQuantization
    result["scale"] = np.array(linear.scale, np.float32)
    result["offset"] = np.array(linear.bias, np.float32)
    result["table"] = np.array(table.floatValue, np.float32)
    peer._dequantize_wp(blob, shape, axis)
    result["decoded"] = np.array(blob.floatValue, np.float32)
    return result


def same(a, b):
    return a.dtype == b.dtype and a.tobytes() == b.tobytes()


def small(weights, bits, axis):
    """Whether some group has the range that Core ML Tools collapses."""
    groups = np.moveaxis(weights, axis, 0).reshape(weights.shape[axis], -1) if axis >= 0 else weights.reshape(1, -1)
    scale = (groups.max(1).astype(np.float64) - groups.min(1)) / (2**bits - 1)
    return bool(((scale > 0) & (scale <= 1e-6)).any())


def small_symmetric(weights, bits, axis):
    groups = np.moveaxis(weights, axis, 0).reshape(weights.shape[axis], -1) if axis >= 0 else weights.reshape(1, -1)
    scale = np.abs(groups).max(1).astype(np.float64) / (2 ** (bits - 1) - 1)
    return bool(((scale > 0) & (scale <= 1e-6)).any())


def main():
    program = sys.argv[1]
    peer = coremltools_peer.load()
    compared = different = collapsed = 0
    with tempfile.TemporaryDirectory() as folder:
        for (name, weights, channels), bits in itertools.product(tensors(), range(1, 9)):
            for algorithm, axis in [("linear", channels), ("linear", -1), ("linear_lut", -1), ("linear_symmetric", channels),
                                    ("linear_symmetric", -1)]:
                if algorithm == "linear_symmetric" and bits != 8:
                    continue
                a = ours(program, weights, algorithm, bits, axis, folder)
                b = theirs(peer, weights, algorithm, bits, axis)
                compared += 1
                tiny = small_symmetric if algorithm == "linear_symmetric" else small
                if tiny(weights, bits, axis):
                    collapsed += 1
                    error = lambda r: float(np.square(r["decoded"].astype(np.float64) - weights.flatten()).sum())
                    wrong = [] if error(a) <= error(b) else ["larger error than the collapsed one"]
                    if algorithm != "linear_lut":
                        wrong += [key for key in ("scale", "offset") if not same(a[key], b[key])]
                else:
                    wrong = [key for key in b if not same(a[key], b[key])]
                if wrong:
                    different += 1
                    print(f"DIFFERENT: {algorithm} {bits} bits, {name} {weights.shape}, axis {axis}: {', '.join(wrong)}")
    print(f"{compared} tensors compared, {different} different; {collapsed} with groups that Core ML Tools collapses")
    sys.exit(1 if different else 0)


if __name__ == "__main__":
    main()
