"""One description of a network, from which the same weights are written for each side."""
import dataclasses

import numpy as np


@dataclasses.dataclass
class Layer:
    kind: str  # conv, dense, relu, relu6, maxpool, mean, add, concat
    name: str
    inputs: list
    weights: np.ndarray = None
    bias: np.ndarray = None
    kernel: int = 1
    stride: int = 1
    pad: int = 0
    groups: int = 1


class Net:
    """Appends layers to a list; each call returns the name of the new layer's result."""

    def __init__(self, seed):
        self.random = np.random.default_rng(seed)
        self.layers = []
        self.channels = {"input": 3}

    def add(self, kind, inputs, channels, **fields):
        layer = Layer(kind, f"{kind}{len(self.layers)}", inputs, **fields)
        self.layers.append(layer)
        self.channels[layer.name] = channels
        return layer.name

    def conv(self, x, channels, kernel, stride=1, pad=0, groups=1, gain=1.0):
        shape = (channels, self.channels[x] // groups, kernel, kernel)
        weights = self.random.normal(0, gain * np.sqrt(2 / np.prod(shape[1:])), shape).astype(np.float32)
        bias = self.random.normal(0, .05, channels).astype(np.float32)
        return self.add("conv", [x], channels, weights=weights, bias=bias, kernel=kernel, stride=stride, pad=pad,
                        groups=groups)

    def dense(self, x, channels):
        weights = self.random.normal(0, np.sqrt(1 / self.channels[x]), (channels, self.channels[x])).astype(np.float32)
        return self.add("dense", [x], channels, weights=weights, bias=np.zeros(channels, np.float32))

    def relu(self, x, kind="relu"):
        return self.add(kind, [x], self.channels[x])

    def maxpool(self, x, pad=0):
        return self.add("maxpool", [x], self.channels[x], kernel=3, stride=2, pad=pad)

    def mean(self, x):
        return self.add("mean", [x], self.channels[x])

    def sum(self, a, b):
        return self.add("add", [a, b], self.channels[a])

    def concat(self, a, b):
        return self.add("concat", [a, b], self.channels[a] + self.channels[b])
