"""Networks in the files that Keras 1, 2 and 3 write, each with inputs and the outputs that it must give."""
import io
import json
import re
import zipfile

import h5py
import numpy as np


class Layer:
    def __init__(self, kind, name, inputs=(), weights=(), call=None, uses=None, **config):
        """`weights` are (field, array); `call` what a call says beside its inputs; `uses` the inputs of several calls."""
        self.kind, self.name, self.weights = kind, name, list(weights)
        self.uses = uses if uses is not None else [list(inputs)] if inputs else []
        self.call, self.config = call or {}, {"name": name, "trainable": True, **config}
        self.inner, self.groups = config.pop("inner", None), {}
        self.config.pop("inner", None)


def input_layer(name, *shape, dtype="float32"):
    return Layer("InputLayer", name, batch_input_shape=[None, *shape], dtype=dtype, sparse=False)


def ref(source):
    """"name", "name:use" or "name:use:result"."""
    name, *numbers = source.split(":")
    return [name, *[int(number) for number in numbers + ["0"] * (2 - len(numbers))]]


def entry_2(layer):
    config = functional(layer.inner) if layer.inner and layer.kind != "Sequential" else \
        {"name": layer.name, "layers": [plain(inner) for inner in layer.inner]} if layer.inner else layer.config
    nodes = [[[*ref(source), layer.call] for source in use] for use in layer.uses]
    return {"class_name": layer.kind, "name": layer.name, "config": config, "inbound_nodes": nodes}


def plain(layer):
    return {"class_name": layer.kind, "config": layer.config}


def functional(net):
    layers, inputs, outputs = net
    return {"name": "net", "layers": [entry_2(layer) for layer in layers], "input_layers": [ref(i) for i in inputs],
            "output_layers": [ref(o) for o in outputs]}


def all_weights(layer):
    if hasattr(layer, "listed"):
        return layer.listed  # the order of models: what is trained, then what is not
    return [w for inner in (layer.inner[0] if isinstance(layer.inner, tuple) else layer.inner)
            for w in all_weights(inner)] if layer.inner else layer.weights


def write_judge(to, inputs, outputs):
    for kind, arrays in (("in", inputs), ("out", outputs)):
        for number, array in enumerate(arrays):
            array = np.asarray(array)
            to[f"judge/{kind}{number}"] = array.astype("f4" if array.dtype.kind == "f" else array.dtype)


def write_hdf5(path, description, layers, version, judge, backend="tensorflow"):
    with h5py.File(path, "w", libver="latest") as file:
        file.attrs["model_config"] = json.dumps(description)
        kept = file.create_group("model_weights")
        for to in (file, kept):
            if version:
                to.attrs["keras_version"], to.attrs["backend"] = version, backend
        kept.attrs["layer_names"] = np.bytes_([layer.name for layer in layers])
        for layer in layers:
            group, weights = kept.create_group(layer.name), all_weights(layer)
            names = [f"{layer.name}/{field}:0" for field, _ in weights]
            group.attrs["weight_names"] = np.bytes_(names) if names else np.empty(0, "S1")
            for name, (_, array) in zip(names, weights):
                group[name] = np.float32(array)
        write_judge(file, *judge)


def keras_2(path, layers, inputs, outputs, given, expected, version="2.4.0"):
    write_hdf5(path, {"class_name": "Model", "config": functional((layers, inputs, outputs))}, layers, version,
               (given, expected))


def sequential(path, layers, given, expected, version="2.4.0", bare=False, backend="tensorflow"):
    """`bare`: Keras 1 lists the layers with nothing around them."""
    entries = [plain(layer) for layer in layers]
    write_hdf5(path, {"class_name": "Sequential", "config": entries if bare else {"name": "net", "layers": entries}},
               layers, version, (given, expected), backend)


def tensor_3(source):
    return {"class_name": "__keras_tensor__", "config": {"shape": [None], "dtype": "float32", "keras_history": ref(source)}}


def entry_3(layer):
    config = functional_3(layer.inner) if layer.inner else layer.config
    nodes = [{"args": [tensor_3(s) for s in use] if layer.call.get("spread") else
                      [tensor_3(use[0]) if len(use) == 1 else [tensor_3(s) for s in use]],
              "kwargs": {key: value for key, value in layer.call.items() if key != "spread"}} for use in layer.uses]
    return {"module": "keras.layers", "class_name": layer.kind, "config": config, "registered_name": None,
            "name": layer.name, "inbound_nodes": nodes}


def functional_3(net):
    layers, inputs, outputs = net
    return {"name": "net", "trainable": True, "layers": [entry_3(layer) for layer in layers],
            "input_layers": [ref(i) for i in inputs], "output_layers": [ref(o) for o in outputs]}


def snake(kind):
    return re.sub("([a-z])([A-Z])", r"\1_\2", re.sub("(.)([A-Z][a-z]+)", r"\1_\2", kind)).lower()


def write_numbered(group, layers):
    seen = {}
    for layer in layers:
        name = snake(layer.kind)
        seen[name] = seen.get(name, -1) + 1
        place = f"{group}/{name}" + (f"_{seen[name]}" if seen[name] else "")
        if layer.inner:
            yield from write_numbered(place + "/layers", layer.inner[0])
        numbers = {}
        for field, array in layer.weights:  # "cell/kernel" is cell/vars/N
            part = "/".join(field.split("/")[:-1])
            numbers[part] = numbers.get(part, -1) + 1
            yield "/".join(filter(None, [place, part, "vars", str(numbers[part])])), array


def keras_3(path, layers, inputs, outputs, given, expected):
    description = {"module": "keras", "class_name": "Functional", "registered_name": "Functional",
                   "config": functional_3((layers, inputs, outputs))}
    weights, judge = io.BytesIO(), io.BytesIO()
    with h5py.File(weights, "w", libver="latest") as file:
        for place, array in write_numbered("layers", layers):
            file[place] = np.float32(array)
    with h5py.File(judge, "w", libver="latest") as file:
        write_judge(file, given, expected)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, text in (("metadata.json", json.dumps({"keras_version": "3.3.3"}).encode()),
                           ("config.json", json.dumps(description).encode()), ("model.weights.h5", weights.getvalue()),
                           ("judge.h5", judge.getvalue())):
            archive.writestr(zipfile.ZipInfo(name, (2024, 1, 1, 0, 0, 0)), text)
