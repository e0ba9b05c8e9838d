#!/usr/bin/env python3
"""coremltools_readback.py FOLDER: an emitted model, read by Core ML Tools, against the weights as we decode them.

FOLDER is what the test program emit_dump wrote: model.mlmodel, names.txt and one NUMBER.f32 for each name.
"""
import collections
import contextlib
import os
import sys

import numpy as np

import coremltools_peer


def blobs(message, name, seen):
    """Every WeightParams of a message with the name that mlq gives it: LAYER/FIELD, or LAYER/FIELD/FIELD."""
    for field, value in message.ListFields():
        if field.message_type is None or field.message_type.GetOptions().map_entry:
            continue
        repeated = field.label == field.LABEL_REPEATED
        for index, child in enumerate(value if repeated else [value]):
            if field.message_type.name == "NeuralNetworkLayer":
                path = name + child.name
            elif message.DESCRIPTOR.name == "NeuralNetworkLayer":
                path = name
            else:
                path = f"{name}/{field.json_name}" + (f".{index}" if repeated else "")
            if field.message_type.name == "WeightParams":
                seen[path] += 1
                yield path if seen[path] == 1 else f"{path}#{seen[path]}", child
            else:
                yield from blobs(child, path, seen)


def main():
    folder = sys.argv[1]
    peer = coremltools_peer.load()
    from coremltools.proto import Model_pb2

    model = Model_pb2.Model()
    with open(os.path.join(folder, "model.mlmodel"), "rb") as file:
        model.ParseFromString(file.read())
    network = getattr(model, model.WhichOneof("Type"))
    found = [(name, blob) for name, blob in blobs(network, "", collections.Counter()) if blob.rawValue]

    # Its walk over the layers knows shapes and axes; half floats, which it would stumble over, need no decoding.
    decode = peer._quantize_wp_field
    peer._quantize_wp_field = lambda blob, *rest, **more: decode(blob, *rest, **more) if blob.rawValue else None
    with contextlib.redirect_stdout(None):  # it talks
        peer._dequantize_nn_spec(network)
    theirs = {name: np.array(blob.floatValue, np.float32) for name, blob in found}

    with open(os.path.join(folder, "names.txt")) as file:
        names = file.read().splitlines()
    ours = {name: np.fromfile(os.path.join(folder, f"{i}.f32"), np.float32) for i, name in enumerate(names)}
    wrong = sorted(set(ours) ^ set(theirs))
    different = [name for name in sorted(set(ours) & set(theirs)) if ours[name].tobytes() != theirs[name].tobytes()]
    for name in wrong:
        print(f"ONLY {'OURS' if name in ours else 'THEIRS'}: {name}")
    for name in different:
        a, b = ours[name], theirs[name]
        where = np.flatnonzero(a != b)[:3] if a.size == b.size else []
        print(f"DIFFERENT: {name}: {a.size} and {b.size} weights, first at {where}, {a[where]} and {b[where]}")
    weights = sum(values.size for values in ours.values())
    print(f"{len(ours)} quantized tensors, {weights} weights: {len(wrong)} missing, {len(different)} different")
    sys.exit(1 if wrong or different or not ours else 0)


if __name__ == "__main__":
    main()
