"""The trained net as a Core ML neural_network_classifier with a custom layer."""
import coreml  # of the digits example
import numpy as np
from transformer import INSIDE, OUTSIDE

schema = coreml.schema


def weights_of(file):
    """(weights, bias) of each layer of a model that has some, in order."""
    model = schema.Model()
    model.ParseFromString(file.read_bytes())
    for layer in model.neural_network_classifier.layers:
        for kind in ("convolution", "inner_product"):
            if layer.HasField(kind):
                it = getattr(layer, kind)
                yield np.float32(it.weights.float_value), np.float32(it.bias.float_value)


class Fixed:
    """A matrix that was not learned."""

    relu = False

    def __init__(self, weights):
        self.weights, self.bias = weights, np.zeros(len(weights), np.float32)


def add_localisation(writer, localisation, grid):
    half = writer.add("half_size").pooling
    half.type = 1  # average
    half.kernel_size.extend([2, 2]), half.stride.extend([2, 2])
    half.valid.SetInParent()
    writer.add("flatten_half").flatten.mode = 0  # channel first
    writer.dense("where_hidden", localisation.hidden), writer.dense("where", localisation.where)
    writer.dense("affine_grid", Fixed(grid))


def add_sampler(writer):
    layer = writer.add("look")
    layer.input[:] = ["image", "affine_grid"]
    layer.custom.class_name = "GridSampler"
    layer.custom.description = "Reads the picture at the points of a grid"
    layer.custom.parameters["output_height"].int_value = INSIDE
    layer.custom.parameters["output_width"].int_value = INSIDE


def model_bytes(net):
    model = schema.Model(specification_version=2)  # the first with custom layers
    coreml.describe(model)
    image = model.description.input[0]
    image.short_description = "A gray picture with one digit somewhere in it, light ink on dark paper"
    image.type.image_type.width = image.type.image_type.height = OUTSIDE
    about = model.description.metadata
    about.short_description = "Finds a handwritten digit and tells which it is; trained on digits that a script drew"
    classifier = model.neural_network_classifier
    classifier.preprocessing.add(feature_name="image").scaler.channel_scale = float(np.float32(1 / 255))
    writer = coreml.Writer(classifier)
    add_localisation(writer, net.localisation, net.grid)
    add_sampler(writer)
    conv1, _, conv2, _, hidden, scores = net.classifier.layers
    writer.convolution("conv1", conv1), writer.pool("pool1")
    writer.convolution("conv2", conv2), writer.pool("pool2")
    writer.add("flatten").flatten.mode = 0
    writer.dense("hidden", hidden), writer.dense("scores", scores)
    writer.add("softmax", "classLabelProbs").softmax.SetInParent()
    classifier.string_class_labels.vector.extend("0123456789")
    return model.SerializeToString(deterministic=True)
