#!/usr/bin/python3
"""Writes transformer.h5 beside this folder: the trained net of ../spatial_transformer as Keras would save it.

The layers are in the words of Keras 2, one of them a class that Keras does not have; the weights are those that
../spatial_transformer/make trained. The result is committed; run this again only to change it. Needs Debian's
python3-numpy, python3-h5py, python3-protobuf and protobuf-compiler.
"""
import json
import pathlib
import sys

EXAMPLE = pathlib.Path(__file__).resolve().parents[1]
TRANSFORMER = EXAMPLE.parent / "spatial_transformer"
sys.path[:0] = [str(EXAMPLE.parent / "digits" / "make"), str(TRANSFORMER / "make")]

import h5py  # noqa: E402
import numpy as np  # noqa: E402

import model  # noqa: E402
from transformer import INSIDE, OUTSIDE  # noqa: E402

ORDER = ["where_hidden", "where", "affine_grid", "conv1", "conv2", "hidden", "scores"]  # in the Core ML file


def call(kind, name, inputs, **config):
    """A layer and its one use: the entry of `layers` in a functional model."""
    nodes = [[[source, 0, 0, {}] for source in inputs]] if inputs else []
    return {"class_name": kind, "name": name, "config": {"name": name, "trainable": True, **config},
            "inbound_nodes": nodes}


def dense(name, source, units, activation):
    return call("Dense", name, [source], units=units, activation=activation, use_bias=True)


def pool(kind, name, source):
    return call(kind, name, [source], pool_size=[2, 2], strides=[2, 2], padding="valid", data_format="channels_last")


def convolution(name, source, filters):
    return call("Conv2D", name, [source], filters=filters, kernel_size=[5, 5], strides=[1, 1], padding="same",
                data_format="channels_last", dilation_rate=[1, 1], activation="relu", use_bias=True)


def architecture():
    layers = [
        call("InputLayer", "picture", [], batch_input_shape=[None, OUTSIDE, OUTSIDE, 1], dtype="float32", sparse=False),
        pool("AveragePooling2D", "half_size", "picture"),
        call("Flatten", "flatten_half", ["half_size"], data_format="channels_last"),
        dense("where_hidden", "flatten_half", 48, "relu"),
        dense("where", "where_hidden", 6, "linear"),
        call("BilinearInterpolation", "look", ["picture", "where"], output_size=[INSIDE, INSIDE]),
        convolution("conv1", "look", 8),
        pool("MaxPooling2D", "pool1", "conv1"),
        convolution("conv2", "pool1", 16),
        pool("MaxPooling2D", "pool2", "conv2"),
        call("Flatten", "flatten", ["pool2"], data_format="channels_last"),
        dense("hidden", "flatten", 64, "relu"),
        dense("scores", "hidden", 10, "softmax"),
    ]
    return {"class_name": "Model", "config": {"name": "spatial_transformer", "layers": layers,
                                              "input_layers": [["picture", 0, 0]], "output_layers": [["scores", 0, 0]]}}


def weights():
    """Per layer: kernel and bias as Keras keeps them, channels last."""
    arrays = dict(zip(ORDER, model.weights_of(TRANSFORMER / "transformer.mlmodel")))
    for name, (kernel, bias) in arrays.items():
        kernel = kernel.reshape(len(bias), -1)
        if name.startswith("conv"):
            kernel = kernel.reshape(len(bias), -1, 5, 5).transpose(2, 3, 1, 0)
        elif name == "hidden":  # reads what was flattened with the channels last
            kernel = kernel.reshape(len(bias), 16, 7, 7).transpose(2, 3, 1, 0).reshape(-1, len(bias))
        else:
            kernel = kernel.T
        if name != "affine_grid":  # BilinearInterpolation makes its grid itself
            yield name, (np.ascontiguousarray(kernel), bias)


def main():
    with h5py.File(EXAMPLE / "transformer.h5", "w") as file:
        described = architecture()
        file.attrs["model_config"] = json.dumps(described)
        kept = file.create_group("model_weights")
        for to in (file, kept):
            to.attrs["keras_version"], to.attrs["backend"] = "2.2.4", "tensorflow"
        names = [layer["name"] for layer in described["config"]["layers"]]
        kept.attrs["layer_names"] = np.bytes_(names)
        for name in names:
            kept.create_group(name).attrs["weight_names"] = np.empty(0, "S1")
        for name, arrays in weights():
            fields = [f"{name}/{field}:0" for field in ("kernel", "bias")]
            kept[name].attrs["weight_names"] = np.bytes_(fields)
            for field, array in zip(fields, arrays):
                kept[name][field] = array


if __name__ == "__main__":
    main()
