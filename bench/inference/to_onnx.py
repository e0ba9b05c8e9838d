"""A described network as ONNX, for the peer."""
import numpy as np
from onnx import TensorProto, helper, numpy_helper


def onnx_bytes(net):
    constants, nodes = [], []

    def constant(name, values):
        constants.append(numpy_helper.from_array(np.asarray(values, np.float32), name))
        return name

    for layer in net.layers:
        inputs, name, window = list(layer.inputs), layer.name, {
            "kernel_shape": [layer.kernel] * 2, "strides": [layer.stride] * 2, "pads": [layer.pad] * 4}
        if layer.weights is not None:
            inputs += [constant(name + ".weights", layer.weights), constant(name + ".bias", layer.bias)]
        if layer.kind == "conv":
            nodes.append(helper.make_node("Conv", inputs, [name], name, group=layer.groups, **window))
        elif layer.kind == "dense":
            nodes.append(helper.make_node("Flatten", inputs[:1], [name + ".flat"]))
            nodes.append(helper.make_node("Gemm", [name + ".flat", *inputs[1:]], [name], name, transB=1))
        elif layer.kind == "relu6":
            inputs += [constant(name + ".low", 0), constant(name + ".high", 6)]
            nodes.append(helper.make_node("Clip", inputs, [name], name))
        elif layer.kind == "maxpool":
            nodes.append(helper.make_node("MaxPool", inputs, [name], name, **window))
        elif layer.kind == "concat":
            nodes.append(helper.make_node("Concat", inputs, [name], name, axis=1))
        else:
            op = {"relu": "Relu", "mean": "GlobalAveragePool", "add": "Add"}[layer.kind]
            nodes.append(helper.make_node(op, inputs, [name], name))
    graph = helper.make_graph(
        nodes, "net", [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, 224, 224])],
        [helper.make_tensor_value_info(net.layers[-1].name, TensorProto.FLOAT, None)], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8).SerializeToString()
