#!/usr/bin/python3
"""Makes onnx/tiny.onnx: ten scores, without softmax, of a picture of 28 x 28 gray pixels between -1 and 1.

    apt-get install python3-onnx python3-numpy; tests/data/make_onnx.py"""
import pathlib

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper

random = np.random.default_rng(3)


def weight(name, *shape):
    scale = 1 / np.sqrt(np.prod(shape[1:])) if len(shape) > 1 else 0.1
    return numpy_helper.from_array((random.standard_normal(shape) * scale).astype(np.float32), name)


nodes = [helper.make_node("Conv", ["pixels", "conv.weight", "conv.bias"], ["a"], "conv", strides=[4, 4]),
         helper.make_node("Relu", ["a"], ["b"], "relu"),
         helper.make_node("Flatten", ["b"], ["c"], "flatten"),
         helper.make_node("Gemm", ["c", "dense.weight", "dense.bias"], ["digit"], "dense", transB=1)]
graph = helper.make_graph(
    nodes, "tiny", [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, [1, 1, 28, 28])],
    [helper.make_tensor_value_info("digit", TensorProto.FLOAT, [1, 10])],
    [weight("conv.weight", 4, 1, 4, 4), weight("conv.bias", 4), weight("dense.weight", 10, 196), weight("dense.bias", 10)])
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], producer_name="make_onnx.py")
model.ir_version = 7
checker.check_model(model)
folder = pathlib.Path(__file__).parent / "onnx"
folder.mkdir(exist_ok=True)
(folder / "tiny.onnx").write_bytes(model.SerializeToString())
(folder / "labels.txt").write_text("".join(f"{digit}\n" for digit in range(10)))
