#!/usr/bin/env python3
"""What a TensorFlow graph computes, in NumPy and node by node: a judge for mlq's control flow.

    tensorflow_judge.py mtcnn.pb tests/data/tensorflow

runs the shared face detector on a made picture and writes what it gives (prob.npy, landmarks.npy, box.npy). The file
is read without protobuf's schema. A value of a branch that was not taken is DEAD, and deadness spreads as TensorFlow
says it does: nothing here knows what a conditional is. A loop's Merge has the value of its round.
"""
import sys
import threading

import numpy as np

DEAD = object()
TYPES = {1: np.float32, 2: np.float64, 3: np.int32, 4: np.uint8, 6: np.int8, 9: np.int64, 10: np.bool_}


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at


def fields(data):
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        kind = key & 7
        if kind == 0:
            value, at = varint(data, at)
        else:
            size, at = varint(data, at) if kind == 2 else ((8 if kind == 1 else 4), at)
            value, at = data[at:at + size], at + size
        yield key >> 3, kind, value


def signed(value):
    return value - (1 << 64) if value >= 1 << 63 else value


def whole_numbers(kind, value):
    if kind == 0:
        return [signed(value)]
    numbers, at = [], 0
    while at < len(value):
        number, at = varint(value, at)
        numbers.append(signed(number))
    return numbers


def tensor(data):
    dtype, shape, content, listed = 1, [], None, []
    for field, kind, value in fields(data):
        if field == 1:
            dtype = value
        elif field == 2:
            shape = [sum(whole_numbers(k, v)[0] for _, k, v in fields(dim)) for _, _, dim in fields(value)]
        elif field == 4:
            content = value
        elif field == 5:
            listed.extend(np.frombuffer(value, np.float32))
        elif field in (7, 10, 11):
            listed.extend(whole_numbers(kind, value))
    if dtype not in TYPES:
        return None
    if content is not None:
        return np.frombuffer(content, TYPES[dtype]).reshape(shape)
    count = int(np.prod(shape))
    listed = listed or [0]
    return np.array((listed + listed[-1:] * count)[:count], TYPES[dtype]).reshape(shape)


def attribute(data):
    for field, kind, value in fields(data):
        if field == 8:
            return tensor(value)
        if field == 1:
            return [n for f, k, v in fields(value) if f in (3, 6) for n in whole_numbers(k, v)]
        if field == 4:
            return float(np.frombuffer(value, np.float32)[0])
        return signed(value) if kind == 0 else bytes(value)
    return None


class Node:
    def __init__(self, data):
        self.inputs, self.attributes = [], {}
        for field, _, value in fields(data):
            if field == 1:
                self.name = value.decode()
            elif field == 2:
                self.op = value.decode()
            elif field == 3:
                self.inputs.append(value.decode())
            elif field == 5:
                entry = {f: v for f, _, v in fields(value)}
                self.attributes[entry[1].decode()] = attribute(entry.get(2, b""))


