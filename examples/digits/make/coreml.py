"""A trained network as a Core ML neural_network_classifier."""
import pathlib
import sys

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "scripts"))
import coreml_schema  # noqa: E402

schema = coreml_schema.load()


def describe(model):
    about = model.description
    image = about.input.add(name="image", short_description="A gray picture of one digit, light ink on dark paper")
    image.type.image_type.width = image.type.image_type.height = 28
    image.type.image_type.color_space = 10  # gray
    chances = about.output.add(name="classLabelProbs", short_description="How likely each digit is, 0 to 1")
    chances.type.dictionary_type.string_key_type.SetInParent()
    about.output.add(name="classLabel", short_description="The most likely digit").type.string_type.SetInParent()
    about.predicted_feature_name, about.predicted_probabilities_name = "classLabel", "classLabelProbs"
    about.metadata.short_description = "Tells handwritten digits apart; trained on digits that a script drew"
    about.metadata.author, about.metadata.license, about.metadata.version_string = "the mlq project", "Apache-2.0", "1"


class Writer:
    """Appends layers that read each other's results in order."""

    def __init__(self, network):
        self.network, self.blob = network, "image"

    def add(self, name, output=None):
        layer = self.network.layers.add(name=name, input=[self.blob], output=[output or name])
        self.blob = output or name
        return layer

    def convolution(self, name, source):
        to = self.add(name).convolution
        to.output_channels, to.kernel_channels = source.weights.shape[:2]
        to.n_groups, to.with_bias = 1, True
        to.kernel_size.extend([source.k] * 2), to.stride.extend([1, 1]), to.dilation_factor.extend([1, 1])
        to.same.SetInParent()
        self.weights(to, source)
        self.add(name + "_relu").activation.relu.SetInParent()

    def pool(self, name):
        to = self.add(name).pooling
        to.type = 0  # maximum
        to.kernel_size.extend([2, 2]), to.stride.extend([2, 2])
        to.valid.SetInParent()

    def dense(self, name, source):
        to = self.add(name).inner_product
        to.output_channels, to.input_channels = source.weights.shape
        to.with_bias = True
        self.weights(to, source)
        if source.relu:
            self.add(name + "_relu").activation.relu.SetInParent()

    def weights(self, to, source):
        to.weights.float_value.extend(source.weights.ravel().tolist())
        to.bias.float_value.extend(source.bias.tolist())


def model_bytes(network):
    model = schema.Model(specification_version=1)
    describe(model)
    classifier = model.neural_network_classifier
    scaler = classifier.preprocessing.add(feature_name="image").scaler
    scaler.channel_scale = float(np.float32(1 / 255))
    conv1, _, conv2, _, hidden, scores = network.layers
    writer = Writer(classifier)
    writer.convolution("conv1", conv1), writer.pool("pool1")
    writer.convolution("conv2", conv2), writer.pool("pool2")
    writer.add("flatten").flatten.mode = 0  # channel first
    writer.dense("hidden", hidden), writer.dense("scores", scores)
    writer.add("softmax", "classLabelProbs").softmax.SetInParent()
    classifier.string_class_labels.vector.extend("0123456789")
    return model.SerializeToString(deterministic=True)
