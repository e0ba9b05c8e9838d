"""A trained network as a Core ML neuralNetworkClassifier."""
import pathlib
import sys

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "scripts"))
import coreml_schema  # noqa: E402

schema = coreml_schema.load()


def describe(model):
    about = model.description
    image = about.input.add(name="image", shortDescription="A gray picture of one digit, light ink on dark paper")
    image.type.imageType.width = image.type.imageType.height = 28
    image.type.imageType.colorSpace = 10  # gray
    chances = about.output.add(name="classLabelProbs", shortDescription="How likely each digit is, 0 to 1")
    chances.type.dictionaryType.stringKeyType.SetInParent()
    about.output.add(name="classLabel", shortDescription="The most likely digit").type.stringType.SetInParent()
    about.predictedFeatureName, about.predictedProbabilitiesName = "classLabel", "classLabelProbs"
    about.metadata.shortDescription = "Tells handwritten digits apart; trained on digits that a script drew"
    about.metadata.author, about.metadata.license, about.metadata.versionString = "the mlq project", "Apache-2.0", "1"


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
        to.outputChannels, to.kernelChannels = source.weights.shape[:2]
        to.nGroups, to.hasBias = 1, True
        to.kernelSize.extend([source.k] * 2), to.stride.extend([1, 1]), to.dilationFactor.extend([1, 1])
        to.same.SetInParent()
        self.weights(to, source)
        self.add(name + "_relu").activation.ReLU.SetInParent()

    def pool(self, name):
        to = self.add(name).pooling
        to.type = 0  # maximum
        to.kernelSize.extend([2, 2]), to.stride.extend([2, 2])
        to.valid.SetInParent()

    def dense(self, name, source):
        to = self.add(name).innerProduct
        to.outputChannels, to.inputChannels = source.weights.shape
        to.hasBias = True
        self.weights(to, source)
        if source.relu:
            self.add(name + "_relu").activation.ReLU.SetInParent()

    def weights(self, to, source):
        to.weights.floatValue.extend(source.weights.ravel().tolist())
        to.bias.floatValue.extend(source.bias.tolist())


def model_bytes(network):
    model = schema.Model(specificationVersion=1)
    describe(model)
    classifier = model.neuralNetworkClassifier
    scaler = classifier.preprocessing.add(featureName="image").scaler
    scaler.channelScale = float(np.float32(1 / 255))
    conv1, _, conv2, _, hidden, scores = network.layers
    writer = Writer(classifier)
    writer.convolution("conv1", conv1), writer.pool("pool1")
    writer.convolution("conv2", conv2), writer.pool("pool2")
    writer.add("flatten").flatten.mode = 0  # channel first
    writer.dense("hidden", hidden), writer.dense("scores", scores)
    writer.add("softmax", "classLabelProbs").softmax.SetInParent()
    classifier.stringClassLabels.vector.extend("0123456789")
    return model.SerializeToString(deterministic=True)
