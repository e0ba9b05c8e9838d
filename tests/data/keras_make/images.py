"""Networks of layers that see pictures."""
import numpy as np

import judge
from files import Layer, input_layer, keras_2, keras_3, sequential


def conv_config(k, **more):
    return {"kernel_size": list(k), "strides": [1, 1], "padding": "valid", "data_format": "channels_last",
            "dilation_rate": [1, 1], "activation": "linear", "use_bias": True, **more}


def pool_config(size, **more):
    return {"pool_size": list(size), "strides": list(size), "padding": "valid", "data_format": "channels_last", **more}


def channels_first(folder, random):
    """A whole network with the channels in front; kernels stay [kh, kw, in, out]."""
    draw = lambda *shape: random.normal(0, 0.5, shape)
    x = draw(1, 8, 9, 3)
    k1, b1, k2, b2 = draw(3, 3, 3, 4), draw(4), draw(3, 3, 4, 2), draw(8)
    norm = [draw(8), draw(8), draw(8), random.uniform(0.5, 2, 8)]
    kernel, bias = draw(8 * 2 * 2, 3), draw(3)
    y = judge.relu(judge.conv(x, k1, b1, same=True, stride=(2, 1)))
    y = judge.max_pool(y, (2, 2), (2, 2))
    y = judge.batch_norm(judge.depthwise(y, k2, b2, same=True), *norm)
    y = judge.average_pool(y, (2, 3), (1, 2), same=True)
    out = y.reshape(1, -1) @ kernel + bias  # Flatten puts the channels last before it flattens
    front = {"data_format": "channels_first"}
    layers = [input_layer("x", 3, 8, 9),
              Layer("Conv2D", "c1", ["x"], [("kernel", k1), ("bias", b1)], filters=4,
                    **conv_config((3, 3), strides=[2, 1], padding="same", activation="relu", **front)),
              Layer("MaxPooling2D", "p1", ["c1"], **pool_config((2, 2), **front)),
              Layer("DepthwiseConv2D", "c2", ["p1"], [("depthwise_kernel", k2), ("bias", b2)], depth_multiplier=2,
                    **conv_config((3, 3), padding="same", **front)),
              Layer("BatchNormalization", "norm", ["c2"], list(zip(("gamma", "beta", "moving_mean", "moving_variance"), norm)),
                    axis=[1], epsilon=1e-3, scale=True, center=True),
              Layer("AveragePooling2D", "p2", ["norm"], **pool_config((2, 3), strides=[1, 2], padding="same", **front)),
              Layer("Flatten", "flat", ["p2"], **front),
              Layer("Dense", "out", ["flat"], [("kernel", kernel), ("bias", bias)], units=3, activation="linear", use_bias=True)]
    keras_2(folder / "channels_first.h5", layers, ["x"], ["norm", "out"], [judge.first(x)],
            [judge.first(judge.batch_norm(judge.depthwise(judge.max_pool(judge.relu(judge.conv(x, k1, b1, same=True, stride=(2, 1))),
                                                                         (2, 2), (2, 2)), k2, b2, same=True), *norm)), out])


def convolutions(folder, random):
    draw = lambda *shape: random.normal(0, 0.5, shape)
    x, k, b = draw(1, 7, 7, 4), draw(3, 3, 2, 6), draw(6)
    grouped = np.concatenate([judge.conv(x[..., :2], k[..., :3]), judge.conv(x[..., 2:], k[..., 3:])], -1) + b
    dilated = judge.conv(x, k2 := draw(2, 2, 4, 3), dilation=(2, 3))
    point = draw(1, 1, 8, 3)
    separable = judge.conv(judge.depthwise(x, deep := draw(3, 3, 4, 2)), point, b3 := draw(3))
    turned = judge.conv_transposed(x, k4 := draw(3, 2, 5, 4), b5 := draw(5), (2, 3))
    layers = [input_layer("x", 7, 7, 4),
              Layer("Conv2D", "grouped", ["x"], [("kernel", k), ("bias", b)], filters=6, groups=2, **conv_config((3, 3))),
              Layer("Conv2D", "dilated", ["x"], [("kernel", k2)], filters=3,
                    **conv_config((2, 2), dilation_rate=[2, 3], use_bias=False)),
              Layer("SeparableConv2D", "separable", ["x"], [("depthwise_kernel", deep), ("pointwise_kernel", point), ("bias", b3)],
                    filters=3, depth_multiplier=2, **conv_config((3, 3))),
              Layer("Conv2DTranspose", "turned", ["x"], [("kernel", k4), ("bias", b5)], filters=5, output_padding=None,
                    **conv_config((3, 2), strides=[2, 3]))]
    keras_2(folder / "convolutions.h5", layers, ["x"], ["grouped", "dilated", "separable", "turned"], [x],
            [grouped, dilated, separable, turned])


