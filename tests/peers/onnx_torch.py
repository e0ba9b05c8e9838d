"""Networks that Debian's python3-torch exports (torch_nets.py): imported, run and quantized.

    onnx_torch.py MLQC MODULES

mlq gives torch's own outputs; at 8 bits outputs stay near them, and the emitted ONNX model gives the artifact's in ONNX
Runtime, where MODULES has it. Exit status 77 without python3-torch."""
import pathlib
import sys
import tempfile

import numpy as np

import onnx_runtime as peer
import torch_nets

# Outputs at eight bits with torch's. Weights that learnt nothing have no structure that would damp what rounding does:
# trained networks stay nearer.
LEAST_COSINE = 0.98


def check(mlqc, modules, folder, name):
    model = folder / f"{name}.onnx"
    inputs = {"image": np.load(folder / f"{name}.input.npy")}
    expected = [np.load(folder / f"{name}.output.npy")]
    outputs = peer.interface(mlqc, model)[1]
    judge = peer.Judge()
    judge.line(model, "against torch", peer.distance(peer.ours(mlqc, model, inputs, outputs, folder), expected))
    runtime = (pathlib.Path(modules) / "node_modules/onnxruntime-node").exists()
    for algorithm, granularity in (("linear", "per_channel"), ("kmeans_lut", None)):
        onnx, mlq = peer.emitted(mlqc, model, algorithm, 8, granularity, folder)
        quantized = peer.ours(mlqc, mlq, inputs, outputs, folder)
        if runtime:
            judge.line(model, f"{algorithm} 8 emitted", peer.distance(quantized, peer.theirs(modules, onnx, inputs, folder)),
                       onnx.stat().st_size / mlq.stat().st_size, peer.MOST_BYTES)
        a, b = quantized[0].ravel(), expected[0].ravel()
        cosine = float(a @ b / np.sqrt((a @ a) * (b @ b)))
        smaller = model.stat().st_size / mlq.stat().st_size
        print(f"  {algorithm} 8: cosine with torch {cosine:.5f}, {smaller:.2f} times smaller", flush=True)
        judge.good &= cosine >= LEAST_COSINE and smaller > 3.7
    return judge.good


def main(mlqc, modules):
    with tempfile.TemporaryDirectory() as made:
        folder = pathlib.Path(made)
        torch_nets.write(folder)
        return 0 if all([check(mlqc, modules, folder, name) for name in ("resnet50", "mobilenet_v2")]) else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
