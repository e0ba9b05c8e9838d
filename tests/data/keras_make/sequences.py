"""Networks of recurrent and attention layers."""
import numpy as np

import judge
from files import Layer, input_layer, keras_2, keras_3, sequential

T, I, U = 5, 3, 4  # steps, inputs, units


def cell(random, gates, inputs=I, units=U, bias=None):
    """Kernel, state kernel and bias of a layer, with the names that Keras gives them."""
    draw = lambda *shape: random.normal(0, 0.5, shape)
    return [("kernel", draw(inputs, gates * units)), ("recurrent_kernel", draw(units, gates * units)),
            ("bias", draw(*(bias or (gates * units,))))]


def arrays(weights):
    return [array for _, array in weights]


def under(part, weights):
    return [(f"{part}/{field}", array) for field, array in weights]


def layer(kind, weights, name="rnn", inputs=("x",), **config):
    settings = {"units": U, "activation": "tanh", "use_bias": True, "return_sequences": False, "return_state": False,
                "go_backwards": False, "stateful": False}
    if kind in ("LSTM", "GRU"):
        settings["recurrent_activation"] = "sigmoid"
    return Layer(kind, name, inputs, weights, **{**settings, **config})


def simple(folder, random):
    x = random.normal(size=(1, T, I))
    start = input_layer("x", T, I)
    one = lambda name, made, *expected, **more: keras_2(folder / f"{name}.h5", [start, made], ["x"],
                                                         [f"rnn:0:{i}" for i in range(len(expected))], [x], expected, **more)
    w = cell(random, 4)
    y, (h, c) = judge.lstm(x, *arrays(w))
    one("lstm_sequence_states", layer("LSTM", w, return_sequences=True, return_state=True), y, h, c)
    y, (h, c) = judge.lstm(x[:, ::-1], *arrays(w), gate=judge.hard_sigmoid)
    one("lstm_backwards_hard", layer("LSTM", w, go_backwards=True, recurrent_activation="hard_sigmoid"), h, version="2.2.4")
    w = cell(random, 3)
    y, (h,) = judge.gru(x, *arrays(w), after=False)
    one("gru_reset_before", layer("GRU", w, reset_after=False, return_sequences=True), y)
    w = cell(random, 3, bias=(2, 3 * U))
    y, (h,) = judge.gru(x, *arrays(w), after=True)
    one("gru_reset_after", layer("GRU", w, reset_after=True, return_state=True), h, h)
    w = cell(random, 1)
    y, (h,) = judge.rnn(x, *arrays(w), f=judge.relu)
    one("simple_rnn_relu", layer("SimpleRNN", w, activation="relu", return_sequences=True), y)


def initial_state(folder, random):
    x, h, c = random.normal(size=(1, T, I)), random.normal(size=(1, U)), random.normal(size=(1, U))
    w = cell(random, 4)
    layers = [input_layer("x", T, I), input_layer("h", U), input_layer("c", U), layer("LSTM", w, inputs=["x", "h", "c"])]
    keras_2(folder / "lstm_initial_state.h5", layers, ["x", "h", "c"], ["rnn"], [x, h, c],
            [judge.lstm(x, *arrays(w), h=h, c=c)[1][0]])


def bidirectional(folder, random):
    x = random.normal(size=(1, T, I))
    for kind, gates, mode, sequences in (("LSTM", 4, "concat", True), ("GRU", 3, "sum", False)):
        forward, back = cell(random, gates), cell(random, gates)
        run = (lambda x, w: judge.lstm(x, *arrays(w))) if kind == "LSTM" else \
            (lambda x, w: judge.gru(x, *arrays(w), after=False))
        a, b = run(x, forward), run(x[:, ::-1], back)
        a, b = (a[0], b[0][:, ::-1]) if sequences else (a[1][0], b[1][0])
        y = np.concatenate([a, b], -1) if mode == "concat" else a + b
        inner = layer(kind, [], name="inner", return_sequences=sequences, reset_after=False)
        weights = under("forward", forward) + under("backward", back)
        wrap = Layer("Bidirectional", "both", ["x"], weights, merge_mode=mode,
                     layer={"class_name": kind, "config": inner.config})
        keras_2(folder / f"bidirectional_{kind.lower()}_{mode}.h5", [input_layer("x", T, I), wrap], ["x"], ["both"], [x], [y])


def time_distributed(folder, random):
    images, kernel, bias = random.normal(size=(1, 3, 6, 6, 2)), random.normal(size=(3, 3, 2, 4)), random.normal(size=4)
    y = np.stack([judge.conv(images[:, t], kernel, bias, same=True) for t in range(3)], 1)
    config = {"name": "conv", "filters": 4, "kernel_size": [3, 3], "strides": [1, 1], "padding": "same",
              "data_format": "channels_last", "activation": "linear", "use_bias": True}
    wrap = Layer("TimeDistributed", "steps", ["x"], [("kernel", kernel), ("bias", bias)],
                 layer={"class_name": "Conv2D", "config": config})
    keras_2(folder / "time_distributed_conv.h5", [input_layer("x", 3, 6, 6, 2), wrap], ["x"], ["steps"], [images], [y])