def windows(x, size, strides, padding):
    """[N, H', W', kh, kw, C]"""
    if padding == b"SAME":
        pads = [(0, 0)]
        for axis in (1, 2):
            places = -(-x.shape[axis] // strides[axis])
            total = max(0, (places - 1) * strides[axis] + size[axis - 1] - x.shape[axis])
            pads.append((total // 2, total - total // 2))
        x = np.pad(x, pads + [(0, 0)], constant_values=-np.inf if padding is None else 0)
    view = np.lib.stride_tricks.sliding_window_view(x, size, (1, 2))
    return view[:, ::strides[1], ::strides[2]].transpose(0, 1, 2, 4, 5, 3)


def max_pool(node, x):
    _, height, width, _ = node.attributes["ksize"]
    _, down, right, _ = node.attributes["strides"]
    rows, columns = x.shape[1], x.shape[2]
    same = node.attributes["padding"] == b"SAME"
    out_rows = -(-rows // down) if same else (rows - height) // down + 1
    out_columns = -(-columns // right) if same else (columns - width) // right + 1
    top = max(0, (out_rows - 1) * down + height - rows) // 2 if same else 0
    left = max(0, (out_columns - 1) * right + width - columns) // 2 if same else 0
    y = np.empty((x.shape[0], out_rows, out_columns, x.shape[3]), x.dtype)
    for i in range(out_rows):
        for j in range(out_columns):
            a, b = i * down - top, j * right - left
            y[:, i, j] = x[:, max(a, 0):a + height, max(b, 0):b + width].max((1, 2))
    return y


def convolve(node, x, weights):
    view = windows(x, weights.shape[:2], node.attributes["strides"], node.attributes["padding"])
    return np.tensordot(view.astype(np.float64), weights.astype(np.float64), ((3, 4, 5), (0, 1, 2))).astype(np.float32)


def strided_slice(node, x, begin, end, strides):
    at = node.attributes
    assert not at["ellipsis_mask"] and not at["new_axis_mask"]
    index = []
    for i, (b, e, s) in enumerate(zip(begin, end, strides)):
        if at["shrink_axis_mask"] >> i & 1:
            index.append(int(b))
        else:
            index.append(slice(None if at["begin_mask"] >> i & 1 else int(b),
                               None if at["end_mask"] >> i & 1 else int(e), int(s)))
    return np.asarray(x[tuple(index)])


def resize_bilinear(node, x, size):
    def taps(cells, points):
        at = np.arange(points) * np.float32(cells / points)
        low = np.floor(at).astype(int)
        return low, np.minimum(low + 1, cells - 1), (at - low).astype(np.float32)
    assert not node.attributes["align_corners"]
    a, b, down = taps(x.shape[1], int(size[0]))
    c, d, right = taps(x.shape[2], int(size[1]))
    down, right = down[:, None, None], right[:, None]
    top = x[:, a][:, :, c] * (1 - right) + x[:, a][:, :, d] * right
    bottom = x[:, b][:, :, c] * (1 - right) + x[:, b][:, :, d] * right
    return (top * (1 - down) + bottom * down).astype(np.float32)


def crop_and_resize(node, x, boxes, pictures, size):
    rows, columns = x.shape[1] - 1, x.shape[2] - 1
    y = np.full((len(boxes), size[0], size[1], x.shape[3]), node.attributes.get("extrapolation_value") or 0, np.float32)
    for n, (y1, x1, y2, x2) in enumerate(boxes):
        for i in range(size[0]):
            v = y1 * rows + i * (y2 - y1) * rows / (size[0] - 1)
            for j in range(size[1]):
                u = x1 * columns + j * (x2 - x1) * columns / (size[1] - 1)
                if not (0 <= v <= rows and 0 <= u <= columns):
                    continue
                a, b, c, d = int(np.floor(v)), int(np.ceil(v)), int(np.floor(u)), int(np.ceil(u))
                picture, p, q = x[pictures[n]], v - a, u - c
                top = picture[a, c] * (1 - q) + picture[a, d] * q
                y[n, i, j] = top * (1 - p) + (picture[b, c] * (1 - q) + picture[b, d] * q) * p
    return y


def suppress(boxes, scores, most, limit):
    kept = []
    low, high = np.minimum(boxes[:, :2], boxes[:, 2:]), np.maximum(boxes[:, :2], boxes[:, 2:])
    areas = np.prod(high - low, 1)
    for i in np.argsort(-scores, kind="stable"):
        shared = [np.prod(np.maximum(0, np.minimum(high[i], high[k]) - np.maximum(low[i], low[k]))) for k in kept]
        if all(s <= limit * (areas[i] + areas[k] - s) for s, k in zip(shared, kept)) and len(kept) < most:
            kept.append(i)
    return np.array(kept, np.int32)


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def select(condition, x, y):
    return np.where(condition.reshape(condition.shape + (1,) * (x.ndim - condition.ndim)), x, y)


OPS = {
    "Add": lambda n, x, y: x + y, "Sub": lambda n, x, y: x - y, "Mul": lambda n, x, y: x * y,
    "RealDiv": lambda n, x, y: x / y, "Minimum": lambda n, x, y: np.minimum(x, y),
    "Greater": lambda n, x, y: x > y, "BiasAdd": lambda n, x, y: x + y,
    "Cast": lambda n, x: x.astype(TYPES[n.attributes["DstT"]]),
    "Conv2D": convolve, "MaxPool": max_pool, "ResizeBilinear": resize_bilinear, "CropAndResize": crop_and_resize,
    "ConcatV2": lambda n, *x: np.concatenate(x[:-1], int(x[-1])),
    "ExpandDims": lambda n, x, axis: np.expand_dims(x, int(axis)),
    "Gather": lambda n, x, i: x[i], "NonMaxSuppressionV2": lambda n, *x: suppress(*x),
    "Max": lambda n, x, axes: x.max(tuple(np.atleast_1d(axes)), keepdims=bool(n.attributes["keep_dims"])),
    "Prod": lambda n, x, axes: np.asarray(x.prod(tuple(np.atleast_1d(axes)), dtype=x.dtype)),
    "Pack": lambda n, *x: np.stack(x, n.attributes["axis"] or 0),
    "Reshape": lambda n, x, shape: x.reshape(shape), "Select": lambda n, c, x, y: select(c, x, y),
    "Shape": lambda n, x: np.array(x.shape, np.int32),
    "Slice": lambda n, x, b, s: x[tuple(slice(i, None if k < 0 else i + k) for i, k in zip(b, s))],
    "Softmax": lambda n, x: softmax(x), "StridedSlice": strided_slice,
    "Squeeze": lambda n, x: np.squeeze(x, tuple(n.attributes["squeeze_dims"]) or None),
    "Tile": lambda n, x, times: np.tile(x, times),
    "Where": lambda n, x: np.argwhere(x).astype(np.int64), "Identity": lambda n, x: x, "LoopCond": lambda n, x: x,
    "NextIteration": lambda n, x: x,
    "TensorArrayWriteV3": lambda n, handle, i, x, flow: {**flow, int(i): x},
    "TensorArrayConcatV3": lambda n, handle, flow: np.concatenate([flow[i] for i in sorted(flow)]),
}


class Round:
    """The values of one round of a loop, or of the graph."""
    def __init__(self, merges, around):
        self.merges, self.around, self.values = merges, around, {}


class Judge:
    def __init__(self, data):
        self.nodes = {}
        for field, _, value in fields(data):
            if field == 1:
                node = Node(value)
                self.nodes[node.name] = node

    def run(self, feeds, outputs):
        top = Round({}, None)
        top.values = {name: (value,) for name, value in feeds.items()}
        return [self.wire(name, top) for name in outputs]

    def wire(self, text, at):
        name, _, output = text.partition(":")
        values = self.node(self.nodes[name.lstrip("^")], at)
        return values if values is DEAD else values[int(output or 0)]

    def node(self, node, at):
        if node.name not in at.values:
            at.values[node.name] = self.compute(node, at)
        return at.values[node.name]

    def is_loop(self, node):
        return node.op == "Merge" and any(self.nodes[i.split(":")[0]].op == "NextIteration" for i in node.inputs)

    def compute(self, node, at):
        if self.is_loop(node):
            return (at.merges[node.name],)
        if node.op == "Enter":
            return (self.wire(node.inputs[0], at.around),)
        if node.op == "Exit":
            return (self.loop(node, at),)
        inputs = [self.wire(i, at) for i in node.inputs]
        if node.op == "Merge":
            return next(((value,) for value in inputs if value is not DEAD), DEAD)
        if any(value is DEAD for value in inputs):
            return DEAD
        if node.op == "Switch":
            return (DEAD, inputs[0]) if inputs[1] else (inputs[0], DEAD)
        if node.op == "Const":
            return (node.attributes["value"],)
        if node.op == "TensorArrayV3":
            return (None, {})
        count = sum(not i.startswith("^") for i in node.inputs)
        return (OPS[node.op](node, *inputs[:count]),)

    def loop(self, exit_node, at):
        switch = self.nodes[exit_node.inputs[0].split(":")[0]]
        merge = self.nodes[switch.inputs[0]]
        frame = self.nodes[merge.inputs[0]].attributes["frame_name"]
        merges = [n for n in self.nodes.values()
                  if self.is_loop(n) and self.nodes[n.inputs[0]].attributes["frame_name"] == frame]
        key = ("loop", frame)
        if key not in at.values:
            values = {n.name: self.wire(self.nodes[n.inputs[0]].inputs[0], at) for n in merges}
            while True:
                turn = Round(values, at)
                if not self.wire(switch.inputs[1], turn):
                    break
                values = {n.name: self.wire(n.inputs[1], turn) for n in merges}
            at.values[key] = values
        return at.values[key][merge.name]


def picture(height, width):
    """Blobs of light and dark, in whole numbers, so that anybody can make the same."""
    y, x, c = np.meshgrid(np.arange(height), np.arange(width), np.arange(3), indexing="ij")
    return ((y * y // 7 + x * x // 11 + x * y // 5 + c * 17) % 256).astype(np.float32)


def main():
    judge = Judge(open(sys.argv[1], "rb").read())
    feeds = {"input": picture(72, 96), "min_size": np.float32(20), "factor": np.float32(0.7),
             "thresholds": np.array([float(t) for t in X, np.float32)}
    for name, value in zip(("prob", "landmarks", "box"), judge.run(feeds, ("prob", "landmarks", "box"))):
        print(name, value.shape, value.reshape(-1)[:8])
        np.save(f"{sys.argv[2]}/{name}.npy", value.astype(np.float32))


if __name__ == "__main__":
    sys.setrecursionlimit(100000)
    threading.stack_size(512 << 20)
    worker = threading.Thread(target=main)
    worker.start()
    worker.join()