def one_dimension(folder, random):
    """Causal: a step sees itself and those before it. Local: a kernel for each step."""
    draw = lambda *shape: random.normal(0, 0.5, shape)
    x, k, b = draw(1, 9, 3), draw(3, 3, 4), draw(4)
    seen = np.pad(x, ((0, 0), (4, 0), (0, 0)))
    causal = sum(seen[:, 2 * j:2 * j + 9] @ k[j] for j in range(3)) + b
    local_kernel, local_bias = draw(4, 3 * 3, 2), draw(4, 2)
    local = judge.local(x[:, :, None], local_kernel, local_bias[:, None], (3, 1), (2, 1))[:, :, 0]
    flat = {"strides": [1], "data_format": "channels_last", "activation": "linear", "use_bias": True}
    layers = [input_layer("x", 9, 3),
              Layer("Conv1D", "causal", ["x"], [("kernel", k), ("bias", b)], filters=4, kernel_size=[3], padding="causal",
                    dilation_rate=[2], **flat),
              Layer("LocallyConnected1D", "local", ["x"], [("kernel", local_kernel), ("bias", local_bias)], filters=2,
                    kernel_size=[3], padding="valid", implementation=1, **{**flat, "strides": [2]})]
    keras_2(folder / "one_dimension.h5", layers, ["x"], ["causal", "local"], [x], [causal, local])


def local(folder, random):
    draw = lambda *shape: random.normal(0, 0.5, shape)
    x, kernel, bias = draw(1, 5, 6, 2), draw(4 * 3, 2 * 2 * 2, 3), draw(4, 3, 3)
    y = judge.relu(judge.local(x, kernel, bias, (2, 2), (1, 2)))
    config = conv_config((2, 2), strides=[1, 2], activation="relu", implementation=1)
    made = Layer("LocallyConnected2D", "local", ["x"], [("kernel", kernel), ("bias", bias)], filters=3, **config)
    keras_2(folder / "local.h5", [input_layer("x", 5, 6, 2), made], ["x"], ["local"], [x], [y])
    # With the channels in front, a window's numbers are channel by channel.
    turned = kernel.reshape(12, 2, 2, 2, 3).transpose(0, 3, 1, 2, 4).reshape(12, 8, 3)
    made = Layer("LocallyConnected2D", "local", ["x"], [("kernel", turned), ("bias", bias.transpose(2, 0, 1))], filters=3,
                 **{**config, "data_format": "channels_first"})
    keras_2(folder / "local_channels_first.h5", [input_layer("x", 2, 5, 6), made], ["x"], ["local"], [judge.first(x)],
            [judge.first(y)])


def conv_lstm(folder, random):
    draw = lambda *shape: random.normal(0, 0.3, shape)
    x, W, U, b = draw(1, 3, 6, 5, 2), draw(3, 3, 2, 16), draw(3, 3, 4, 16), draw(16)
    more = {"return_state": False, "go_backwards": False, "stateful": False, "recurrent_activation": "hard_sigmoid"}
    for name, sequences, same, stride in (("sequence", True, True, (1, 1)), ("last", False, False, (2, 1))):
        y, (h, _) = judge.conv_lstm(x, W, U, b, same, stride)
        config = conv_config((3, 3), padding="same" if same else "valid", strides=list(stride), activation="tanh")
        made = Layer("ConvLSTM2D", "rnn", ["x"], [("kernel", W), ("recurrent_kernel", U), ("bias", b)], filters=4,
                     return_sequences=sequences, **config, **more)
        keras_2(folder / f"conv_lstm_{name}.h5", [input_layer("x", 3, 6, 5, 2), made], ["x"], ["rnn"], [x],
                [y if sequences else h])


def norms(folder, random):
    draw = lambda *shape: random.normal(0, 0.5, shape)
    x, pairs = draw(1, 4, 3, 6) * 3 + 1, [(draw(6), draw(6)) for _ in range(2)]
    mean, variance, slope = draw(6), random.uniform(0.5, 2, 6), draw(1, 3, 6)
    named = lambda pair: list(zip(("gamma", "beta"), pair))
    layers = [input_layer("x", 4, 3, 6),
              Layer("LayerNormalization", "layer", ["x"], named(pairs[0]), axis=[3], epsilon=1e-3, center=True, scale=True),
              Layer("GroupNormalization", "group", ["x"], named(pairs[1]), groups=3, axis=-1, epsilon=1e-3, center=True, scale=True),
              Layer("UnitNormalization", "unit", ["x"], axis=-1),
              Layer("BatchNormalization", "batch", ["x"], [("moving_mean", mean), ("moving_variance", variance)], axis=[3],
                    epsilon=1e-3, center=False, scale=False),
              Layer("PReLU", "slopes", ["x"], [("alpha", slope)], shared_axes=[1])]
    keras_2(folder / "norms.h5", layers, ["x"], ["layer", "group", "unit", "batch", "slopes"], [x],
            [judge.layer_norm(x, *pairs[0]), judge.group_norm(x, 3, *pairs[1]), x / np.sqrt((x * x).sum(-1, keepdims=True)),
             judge.batch_norm(x, 1, 0, mean, variance), np.where(x > 0, x, slope * x)])