def cells(folder, random):
    """RNN around one cell and around a stack of them."""
    x = random.normal(size=(1, T, I))
    config = lambda units: {"units": units, "activation": "tanh", "recurrent_activation": "sigmoid", "use_bias": True}
    around = {"return_sequences": True, "return_state": False, "go_backwards": False, "stateful": False}
    w, v = cell(random, 4), cell(random, 3, inputs=U, units=2)
    y, _ = judge.lstm(x, *arrays(w))
    made = Layer("RNN", "rnn", ["x"], w, cell={"class_name": "LSTMCell", "config": config(U)}, **around)
    keras_2(folder / "rnn_cell.h5", [input_layer("x", T, I), made], ["x"], ["rnn"], [x], [y])
    z, _ = judge.gru(y, *arrays(v), after=False)
    stack = [{"class_name": "LSTMCell", "config": config(U)},
             {"class_name": "GRUCell", "config": {**config(2), "reset_after": False}}]
    made = Layer("RNN", "rnn", ["x"], under("a", w) + under("b", v),
                 cell={"class_name": "StackedRNNCells", "config": {"cells": stack}}, **around)
    keras_2(folder / "rnn_stack.h5", [input_layer("x", T, I), made], ["x"], ["rnn"], [x], [z])


def masks(folder, random):
    """Words that are 0 are no steps: at the beginning, in the middle and at the end."""
    words = np.int64([[0, 3, 0, 2, 1, 0]])
    table = random.normal(size=(5, I))
    x, mask = table[words], words != 0
    start = [input_layer("x", 6, dtype="int32"),
             Layer("Embedding", "table", ["x"], [("embeddings", table)], input_dim=5, output_dim=I, mask_zero=True)]
    w, v = cell(random, 4), cell(random, 3, inputs=U)
    y, _ = judge.lstm(x, *arrays(w), mask=mask)
    _, (h,) = judge.gru(y, *arrays(v), after=False, mask=mask)
    keras_2(folder / "masked_lstm_gru.h5",
            [*start, layer("LSTM", w, inputs=["table"], name="first", return_sequences=True),
             layer("GRU", v, inputs=["first"], reset_after=False)], ["x"], ["rnn"], [words], [h])
    forward, back = cell(random, 4), cell(random, 4)
    a, b = judge.lstm(x, *arrays(forward), mask=mask), judge.lstm(x[:, ::-1], *arrays(back), mask=mask[:, ::-1])
    inner = layer("LSTM", [], name="inner")
    wrap = Layer("Bidirectional", "both", ["table"], under("forward", forward) + under("backward", back),
                 merge_mode="concat", layer={"class_name": "LSTM", "config": inner.config})
    keras_2(folder / "masked_bidirectional.h5", [*start, wrap], ["x"], ["both"], [words],
            [np.concatenate([a[1][0], b[1][0]], -1)])
    mean = (x * mask[..., None]).sum(1) / mask.sum(1, keepdims=True)
    keras_2(folder / "masked_average.h5", [*start, Layer("GlobalAveragePooling1D", "mean", ["table"])], ["x"], ["mean"],
            [words], [mean])


def keras_1(folder, random):
    """Kernel, state kernel and bias of each gate, in the order i c f o."""
    x, w = random.normal(size=(1, T, I)), cell(random, 4)
    W, S, b = (np.split(array, 4, -1) for array in arrays(w))
    of_gate = {name: (W[k], S[k], b[k]) for k, name in enumerate("ifco")}
    weights = [(f"rnn_{field}_{gate}", array) for gate in "icfo" for field, array in zip("WUb", of_gate[gate])]
    y, (h, _) = judge.lstm(x, *arrays(w), gate=judge.hard_sigmoid)
    made = Layer("LSTM", "rnn", [], weights, batch_input_shape=[None, T, I], output_dim=U, activation="tanh",
                 inner_activation="hard_sigmoid", return_sequences=False, go_backwards=False, stateful=False)
    sequential(folder / "keras_1_lstm.h5", [made], [x], [h], version="1.2.2", bare=True)


