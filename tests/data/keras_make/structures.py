"""Networks that use a layer twice, hold other networks, merge, or have layers of the user's."""
import numpy as np

import judge
from files import Layer, input_layer, keras_2


def dense(name, weights, inputs=(), **more):
    return Layer("Dense", name, inputs, [("kernel", weights[0]), ("bias", weights[1])], units=len(weights[1]),
                 use_bias=True, **{"activation": "relu", **more})


def pair(random, inputs, outputs):
    return random.normal(0, 0.5, (inputs, outputs)), random.normal(0, 0.5, outputs)


def apply(x, weights):
    return judge.relu(x @ weights[0] + weights[1])


def shared(folder, random):
    """One layer reads two inputs, then its own result."""
    a, b, w = random.normal(size=(1, 4)), random.normal(size=(1, 4)), pair(random, 4, 4)
    layers = [input_layer("a", 4), input_layer("b", 4), dense("d", w, uses=[["a"], ["b"], ["d:0"]]),
              Layer("Concatenate", "all", ["d:0", "d:1", "d:2"], axis=-1)]
    y = np.concatenate([apply(a, w), apply(b, w), apply(apply(a, w), w)], -1)
    keras_2(folder / "shared_layer.h5", layers, ["a", "b"], ["all"], [a, b], [y])


def nested(folder, random):
    """A model that is used twice, with a Sequential and a frozen layer inside: trainable arrays come first."""
    a, b = random.normal(size=(1, 4)), random.normal(size=(1, 4))
    w, v, norm = pair(random, 4, 4), pair(random, 4, 3), [random.uniform(0.5, 2, 4) for _ in range(4)]
    middle = Layer("BatchNormalization", "norm", ["y"], [("gamma", norm[0]), ("beta", norm[1]), ("mean", norm[2]),
                                                         ("variance", norm[3])], axis=[1], epsilon=1e-3, center=True, scale=True)
    inside = Layer("Sequential", "two", ["norm"], inner=[dense("w", w, batch_input_shape=[None, 4]), dense("v", v)])
    tower = Layer("Model", "tower", inner=([input_layer("y", 4), middle, inside], ["y"], ["two"]), uses=[["a"], ["b"]])
    kernels = [("gamma", norm[0]), ("beta", norm[1]), ("w/kernel", w[0]), ("w/bias", w[1]), ("v/kernel", v[0]),
               ("v/bias", v[1]), ("mean", norm[2]), ("variance", norm[3])]
    run = lambda x: apply(apply(judge.batch_norm(x, *norm), w), v)
    tower.listed = kernels
    keras_2(folder / "nested_model.h5", [input_layer("a", 4), input_layer("b", 4), tower,
                                         Layer("Subtract", "apart", ["tower:0", "tower:1"])], ["a", "b"], ["apart"], [a, b],
            [run(a) - run(b)])


def merges(folder, random):
    a, b, c = (random.normal(size=(1, 3, 4)) for _ in range(3))
    unit = lambda x: x / np.sqrt((x * x).sum(-1, keepdims=True))
    layers = [input_layer("a", 3, 4), input_layer("b", 3, 4), input_layer("c", 3, 4),
              Layer("Add", "add", "abc"), Layer("Multiply", "times", "abc"), Layer("Average", "mean", "abc"),
              Layer("Maximum", "most", "abc"), Layer("Minimum", "least", "ab"), Layer("Subtract", "minus", "ab"),
              Layer("Concatenate", "join", "abc", axis=1), Layer("Dot", "dot", "ab", axes=[2, 2], normalize=False),
              Layer("Dot", "cosine", "ab", axes=2, normalize=True)]
    keras_2(folder / "merges.h5", layers, ["a", "b", "c"],
            ["add", "times", "mean", "most", "least", "minus", "join", "dot", "cosine"], [a, b, c],
            [a + b + c, a * b * c, (a + b + c) / 3, np.maximum(np.maximum(a, b), c), np.minimum(a, b), a - b,
             np.concatenate([a, b, c], 1), a @ b.swapaxes(1, 2), unit(a) @ unit(b).swapaxes(1, 2)])


def activations(folder, random):
    x = random.normal(size=(1, 12)) * 3
    e = np.exp
    selu = 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * (e(x) - 1))
    table = {"elu": np.where(x > 0, x, e(x) - 1), "exponential": e(x), "hard_sigmoid": judge.hard_sigmoid(x), "linear": x,
             "relu": judge.relu(x), "selu": selu, "sigmoid": judge.sigmoid(x), "softmax": judge.softmax(x),
             "softplus": np.log1p(e(x)), "softsign": x / (1 + abs(x)), "swish": x * judge.sigmoid(x), "tanh": np.tanh(x)}
    layers = [input_layer("x", 12)] + [Layer("Activation", name, ["x"], activation=name) for name in table]
    more = {"leaky": (Layer("LeakyReLU", "leaky", ["x"], alpha=0.1), np.where(x > 0, x, 0.1 * x)),
            "threshold": (Layer("ThresholdedReLU", "threshold", ["x"], theta=0.5), np.where(x > 0.5, x, 0)),
            "bounded": (Layer("ReLU", "bounded", ["x"], max_value=2.0, negative_slope=0.1, threshold=0.5),
                        np.where(x >= 2, 2, np.where(x >= 0.5, x, 0.1 * (x - 0.5))))}
    keras_2(folder / "activations.h5", layers + [made for made, _ in more.values()], ["x"], [*table, *more], [x],
            [*table.values(), *(y for _, y in more.values())])


def lambdas(folder, random):
    """Two Lambda layers, told apart by name, and a class of the user's with weights and settings."""
    x, slope = random.normal(size=(1, 3, 4)), random.normal(size=4)
    code = ["4wEAAAAAAAAAAQAAAAIAAABTAAAAcwgAAAB8AHwAFAAgAFMAKQFO", None, None]
    layers = [input_layer("x", 3, 4),
              Layer("Lambda", "square", ["x"], function=code, function_type="lambda", arguments={}),
              Layer("Lambda", "halve", ["square"], function=code, function_type="lambda", arguments={}),
              Layer("Slope", "slope", ["halve"], [("slope", slope)], offset=1.5)]
    keras_2(folder / "lambdas.h5", layers, ["x"], ["slope"], [x], [x * x / 2 * slope + 1.5])


def write(folder, random):
    for part in (shared, nested, merges, activations, lambdas):
        part(folder, random)