def upsampled(x, factor):
    """Bilinear, half pixels: the result's centre lies between the source's."""
    for axis in (1, 2):
        size = x.shape[axis]
        at = np.clip((np.arange(size * factor) + 0.5) / factor - 0.5, 0, size - 1)
        low = np.floor(at).astype(int)
        part = (at - low).reshape([-1 if a == axis else 1 for a in range(4)])
        x = x.take(low, axis) * (1 - part) + x.take(np.minimum(low + 1, size - 1), axis) * part
    return x


def sizes(folder, random):
    x = random.normal(size=(1, 4, 5, 2))
    padded = np.pad(x, ((0, 0), (1, 2), (0, 3), (0, 0)))
    layers = [input_layer("x", 4, 5, 2),
              Layer("ZeroPadding2D", "pad", ["x"], padding=[[1, 2], [0, 3]], data_format="channels_last"),
              Layer("Cropping2D", "crop", ["x"], cropping=[[1, 0], [0, 2]], data_format="channels_last"),
              Layer("UpSampling2D", "large", ["x"], size=[2, 3], interpolation="nearest", data_format="channels_last"),
              Layer("UpSampling2D", "smooth", ["x"], size=[2, 2], interpolation="bilinear", data_format="channels_last"),
              Layer("Permute", "turn", ["x"], dims=[3, 1, 2]), Layer("Reshape", "shape", ["x"], target_shape=[5, -1]),
              Layer("GlobalMaxPooling2D", "most", ["x"], data_format="channels_last"),
              Layer("RepeatVector", "again", ["most"], n=3)]
    keras_2(folder / "sizes.h5", layers, ["x"], ["pad", "crop", "large", "smooth", "turn", "shape", "again"], [x],
            [padded, x[:, 1:, :3], x.repeat(2, 1).repeat(3, 2), upsampled(x, 2), x.transpose(0, 3, 1, 2), x.reshape(1, 5, 8),
             x.max((1, 2))[:, None].repeat(3, 1)])


def keras_1(folder, random):
    """Theano's way: channels first, kernels [out, in, kh, kw] and mirrored."""
    draw = lambda *shape: random.normal(0, 0.5, shape)
    x, k, b = draw(1, 8, 8, 2), draw(3, 3, 2, 4), draw(4)
    kernel, bias = draw(4 * 3 * 3, 5), draw(5)
    y = judge.max_pool(judge.relu(judge.conv(x, k, b)), (2, 2), (2, 2))
    out = judge.softmax(judge.first(y).reshape(1, -1) @ kernel + bias)
    saved = k[::-1, ::-1].transpose(3, 2, 0, 1)
    layers = [Layer("Convolution2D", "c", [], [("c_W", saved), ("c_b", b)], batch_input_shape=[None, 2, 8, 8], nb_filter=4,
                    nb_row=3, nb_col=3, subsample=[1, 1], border_mode="valid", dim_ordering="th", activation="relu", bias=True),
              Layer("MaxPooling2D", "p", [], pool_size=[2, 2], strides=[2, 2], border_mode="valid", dim_ordering="th"),
              Layer("Dropout", "drop", [], p=0.5), Layer("Flatten", "flat", []),
              Layer("Dense", "out", [], [("out_W", kernel), ("out_b", bias)], output_dim=5, activation="softmax", bias=True)]
    sequential(folder / "keras_1_theano.h5", layers, [judge.first(x)], [out], version="1.2.2", bare=True, backend="theano")


def keras_3_images(folder, random):
    """Nested in Keras 3: the inner model's layers lie in a folder of their own."""
    draw = lambda *shape: random.normal(0, 0.5, shape)
    x, k1, k2, b2 = draw(1, 6, 6, 3), draw(3, 3, 3, 4), draw(3, 3, 4, 4), draw(4)
    norm = [draw(4), draw(4), draw(4), random.uniform(0.5, 2, 4)]
    first = judge.conv(x, k1, same=True)
    inner = judge.relu(judge.batch_norm(judge.conv(first, k2, b2, same=True), *norm))
    out = (first + inner).mean((1, 2))
    same = conv_config((3, 3), padding="same")
    block = ([Layer("InputLayer", "y", batch_shape=[None, 6, 6, 4]),
              Layer("Conv2D", "c2", ["y"], [("kernel", k2), ("bias", b2)], filters=4, **same),
              Layer("BatchNormalization", "norm", ["c2"], list(zip("abcd", norm)), axis=-1, epsilon=1e-3, center=True, scale=True),
              Layer("Activation", "relu", ["norm"], activation="relu")], ["y"], ["relu"])
    layers = [Layer("InputLayer", "x", batch_shape=[None, 6, 6, 3]),
              Layer("Conv2D", "c1", ["x"], [("kernel", k1)], filters=4, **{**same, "use_bias": False}),
              Layer("Functional", "block", ["c1"], inner=block), Layer("Add", "sum", ["c1", "block"]),
              Layer("GlobalAveragePooling2D", "mean", ["sum"], data_format="channels_last", keepdims=False)]
    keras_3(folder / "nested.keras", layers, ["x"], ["mean"], [x], [out])


def write(folder, random):
    for part in (channels_first, convolutions, one_dimension, local, conv_lstm, norms, sizes, keras_1, keras_3_images):
        part(folder, random)