def attention(folder, random):
    q, v, k = (random.normal(size=(1, steps, 4)) for steps in (3, 5, 5))
    ends = [input_layer("q", 3, 4), input_layer("v", 5, 4), input_layer("k", 5, 4)]
    scale = random.normal(size=4)
    y, _ = judge.attention(0.7 * q @ k.swapaxes(1, 2), v)
    keras_2(folder / "attention_scaled.h5", [*ends, Layer("Attention", "a", "qvk", [("scale", np.float32(0.7))], use_scale=True)],
            ["q", "v", "k"], ["a"], [q, v, k], [y])
    y, _ = judge.attention(v @ v.swapaxes(1, 2), v, causal=True)
    keras_2(folder / "attention_causal.h5", [ends[1], Layer("Attention", "a", "vv", use_scale=False, causal=True)], ["v"],
            ["a"], [v], [y])
    scores = (scale * np.tanh(q[:, :, None] + v[:, None])).sum(-1)
    y, _ = judge.attention(scores, v)
    keras_2(folder / "additive_attention.h5", [*ends[:2], Layer("AdditiveAttention", "a", "qv", [("scale", scale)], use_scale=True)],
            ["q", "v"], ["a"], [q, v], [y])


def heads(random, dim=4, count=2, key=3, value=5):
    draw = lambda *shape: random.normal(0, 0.5, shape)
    return [(draw(dim, count, key), draw(count, key)), (draw(dim, count, key), draw(count, key)),
            (draw(dim, count, value), draw(count, value)), (draw(count, value, dim), draw(dim))]


def multi_head(folder, random):
    q, v, k = (random.normal(size=(1, steps, 4)) for steps in (3, 5, 5))
    config = {"num_heads": 2, "key_dim": 3, "value_dim": 5, "use_bias": True, "output_shape": None, "attention_axes": None}
    w = heads(random)
    parts = ("query", "key", "value", "attention_output")
    named = [(f"{part}/{field}", array) for part, pair in zip(parts, w) for field, array in zip(("kernel", "bias"), pair)]
    ends = [input_layer("q", 3, 4), input_layer("v", 5, 4), input_layer("k", 5, 4)]
    made = Layer("MultiHeadAttention", "a", ["q"], named, {"value": ["v", 0, 0], "key": ["k", 0, 0]}, **config)
    keras_2(folder / "multi_head_attention.h5", [*ends, made], ["q", "v", "k"], ["a"], [q, v, k],
            [judge.multi_head(q, v, k, w)], version="2.9.0")
    parts = ("query_dense", "key_dense", "value_dense", "output_dense")
    named = [(f"{part}/{field}", array) for part, pair in zip(parts, w) for field, array in zip(("kernel", "bias"), pair)]
    made = Layer("MultiHeadAttention", "a", ["v", "v"], named, {"spread": True, "use_causal_mask": True}, **config)
    keras_3(folder / "multi_head_attention_causal.keras", [ends[1], made], ["v"], ["a"], [v],
            [judge.multi_head(v, v, v, w, causal=True)])


def keras_3_text(folder, random):
    """A reader of words as Keras 3 saves it: layers of one class are numbered."""
    words = np.int64([[4, 1, 0, 2, 3, 1]])
    table, w, v = random.normal(size=(5, I)), cell(random, 4), cell(random, 3, inputs=U, bias=(2, 3 * U))
    forward, back = cell(random, 1, inputs=U), cell(random, 1, inputs=U)
    y, _ = judge.lstm(table[words], *arrays(w))
    z, _ = judge.gru(y, *arrays(v), after=True)
    _, (a,) = judge.rnn(z, *arrays(forward))
    _, (b,) = judge.rnn(z[:, ::-1], *arrays(back))
    kernel = [random.normal(size=(2 * U, 3)), random.normal(size=(3, 2))]
    out = np.concatenate([a, b], -1) @ kernel[0] @ kernel[1]
    inner = {"module": "keras.layers", "class_name": "SimpleRNN", "config": layer("SimpleRNN", [], name="inner").config}
    dense = lambda name, source, matrix: Layer("Dense", name, [source], [("kernel", matrix)], units=matrix.shape[1],
                                               activation="linear", use_bias=False)
    layers = [Layer("InputLayer", "x", batch_shape=[None, 6], dtype="int32"),
              Layer("Embedding", "table", ["x"], [("embeddings", table)], input_dim=5, output_dim=I, mask_zero=False),
              layer("LSTM", under("cell", w), name="first", inputs=["table"], return_sequences=True),
              layer("GRU", under("cell", v), name="second", inputs=["first"], return_sequences=True, reset_after=True),
              Layer("Bidirectional", "both", ["second"],
                    under("forward_layer/cell", forward) + under("backward_layer/cell", back), merge_mode="concat", layer=inner),
              dense("hidden", "both", kernel[0]), dense("out", "hidden", kernel[1])]
    keras_3(folder / "text.keras", layers, ["x"], ["out"], [words], [out])


def write(folder, random):
    for part in (simple, initial_state, bidirectional, time_distributed, cells, masks, keras_1, attention, multi_head,
                 keras_3_text):
        part(folder, random)
