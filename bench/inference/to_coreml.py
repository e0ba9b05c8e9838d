"""A described network as a Core ML neural network, for mlq."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts"))
import coreml_schema  # noqa: E402

FLOAT32 = 65568  # the format's code of the array's type


def array(feature, name, shape):
    feature.name = name
    feature.type.multi_array_type.shape.extend(shape)
    feature.type.multi_array_type.data_type = FLOAT32


def window(to, layer):
    to.kernel_size.extend([layer.kernel] * 2)
    to.stride.extend([layer.stride] * 2)
    for _ in range(2):
        to.valid.padding_amounts.border_amounts.add(start_edge_size=layer.pad, end_edge_size=layer.pad)


def convolution(to, layer):
    to.output_channels, to.kernel_channels = layer.weights.shape[:2]
    to.n_groups = layer.groups
    to.dilation_factor.extend([1, 1])
    window(to, layer)


def dense(to, layer):
    to.output_channels, to.input_channels = layer.weights.shape


def clip(to, _):
    to.min_val, to.max_val = 0, 6


def mean(to, _):
    to.type, to.global_pooling = 1, True
    to.valid.SetInParent()


# The field of the layer, and what fills it.
FIELDS = {
    "conv": ("convolution", convolution),
    "dense": ("inner_product", dense),
    "relu": ("activation", lambda to, _: to.relu.SetInParent()),
    "relu6": ("clip", clip),
    "maxpool": ("pooling", window),
    "mean": ("pooling", mean),
    "add": ("add", lambda to, _: to.SetInParent()),
    "concat": ("concat", lambda to, _: to.SetInParent()),
}


def coreml_bytes(net):
    model = coreml_schema.load().Model(specification_version=4)
    array(model.description.input.add(), "input", [3, 224, 224])
    array(model.description.output.add(), net.layers[-1].name, [1000])
    for layer in net.layers:
        field, fill = FIELDS[layer.kind]
        to = getattr(model.neural_network.layers.add(name=layer.name, input=layer.inputs, output=[layer.name]), field)
        fill(to, layer)
        if layer.weights is not None:
            to.with_bias = True
            to.weights.float_value.extend(layer.weights.ravel().tolist())
            to.bias.float_value.extend(layer.bias.tolist())
    return model.SerializeToString()
